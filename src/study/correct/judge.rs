//! Whether a correction helps, on calibration samples that it was not fitted on.

use super::error::CorrectError;
use crate::eval::{Assignment, CalibrationImages, CalibrationOutputs, Session};
use crate::task::Metric;
use std::ops::Range;

/// How a network does on samples that were kept out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// The metric of its task, where samples have labels.
    pub metric: Option<Metric>,
    /// Mean square of the difference of its outputs from those of exact products, over the mean square of these.
    pub distance: f64,
}

/// Judges networks by the same samples.
pub(super) struct Judge<'a> {
    samples: &'a CalibrationImages,
    part: Range<usize>,
    exact: CalibrationOutputs,
}

/// An error that is larger by less than this is no larger.
const ABOUT: f64 = 1.05;
/// The same of one that costs less hardware.
const WORTH_HARDWARE: f64 = 1.25;

impl<'a> Judge<'a> {
    /// Who compares with the session's network under `exact`.
    pub fn new(
        session: &mut Session,
        exact: &Assignment,
        samples: &'a CalibrationImages,
        part: Range<usize>,
    ) -> Result<Self, CorrectError> {
        let exact = session.calibration_outputs(exact, samples, &part)?;
        Ok(Judge { samples, part, exact })
    }

    /// The network of exact products.
    pub fn exact(&self) -> Judged {
        Judged { metric: self.exact.metrics.as_ref().map(|metrics| metrics.metric()), distance: 0.0 }
    }

    /// How the session's network does under `assignment`.
    pub fn judge(&self, session: &mut Session, assignment: &Assignment) -> Result<Judged, CorrectError> {
        let found = session.calibration_outputs(assignment, self.samples, &self.part)?;
        let square = |x: f64| x * x;
        let pairs = || found.outputs.iter().zip(&self.exact.outputs);
        let error: f64 = pairs().map(|(&a, &b)| square(f64::from(a) - f64::from(b))).sum();
        let signal: f64 = self.exact.outputs.iter().map(|&b| square(f64::from(b))).sum();
        let distance = if error > 0.0 { error / signal } else { 0.0 };
        Ok(Judged { metric: found.metrics.as_ref().map(|metrics| metrics.metric()), distance })
    }

    /// Samples that are judged by.
    pub fn samples(&self) -> usize {
        self.part.len()
    }
}

impl Judged {
    /// Whether it is no worse than another by the metric, or by the distance where there is none.
    pub fn is_no_worse(&self, than: &Judged) -> bool {
        match (self.metric, than.metric) {
            (Some(own), Some(other)) => own.value >= other.value,
            _ => self.distance <= than.distance,
        }
    }

    /// Whether it does what another does, or more, of `samples`: metrics that chance could tell apart, by one standard
    /// error, are left to the distance, and that may be a little larger, or more so where it is of less hardware.
    pub fn is_as_good(&self, other: &Judged, is_cheaper: bool, samples: usize) -> bool {
        let is_close = self.distance <= other.distance * if is_cheaper { WORTH_HARDWARE } else { ABOUT };
        match (self.metric, other.metric) {
            (Some(own), Some(other)) => {
                let deviation = (other.value * (1.0 - other.value) / samples.max(1) as f64).sqrt();
                own.value >= other.value - deviation && is_close || own.value > other.value + deviation
            }
            _ => is_close,
        }
    }
}
