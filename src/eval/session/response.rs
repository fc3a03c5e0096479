//! How strongly a network's outputs respond to noise in its layers.

use super::{Session, SessionError};
use crate::eval::{Assignment, CalibrationError, LayerConfig, set_accumulators, set_modes};
use crate::layer::{InferenceMode, LayerProblem, with_values};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Noise that layers are given, relative to their outputs: little enough that outputs follow in proportion.
const STDEV: f64 = 0.1;

/// The response of a network's outputs to noise in one layer: their mean square change, the same in all outputs of a
/// sample taken off, over the square of the noise's relative standard deviation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LayerResponse {
    /// To noise that is drawn for every element.
    pub scatter: f64,
    /// To noise that is the same at all positions of an output channel; as much as `scatter` of layers without channels.
    pub channels: f64,
}

impl Session {
    /// The responses of the layers that `assignment` makes approximate, in graph order, measured over the first
    /// `samples` samples of the calibration set while all layers multiply exactly.
    ///
    /// # Errors
    /// When there is no calibration set, it cannot be read, or the layers cannot be quantized.
    pub fn noise_responses(
        &mut self,
        assignment: &Assignment,
        samples: usize,
    ) -> Result<Vec<Option<LayerResponse>>, SessionError> {
        let wanted: Vec<bool> = assignment.layers().iter().map(LayerConfig::is_approximate).collect();
        let exact = assignment.with_exact_products();
        self.quantize(assignment)?;
        set_accumulators(&mut self.experiment.model.graph, None);
        self.requantize(assignment)?;
        if let Some(statistics) = &self.statistics {
            statistics.pause();
        }
        let mut batches = Vec::new();
        let mut seen = 0;
        for batch in self.calibration_batches()? {
            let batch = batch.map_err(CalibrationError::from)?;
            seen += batch.labels.len();
            batches.push((batch.images, batch.first as u64));
            if seen >= samples {
                break;
            }
        }
        let layers = wanted.iter().filter(|wanted| **wanted).count();
        self.progress.start("probing", seen * (2 * layers + 1));
        set_modes(&mut self.experiment.model.graph, &exact, self.experiment.seed)?;
        let clean = self.outputs(&batches)?;
        let mut responses = vec![None; wanted.len()];
        for (index, response) in responses.iter_mut().enumerate().filter(|(index, _)| wanted[*index]) {
            let scatter = self.change(index, [STDEV, 0.0], &batches, &clean)?;
            let channels =
                if self.has_channels(index) { self.change(index, [0.0, STDEV], &batches, &clean)? } else { scatter };
            *response = Some(LayerResponse { scatter, channels });
        }
        self.progress.finish();
        Ok(responses)
    }

    fn has_channels(&self, index: usize) -> bool {
        self.model().graph.layers().nth(index).is_some_and(|layer| layer.as_weighted().is_some())
    }

    /// The mean square change of outputs by noise in the layer at `index`, over its square.
    fn change(
        &mut self,
        index: usize,
        noise: [f64; 2],
        batches: &[(Tensor, u64)],
        clean: &[Vec<f32>],
    ) -> Result<f64, SessionError> {
        self.set_noise(index, InferenceMode::Noise, noise)?;
        let noisy = self.outputs(batches);
        self.set_noise(index, InferenceMode::Quantized, [0.0; 2])?;
        let noisy = noisy?;
        let of_sample = |(noisy, clean): (&Vec<f32>, &Vec<f32>)| {
            let changes: Vec<f64> = noisy.iter().zip(clean).map(|(a, b)| f64::from(*a) - f64::from(*b)).collect();
            centered_squares(&changes)
        };
        let squares: f64 = noisy.iter().zip(clean).map(of_sample).sum();
        Ok(squares / clean.len().max(1) as f64 / (STDEV * STDEV))
    }

    fn set_noise(&mut self, index: usize, mode: InferenceMode, noise: [f64; 2]) -> Result<(), SessionError> {
        let layer = self.experiment.model.graph.layers_mut().nth(index).expect("a layer of the graph");
        layer.set_mode(mode);
        layer.set_stdev(noise[0])?;
        Ok(layer.set_channel_stdev(noise[1])?)
    }

    /// The network's outputs for each sample.
    fn outputs(&self, batches: &[(Tensor, u64)]) -> Result<Vec<Vec<f32>>, SessionError> {
        let mut rows = Vec::new();
        for (images, first) in batches {
            let outputs =
                self.model().graph.run(std::slice::from_ref(images), *first).map_err(CalibrationError::from)?;
            let samples = images.dims().first().copied().unwrap_or(1).max(1);
            let output = outputs.first().ok_or(crate::eval::EvalError::Outputs(0))?;
            let failed = |error: candle_core::Error| LayerProblem::from(error).in_layer("output");
            let values = with_values(output, <[f32]>::to_vec).map_err(failed)?;
            rows.extend(values.chunks((values.len() / samples).max(1)).map(<[f32]>::to_vec));
            self.progress.advance(samples);
        }
        Ok(rows)
    }
}

/// Squares of deviations from the mean: classes are told apart by the differences of their outputs. Of a single output,
/// its square.
fn centered_squares(values: &[f64]) -> f64 {
    let mean = if values.len() > 1 { values.iter().sum::<f64>() / values.len() as f64 } else { 0.0 };
    values.iter().map(|value| (value - mean).powi(2)).sum()
}
