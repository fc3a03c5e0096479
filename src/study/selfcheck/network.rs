//! Whether the network as it is planned computes what its layers and operators do one by one.

use super::subject::{Subject, outputs, outputs_of_walk};
use super::tally::Tally;
use super::{Check, SelfcheckError};
use crate::report::SelfcheckEntry;

pub(super) const CHECK: Check =
    Check { name: "network", compared: "plan against single operators", needs_integers: true, run };

fn run(check: &Check, subject: &mut Subject) -> Result<Vec<SelfcheckEntry>, SelfcheckError> {
    if subject.has_floats {
        let why = "some layers are in floating point: they have no integers";
        return Ok(vec![SelfcheckEntry::skipped(check.name, check.compared, why)]);
    }
    let mut tally = Tally::default();
    for (mode, assignment) in [("as asked", subject.integers.clone()), ("quant", subject.quant.clone())] {
        let images = subject.images.clone();
        let (graph, _) = subject.session.network(&assignment)?;
        let found = outputs(graph, &images, 0)?;
        let expected = outputs_of_walk(graph, &images, |node, inputs, context| node.op().run(inputs, context))?;
        tally.bits(&found.values, &expected.values, |i| format!("{mode}, {}", expected.place(i)));
    }
    Ok(vec![tally.entry(check.name, check.compared)])
}
