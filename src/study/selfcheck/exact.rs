//! Whether a multiplier of exact products changes nothing.

use super::subject::{Subject, exact_lut};
use super::tally::Tally;
use super::{Check, SelfcheckError};
use crate::eval::Arithmetic;
use crate::report::SelfcheckEntry;

pub(super) const CHECK: Check =
    Check { name: "exact-lut", compared: "outputs against mode quant", needs_integers: true, run };

fn run(check: &Check, subject: &mut Subject) -> Result<Vec<SelfcheckEntry>, SelfcheckError> {
    let quant = subject.quant.clone();
    let mut exact = quant.clone();
    for layer in exact.layers_mut().iter_mut().filter(|layer| layer.mode().is_quantized()) {
        *layer = layer.with_arithmetic(Arithmetic::Approx(exact_lut(layer)));
    }
    let found = match subject.outputs(&exact) {
        // Without a multiplier, integers may be such as no coding takes.
        Err(error) if subject.asked.luts_in_use().is_empty() => {
            let why = error.to_string();
            return Ok(vec![SelfcheckEntry::skipped(check.name, check.compared, why)]);
        }
        found => found?,
    };
    let expected = subject.outputs(&quant)?;
    let mut tally = Tally::default();
    tally.bits(&found.values, &expected.values, |i| expected.place(i));
    Ok(vec![tally.entry(check.name, check.compared)])
}
