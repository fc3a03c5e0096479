//! Whether results depend on the number of threads.

use super::subject::{Outputs, Subject, outputs};
use super::tally::Tally;
use super::{Check, SelfcheckError};
use crate::report::SelfcheckEntry;
use std::collections::BTreeSet;

pub(super) const CHECK: Check =
    Check { name: "threads", compared: "outputs against one thread", needs_integers: false, run };

fn run(check: &Check, subject: &mut Subject) -> Result<Vec<SelfcheckEntry>, SelfcheckError> {
    let mut tally = Tally::default();
    let counts = BTreeSet::from([2, 3, rayon::current_num_threads().max(2)]);
    let mut assignments = vec![("base", subject.base.clone())];
    if subject.not_quantized.is_none() {
        assignments.extend([("quant", subject.quant.clone()), ("as asked", subject.asked.clone())]);
    }
    for (mode, assignment) in assignments {
        let images = subject.images.clone();
        let (graph, _) = subject.session.network(&assignment)?;
        let on = |threads: usize| -> Result<Outputs, SelfcheckError> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
            pool.install(|| outputs(graph, &images, 0))
        };
        let expected = on(1)?;
        for &threads in &counts {
            let found = on(threads)?;
            tally.bits(&found.values, &expected.values, |i| {
                format!("mode {mode} on {threads} threads, {}", expected.place(i))
            });
        }
    }
    Ok(vec![tally.entry(check.name, check.compared)])
}
