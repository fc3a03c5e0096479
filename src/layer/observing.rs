//! The calibrator of an operand: present while the operand is observed.

use super::LayerProblem;
use crate::quant::{Calibrator, Observed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What sees the values of one operand during calibration.
#[derive(Debug, Default)]
pub struct Observing(Mutex<Option<Calibrator>>);

impl Observing {
    /// Shows values to the calibrator, where there is one.
    pub(crate) fn observe(&self, values: &[f32]) {
        if let Some(calibrator) = self.calibrator().as_mut() {
            calibrator.observe(values);
        }
    }

    /// Ends the batch that the last values were of.
    pub(crate) fn end_batch(&self) {
        if let Some(calibrator) = self.calibrator().as_mut() {
            calibrator.end_batch();
        }
    }

    /// Whether values are being observed.
    pub(crate) fn is_active(&self) -> bool {
        self.calibrator().is_some()
    }

    /// Starts observing, or stops it.
    pub(crate) fn set(&self, calibrator: Option<Calibrator>) {
        *self.calibrator() = calibrator;
    }

    /// Stops observing and returns the observations.
    ///
    /// # Errors
    /// When nothing was observed, or values were not finite.
    pub(crate) fn finish(&self) -> Result<Observed, LayerProblem> {
        let calibrator = self.calibrator().take().ok_or(LayerProblem::NothingObserved)?;
        if calibrator.has_nan() {
            return Err(LayerProblem::NaN);
        }
        if let Some([seen, announced]) = calibrator.miscounted().filter(|&[seen, _]| seen > 0) {
            return Err(LayerProblem::Miscounted { seen, announced });
        }
        calibrator.finish().ok_or(LayerProblem::NothingObserved)
    }

    /// The calibrator. A panic leaves it valid, so that a poisoned lock is no error.
    fn calibrator(&self) -> MutexGuard<'_, Option<Calibrator>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
