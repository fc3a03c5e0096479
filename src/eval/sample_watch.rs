//! A look at every sample on its way into the network: for NaN, and for [traps](super::traps).

use super::NanSample;
use super::traps::{Channels, Fingerprints, SeenSamples};
use crate::data::{Batch, PixelKind};
use crate::graph::Graph;
use crate::layer::with_values;
use crate::quant::{Extremes, extremes};

/// The samples that an evaluation runs over, for [traps](super::traps).
#[derive(Debug, Default)]
pub(super) struct SampleWatch<'a> {
    /// All of them.
    pub images: SeenSamples,
    /// Samples that they are compared with.
    pub known: Option<&'a Fingerprints>,
    /// How many of them are among those.
    pub shared: usize,
}

impl SampleWatch<'_> {
    /// Looks at the samples of a batch; fails where one has NaN values.
    pub fn see(&mut self, dataset: &str, batch: &Batch, graph: &Graph) -> Result<(), SeeError> {
        with_values(&batch.images, |values| {
            let Extremes { min, max, has_nan } = extremes(values);
            if let Some(nan) = has_nan.then(|| NanSample::find(dataset, batch, values, graph)).flatten() {
                return Err(nan.into());
            }
            let samples = batch.labels.len();
            self.images.add(values, samples, Channels::of_batch(batch.images.dims()), [min, max]);
            if let Some(known) = self.known {
                let size = (values.len() / samples.max(1)).max(1);
                self.shared += values.chunks_exact(size).filter(|sample| known.contains(sample)).count();
            }
            Ok(())
        })?
    }
}

/// Why samples cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub(super) enum SeeError {
    /// One has NaN values.
    #[error(transparent)]
    Nan(#[from] NanSample),
    /// candle reports a problem.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

/// The samples of a calibration set, for [traps](super::traps).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CalibrationSamples {
    /// What their pixels are.
    pub pixel_kind: PixelKind,
    /// Their values, as the network took them.
    pub images: SeenSamples,
    /// The same by their content.
    pub fingerprints: Fingerprints,
}
