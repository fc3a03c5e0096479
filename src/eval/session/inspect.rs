//! What a check of the program needs of a session: its network under an assignment, images, and a second calibration.

use super::{Observations, Session, SessionError};
use crate::data::{Batches, Split};
use crate::eval::{Assignment, EvalError, Luts};
use crate::graph::Graph;
use crate::layer::Accumulator;
use candle_core::Tensor;
use std::num::NonZeroUsize;

impl Session {
    /// The network, its layers as `assignment` has them, and the assignment with the noise that was derived.
    ///
    /// # Errors
    /// When layers cannot be calibrated or quantized.
    pub(crate) fn network(&mut self, assignment: &Assignment) -> Result<(&Graph, Assignment), SessionError> {
        // What was computed by other layers.
        self.share_before(None);
        let assignment = self.set_up(assignment)?;
        Ok((&self.model().graph, assignment))
    }

    /// Sets what sums are kept in from now on; returns what they were kept in.
    pub(crate) fn exchange_accumulator(&mut self, accumulator: Option<Accumulator>) -> Option<Accumulator> {
        std::mem::replace(&mut self.experiment.accumulator, accumulator)
    }

    /// The first of the dataset's samples, or drawn ones where that is asked for, `count` at most, in one tensor, as the network takes them.
    ///
    /// # Errors
    /// When they cannot be read or prepared.
    pub(crate) fn first_images(&mut self, count: NonZeroUsize) -> Result<Tensor, SessionError> {
        let dataset = self.take_dataset()?;
        let count = count.get().min(self.samples());
        let selection = self.experiment.select(Some(count), Split::Test);
        let batch_size = NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN);
        let batches =
            Batches::start(dataset, self.preprocess.clone(), batch_size, selection).map_err(EvalError::from)?;
        let images = batches.map(|batch| Ok(batch.map_err(EvalError::from)?.images));
        let images = images.collect::<Result<Vec<_>, SessionError>>()?;
        Ok(Tensor::cat(&images, 0).map_err(EvalError::from)?)
    }

    /// Observes the calibration set once more: what was observed before, and what is now. `None` where nothing is
    /// calibrated.
    ///
    /// # Errors
    /// As [`calibrate`](Session::calibrate).
    pub(crate) fn observe_again(&mut self) -> Result<Option<[Observations; 2]>, SessionError> {
        self.calibrate()?;
        let Some(before) = self.scales.observations.take() else { return Ok(None) };
        let again = self.calibrate().map(Option::<&Observations>::cloned);
        self.scales.observations = Some(before.clone());
        Ok(again?.map(|again| [before, again]))
    }

    /// The multipliers that were opened.
    pub(crate) fn luts(&self) -> &Luts {
        &self.luts
    }
}
