//! Whether results on integers depend on the batch size.

use super::subject::{Subject, outputs};
use super::tally::Tally;
use super::{Check, SelfcheckError};
use crate::report::SelfcheckEntry;
use candle_core::Tensor;
use std::num::NonZeroUsize;

pub(super) const CHECK: Check =
    Check { name: "batches", compared: "outputs against one batch", needs_integers: true, run };

fn run(check: &Check, subject: &mut Subject) -> Result<Vec<SelfcheckEntry>, SelfcheckError> {
    let skipped = |why: &str| vec![SelfcheckEntry::skipped(check.name, check.compared, why)];
    let (images, samples) = (subject.images.clone(), subject.samples());
    if subject.session.model().graph.batch_size(NonZeroUsize::MIN) != NonZeroUsize::MIN {
        return Ok(skipped("the network takes one batch size only"));
    }
    if subject.has_floats {
        return Ok(skipped("some layers are in floating point: they have no integers"));
    }
    if samples == 1 {
        return Ok(skipped("there is one sample"));
    }
    let mut tally = Tally::default();
    for (mode, assignment) in [("as asked", subject.integers.clone()), ("quant", subject.quant.clone())] {
        let (graph, _) = subject.session.network(&assignment)?;
        let expected = outputs(graph, &images, 0)?;
        for size in [1, 3].into_iter().filter(|&size| size < samples) {
            let mut found = Vec::new();
            for first in (0..samples).step_by(size) {
                let batch: Tensor = images.narrow(0, first, size.min(samples - first))?.contiguous()?;
                found.push(outputs(graph, &batch, first as u64)?.values);
            }
            tally.bits(&found.concat(), &expected.values, |i| {
                format!("{mode} in batches of {size}, {}", expected.place(i))
            });
        }
    }
    Ok(vec![tally.entry(check.name, check.compared)])
}
