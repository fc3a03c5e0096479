//! What a session says of its layers where more detail is asked for.

use super::Session;
use crate::eval::{Arithmetic, Assignment, LayerConfig};
use crate::layer::ApproxLayer;
use crate::quant::Observed;
use crate::stats::significant;
use tracing::{Level, debug, enabled, info};

impl Session {
    /// Says of each quantized layer how its input was observed and is quantized, and how its products are summed.
    pub(super) fn trace(&self, assignment: &Assignment) {
        if !enabled!(Level::INFO) {
            return;
        }
        for (layer, config) in self.model().graph.layers().zip(assignment.layers()) {
            let name = layer.name();
            match layer.describe_sums() {
                None => info!("{name}: fp32"),
                Some(sums) => {
                    info!("{name}: {}", self.integers(layer));
                    info!("{name}: {} by {sums}", products(config));
                }
            }
            if let Some(weight) = layer.params().map(|params| &params.weight) {
                let (low, high) = weight
                    .scales()
                    .iter()
                    .fold((f32::MAX, 0f32), |(low, high), &scale| (low.min(scale), high.max(scale)));
                let scales = weight.scales().len();
                debug!("{name}: {scales} weight scales from {} to {}", number(low), number(high));
            }
        }
    }

    /// What calibration saw of a layer's input, and the integers that it becomes.
    fn integers(&self, layer: &dyn ApproxLayer) -> String {
        let observations = self.observations();
        let seen = observations.and_then(|all| Some((all.layers.get(layer.name())?, all)));
        let seen = seen.map(|(seen, all)| {
            let ends = |seen: &Observed| format!("from {} to {}", number(seen.low), number(seen.high));
            let second = seen.second.as_ref().map(|second| format!(", second factors {}", ends(second)));
            let (input, second) = (ends(&seen.input), second.unwrap_or_default());
            format!("inputs {input}{second} in {} samples by {}; ", all.samples, all.observer)
        });
        let integers = layer.params().map(|params| {
            let (input, weight) = (params.input.range(), params.weight.range());
            format!(
                "scale {}, zero point {}, integers {} to {}, weights {} to {}",
                number(params.input.scale()),
                params.input.zero_point(),
                input.q_min(),
                input.q_max(),
                weight.q_min(),
                weight.q_max()
            )
        });
        seen.into_iter().chain(integers).collect()
    }
}

/// Whose products a layer sums.
fn products(config: &LayerConfig) -> String {
    match &config.arithmetic {
        Arithmetic::Approx(lut) => format!("products of {} ({} coding)", lut.name(), config.quantization.coding),
        _ => "exact products".to_owned(),
    }
}

fn number(x: f32) -> String {
    significant(x.into(), 4)
}
