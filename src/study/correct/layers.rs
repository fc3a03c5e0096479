//! The layers that are corrected, as they are without it, and what is known of them before.

use super::error::CorrectError;
use crate::eval::{Arithmetic, Assignment, Beside, CalibrationImages, ChannelMoments, Quantity, Session, SessionError};
use crate::kernel::Kernel;
use crate::layer::{
    ActivationCounts, ApproxLayer, LayerError, LayerParts, LayerProblem, WeightedLayer, nearest_weights,
};
use crate::layer::{activation_bytes, weight_integers};
use crate::lut::{Coding, Lut};
use crate::quant::LayerParams;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

/// A layer under a multiplier.
#[derive(Debug)]
pub(super) struct Original {
    /// Its index in graph order.
    pub index: usize,
    pub name: String,
    pub parts: LayerParts,
    pub params: LayerParams,
    pub coding: Coding,
    pub lut: Arc<Lut>,
    /// The integers of its weight.
    pub integers: Vec<i32>,
    /// Those whose products come closest to the exact ones.
    pub nearest: Vec<i32>,
    /// Whether a batch normalization was folded into it.
    pub is_normalized: bool,
    /// Output channels that read the same activations.
    pub group_outputs: usize,
    /// Mean of each output channel before the bias, of exact products in all layers.
    pub means: Vec<f64>,
}

impl Original {
    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.means.len()
    }

    /// Whether it had a normalization, and has a scale for each output channel that could be another.
    pub fn has_scales(&self) -> bool {
        self.is_normalized && (self.outputs() == 1 || !self.params.weight.is_per_tensor())
    }

    /// The real number that one step of the sums of a channel is.
    pub fn unit(&self, channel: usize) -> f64 {
        f64::from(self.params.input.scale()) * f64::from(self.params.weight.scale(channel))
    }

    /// The activation factors that a channel can have: of eight bits, and as kernels have room for.
    pub fn factors(&self, channel: usize) -> RangeInclusive<i32> {
        let zero_point = self.params.weight.zero_point(channel);
        (zero_point - 255).max(-128)..=(zero_point + 255).min(127)
    }

    /// The layer of other parts, quantized for its multiplier.
    pub fn layer(
        &self,
        session: &Session,
        parts: &LayerParts,
        params: &LayerParams,
    ) -> Result<Box<dyn WeightedLayer>, LayerError> {
        let kernel: &'static dyn Kernel = session.experiment().kernel;
        let mut layer = weighted(session, self.index).with_parts(parts)?;
        layer.quantize(params.clone(), self.coding, Some(&self.lut), kernel)?;
        Ok(layer)
    }

    /// The weight of integers under scales.
    pub fn weight(&self, integers: &[i32], params: &LayerParams) -> Vec<f32> {
        let per_output = integers.len() / self.outputs();
        let real = |(i, &integer): (usize, &i32)| {
            let channel = i / per_output;
            (integer - params.weight.zero_point(channel)) as f32 * params.weight.scale(channel)
        };
        integers.iter().enumerate().map(real).collect()
    }
}

/// The layer of that index, which has weights.
fn weighted(session: &Session, index: usize) -> &dyn WeightedLayer {
    let layer = session.model().graph.layers().nth(index).and_then(ApproxLayer::as_weighted);
    layer.expect("a layer with weights")
}

/// All layers with weights that `assignment` has under multipliers, with what a network of exact products shows of them
/// over a part of the calibration samples.
pub(super) fn originals(
    session: &mut Session,
    assignment: &Assignment,
    samples: &CalibrationImages,
    part: &Range<usize>,
) -> Result<Vec<Original>, CorrectError> {
    let configs = session.model().graph.layers().zip(assignment.layers()).enumerate();
    let found = configs.filter_map(|(index, (layer, config))| match &config.arithmetic {
        Arithmetic::Approx(lut) if layer.as_weighted().is_some() => {
            Some((index, config.quantization.coding, Arc::clone(lut)))
        }
        _ => None,
    });
    let found: Vec<_> = found.collect();
    let exact = assignment.with_exact_products();
    let progress = session.progress();
    progress.start("counting operands", found.len());
    let (mut originals, mut walk) = (Vec::new(), samples.walk(part)?);
    for (index, coding, lut) in found {
        let (mut counts, mut moments, mut group_outputs) = (None, [Vec::new()], 1);
        session.advance(&mut walk, &exact, index, |layer, input| {
            let layer = layer.as_weighted().expect("a layer with weights");
            let window = layer.window(input.dims())?;
            group_outputs = window.group_outputs();
            let counts = counts.get_or_insert_with(|| ActivationCounts::new(&window));
            let bytes = activation_bytes(layer, input)?;
            let padding = layer.params().map_or(0, |params| params.input.zero_point()) as u8;
            counts.count(&window, &bytes, padding);
            let beside = Beside { exact: layer, approximate: &[layer], with_activations: false };
            beside.add(input, &mut moments)
        })?;
        let layer = weighted(session, index);
        let missing = || LayerProblem::NotQuantized(layer.mode()).in_layer(layer.name());
        let nearest = counts.as_ref().and_then(|counts| nearest_weights(layer, counts)).ok_or_else(missing);
        let [moments] = moments;
        originals.push(Original {
            index,
            name: layer.name().to_owned(),
            parts: layer.parts().map_err(SessionError::from)?,
            params: layer.params().cloned().ok_or_else(missing).map_err(SessionError::from)?,
            coding,
            lut,
            integers: weight_integers(layer).ok_or_else(missing).map_err(SessionError::from)?,
            nearest: nearest.map_err(SessionError::from)?,
            group_outputs,
            is_normalized: session.model().graph.folded_layers().contains(layer.name()),
            means: moments.iter().map(|moments: &ChannelMoments| moments.mean(Quantity::Exact)).collect(),
        });
        session.progress().advance(1);
    }
    session.progress().finish();
    Ok(originals)
}
