//! The energy that a network's multiplications take, where its multipliers' costs are known.

use super::evaluation::LayerReport;
use super::lut::cost_source;
use crate::layer::InferenceMode;
use crate::lut::{Cost, CostSource};
use serde::Serialize;

/// The energy of all multiplications of one sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnergyReport {
    /// In picojoules, where every multiplier's is measured.
    pub picojoules_per_sample: Option<f64>,
    /// Relative to exact multipliers in all layers, a fraction; layers with exact products count as 1.
    pub relative: Option<f64>,
    /// Whose figures these are: one source for all multipliers.
    pub source: CostSource,
    /// That source in words.
    pub note: String,
}

impl EnergyReport {
    /// The energy of `layers`, with the cost of each multiplier by its name. `None` where a layer runs
    /// in floating point, no layer is approximate, or multipliers have no or different sources.
    pub fn of<'a>(layers: &[LayerReport], cost: impl Fn(&str) -> Option<&'a Cost>) -> Option<EnergyReport> {
        let costs: Vec<Option<&Cost>> = layers.iter().map(|layer| layer.lut.as_deref().and_then(&cost)).collect();
        let first = costs.iter().copied().flatten().next()?;
        let priced = || layers.iter().zip(costs.iter().copied());
        let is_known = |(layer, cost): (&LayerReport, Option<&Cost>)| match layer.mode {
            InferenceMode::Baseline => false,
            InferenceMode::Approximate => cost.is_some_and(|cost| cost.source == first.source),
            InferenceMode::Quantized | InferenceMode::Noise => true,
        };
        if !priced().all(is_known) {
            return None;
        }
        // A layer without a multiplier of its own has exact ones, of whose energy nothing is known.
        let sum = |figure: fn(&Cost) -> Option<f64>, exact: Option<f64>| {
            let each = |(layer, cost): (&LayerReport, Option<&Cost>)| {
                cost.map_or(exact, figure).map(|figure| figure * layer.opcount as f64)
            };
            priced().map(each).sum::<Option<f64>>()
        };
        let opcount: u64 = layers.iter().map(|layer| layer.opcount).sum();
        Some(EnergyReport {
            picojoules_per_sample: sum(|cost| cost.energy, None),
            relative: sum(|cost| cost.relative_energy, Some(1.0)).map(|sum| sum / opcount as f64),
            source: first.source,
            note: cost_source(first),
        })
    }

    /// In words.
    pub(super) fn summary(&self) -> String {
        let measured = self.picojoules_per_sample.map(|energy| format!("{:.3} nJ a sample", energy / 1000.0));
        let relative = self.relative.map(|relative| format!("{:.1} % of exact multipliers'", 100.0 * relative));
        let figures: Vec<String> = measured.into_iter().chain(relative).collect();
        format!("{} ({})", figures.join(", "), self.note)
    }
}
