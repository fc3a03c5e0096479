//! Whether this program is right on a user's machine, for a user's network, multiplier and data.
//!
//! What tests show of other networks, on other machines, a user's own figures rest on all the same. Here everything
//! that an evaluation is made of is computed once more in another way, on the network's own layers and the data's own
//! activations: by the formulas alone (`reference`), by candle, by other kernels, threads and batches. A check is a file
//! and a line of `CHECKS`.

mod batches;
mod calibration;
mod error;
mod exact;
mod fp32;
mod integers;
mod lut_audit;
mod lut_file;
mod network;
mod noise;
mod places;
mod probes;
mod reference;
mod scales;
mod subject;
mod sums;
mod tally;
mod terms;
mod threads;

pub use error::SelfcheckError;

use crate::eval::Session;
use crate::report::{SelfcheckEntry, SelfcheckReport};
use std::num::NonZeroUsize;
use std::time::Instant;
use subject::{Subject, kernels};

/// A check.
struct Check {
    name: &'static str,
    /// What is compared with what, in the width of a column.
    compared: &'static str,
    /// Whether it is one of quantized layers.
    needs_integers: bool,
    /// Makes it; some have an entry for each kernel.
    run: fn(&Check, &mut Subject) -> Result<Vec<SelfcheckEntry>, SelfcheckError>,
}

/// Every check, in the order in which a fault is best looked for.
const CHECKS: &[&Check] = &[
    &lut_file::CHECK,
    &lut_audit::CHECK,
    &terms::CHECK,
    &calibration::CHECK,
    &scales::CHECK,
    &integers::CHECK,
    &sums::CHECK,
    &sums::IN_ACCUMULATORS,
    &exact::CHECK,
    &network::CHECK,
    &threads::CHECK,
    &batches::CHECK,
    &noise::WITHOUT,
    &noise::CHECK,
    &fp32::CHECK,
];

/// Checks the network of `session` on its first `samples` samples.
///
/// # Errors
/// When the network cannot be run on its data as asked; what is found wrong is in the report.
pub fn selfcheck(session: &mut Session, samples: NonZeroUsize) -> Result<SelfcheckReport, SelfcheckError> {
    let start = Instant::now();
    let mut subject = Subject::new(session, samples)?;
    let mut entries = Vec::new();
    subject.session.progress().start("checking", CHECKS.len());
    for check in CHECKS {
        match subject.not_quantized.clone().filter(|_| check.needs_integers) {
            Some(why) => entries.push(SelfcheckEntry::skipped(check.name, check.compared, why)),
            None => entries.extend((check.run)(check, &mut subject)?),
        }
        subject.session.progress().advance(1);
    }
    subject.session.progress().finish();
    let names = kernels().iter().map(|kernel| kernel.name().to_owned()).collect();
    let (samples, seconds) = (subject.samples(), start.elapsed().as_secs_f64());
    Ok(SelfcheckReport::new(session, samples, names, entries, seconds))
}
