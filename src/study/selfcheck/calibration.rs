//! Whether scales can be found again.

use super::subject::Subject;
use super::tally::Tally;
use super::{Check, SelfcheckError};
use crate::eval::Observations;
use crate::quant::Observed;
use crate::report::SelfcheckEntry;
use std::collections::BTreeMap;

pub(super) const CHECK: Check =
    Check { name: "calibration", compared: "ranges against a second pass", needs_integers: true, run };

fn run(check: &Check, subject: &mut Subject) -> Result<Vec<SelfcheckEntry>, SelfcheckError> {
    // Once more on one thread, or on several where one is all that there was.
    let threads = if rayon::current_num_threads() == 1 { 3 } else { 1 };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let session = &mut *subject.session;
    let Some([before, again]) = pool.install(|| session.observe_again())? else {
        let why = "no layer is calibrated: scales are stated".to_owned();
        return Ok(vec![SelfcheckEntry::skipped(check.name, check.compared, why)]);
    };
    let mut tally = Tally::default();
    let pairs = [[of_layers(&before), of_layers(&again)], [of_values(&before), of_values(&again)]];
    for [before, again] in pairs {
        tally.same(again.len(), before.len(), || "operands observed".to_owned());
        for (name, expected) in &before {
            let Some(found) = again.get(name) else { continue };
            let ends = |seen: &Observed| [seen.minimum, seen.low, seen.high, seen.max_abs];
            let which = ["minimum", "lower end", "upper end", "largest magnitude"];
            tally.bits(&ends(found), &ends(expected), |i| format!("{name}, {}", which[i]));
            tally.holds(found.distribution == expected.distribution, || format!("{name}: another distribution"));
        }
    }
    Ok(vec![tally.entry(check.name, check.compared)])
}

/// What was observed of the operands of layers, by what these are.
fn of_layers(observations: &Observations) -> BTreeMap<String, Observed> {
    let mut operands = BTreeMap::new();
    for (layer, seen) in &observations.layers {
        let named = |(i, seen): (usize, &Observed)| (format!("layer '{layer}', operand {}", i + 1), seen.clone());
        operands.extend(seen.iter().enumerate().map(named));
    }
    operands
}

/// What was observed of values between layers.
fn of_values(observations: &Observations) -> BTreeMap<String, Observed> {
    observations.values.iter().map(|(name, seen)| (format!("value '{name}'"), seen.clone())).collect()
}
