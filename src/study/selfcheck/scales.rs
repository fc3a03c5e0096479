//! Whether scales and zero points follow from what was observed, and from the weights.

use super::reference::{activation_scale, weight_scales};
use super::subject::{Subject, values};
use super::tally::Tally;
use super::{Check, SelfcheckError};
use crate::eval::LayerConfig;
use crate::layer::ApproxLayer;
use crate::lut::{Bits, Operand};
use crate::quant::{Observed, Operands, WeightParams};
use crate::report::SelfcheckEntry;

pub(super) const CHECK: Check =
    Check { name: "scales", compared: "scales against their formulas", needs_integers: true, run };

fn run(check: &Check, subject: &mut Subject) -> Result<Vec<SelfcheckEntry>, SelfcheckError> {
    let mut tally = Tally::default();
    let assignment = subject.integers.clone();
    let (graph, _) = subject.session.network(&assignment)?;
    // Their order is the network's; observations go by name.
    let layers: Vec<Layer> = graph.layers().zip(assignment.layers()).map(Layer::new).collect::<Result<_, _>>()?;
    let observed = subject.session.observations().map(|seen| seen.layers.clone()).unwrap_or_default();
    for layer in &layers {
        if let Some((seen, params)) = observed.get(&layer.name).zip(layer.params.as_ref()) {
            layer.compare(&mut tally, params, seen);
        }
    }
    let entry = tally.entry(check.name, check.compared);
    if entry.count > 0 {
        return Ok(vec![entry]);
    }
    let why = "no layer is calibrated: scales are stated".to_owned();
    Ok(vec![SelfcheckEntry::skipped(check.name, check.compared, why)])
}

/// What a layer's scales follow from.
struct Layer {
    name: String,
    config: LayerConfig,
    /// Of both operands; `None` where it has none, or where a multiplier's coding moved them.
    params: Option<[WeightParams; 2]>,
    /// The weight, output channels first, and their number; `None` of a product of two activations.
    weight: Option<(Vec<f32>, usize)>,
}

impl Layer {
    fn new((layer, config): (&dyn ApproxLayer, &LayerConfig)) -> candle_core::Result<Self> {
        let is_moved = layer.shifts().is_some_and(|shifts| shifts != [0, 0]);
        let params = layer.params().filter(|_| config.mode().is_quantized() && !is_moved);
        let weight = layer.as_weighted().map(|layer| {
            let weight = layer.weight();
            Ok::<_, candle_core::Error>((values(&weight)?, weight.dims()[0]))
        });
        Ok(Layer {
            name: layer.name().to_owned(),
            config: config.clone(),
            params: params.map(|params| [params.input.as_weight(), params.weight.clone()]),
            weight: weight.transpose()?,
        })
    }

    fn compare(&self, tally: &mut Tally, [input, weight]: &[WeightParams; 2], seen: &Operands<Observed>) {
        let quantization = &self.config.quantization;
        let activation = |bits: Bits, seen: &Observed| {
            let (scale, zero_point, range) = activation_scale(quantization, bits.get(), seen)?;
            Some((vec![scale], zero_point, range))
        };
        if let Some(expected) = activation(quantization.act_bits, &seen.input) {
            self.same(tally, "input", input, expected);
        }
        let second = match (&self.weight, &seen.second) {
            (Some((numbers, channels)), _) => Some(weight_scales(quantization, numbers, *channels)),
            (None, Some(seen)) => {
                let widest = self.config.operand_lut().map_or(Bits::EIGHT, |lut| Operand::Weight.select(lut.bits()));
                activation(quantization.act_bits.min(widest), seen)
            }
            (None, None) => None,
        };
        if let Some(expected) = second {
            self.same(tally, "weights", weight, expected);
        }
    }

    fn same(&self, tally: &mut Tally, of: &str, found: &WeightParams, expected: (Vec<f32>, i32, [i32; 2])) {
        let (scales, zero_point, range) = expected;
        let place = |what: &str| format!("layer '{}', {what} of the {of}", self.name);
        tally.bits(found.scales(), &scales, |i| place(&format!("scale {i}")));
        for &found in found.zero_points() {
            tally.same(found, zero_point, || place("zero point"));
        }
        tally.same(found.range().q_min(), range[0], || place("smallest integer"));
        tally.same(found.range().q_max(), range[1], || place("largest integer"));
    }
}
