//! What a session says of its layers where more detail is asked for.

use super::Session;
use crate::eval::{Arithmetic, Assignment, LayerConfig};
use crate::quant::Observed;
use crate::stats::significant;
use tracing::{Level, debug, enabled, info};

impl Session {
    /// Says of each quantized layer how its input was observed and is quantized, and how its products are summed.
    pub(super) fn trace(&self, assignment: &Assignment) {
        if !enabled!(Level::INFO) {
            return;
        }
        if let Some(observations) = self.observations() {
            info!("calibrated on {} samples by {}", observations.samples, observations.observer);
        }
        for (layer, config) in self.model().graph.layers().zip(assignment.layers()) {
            let name = layer.name();
            let (Some(sums), Some(params)) = (layer.describe_sums(), layer.params()) else {
                info!("{name}: fp32");
                continue;
            };
            let (input, weight) = (&params.input, &params.weight);
            info!(
                "{name}: input {}scale {}, zero point {}, {} to {}",
                self.observed(name),
                number(input.scale()),
                input.zero_point(),
                input.range().q_min(),
                input.range().q_max()
            );
            let second = layer.as_weighted().is_none().then(|| weight.as_activation()).flatten();
            if let Some(second) = second {
                let (low, high) = (second.range().q_min(), second.range().q_max());
                let (scale, zero_point) = (number(second.scale()), second.zero_point());
                info!("{name}: second factor scale {scale}, zero point {zero_point}, {low} to {high}");
            }
            info!("{name}: {} by {sums}", products(config));
            let scales = weight.scales();
            let (low, high) = scales.iter().fold((f32::MAX, 0f32), |(low, high), &x| (low.min(x), high.max(x)));
            debug!(
                "{name}: weights {} to {}, {} scales of {} to {}",
                weight.range().q_min(),
                weight.range().q_max(),
                scales.len(),
                number(low),
                number(high)
            );
        }
    }

    /// The ranges that calibration saw of a layer's operands, where it took place.
    fn observed(&self, name: &str) -> String {
        let seen = self.observations().and_then(|observations| observations.layers.get(name));
        let ends = |seen: &Observed| format!("{} to {}, ", number(seen.low), number(seen.high));
        seen.map_or_else(String::new, |seen| seen.iter().map(ends).collect())
    }
}

/// Whose products a layer sums.
fn products(config: &LayerConfig) -> String {
    match &config.arithmetic {
        Arithmetic::Approx(lut) => format!("{}, {}", lut.name(), config.quantization.coding),
        _ => "exact products".to_owned(),
    }
}

fn number(x: f32) -> String {
    significant(x.into(), 4)
}
