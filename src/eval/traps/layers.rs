//! Layers whose inputs do not suit their scales: the first one's, which shows data of another range, and
//! any layer's that are all zero.

use super::{Evaluated, ScalesSeen, quoted};
use crate::eval::input_watch::{SeenInputs, SeenRange};
use crate::quant::ActivationParams;
use crate::stats::{percent, significant};

/// What was seen of a layer over an evaluation.
pub struct WatchedLayer<'a> {
    /// Its name.
    pub name: &'a str,
    /// How its input is quantized, in modes that do so.
    pub params: Option<ActivationParams>,
    /// Its inputs.
    pub seen: SeenInputs,
}

impl WatchedLayer<'_> {
    /// Whether it computes in integers.
    pub fn is_quantized(&self) -> bool {
        self.params.is_some()
    }
}

/// The first quantized layer, whose inputs no multiplier has touched, clamps many of its inputs or uses a
/// small part of its range.
pub(super) fn range(facts: &Evaluated) -> Option<String> {
    /// Data that exceed the calibration set's range by nature do so in a few of many thousand values.
    const MOST_CLAMPED: f64 = 0.01;
    /// Less than a tenth of an 8-bit range is less than 26 of 256 levels.
    const LEAST_FILLED: f64 = 0.1;
    let (layer, params, seen) =
        facts.layers.iter().find_map(|layer| Some((layer, layer.params?, layer.seen.range?)))?;
    let SeenRange { values, clamped, low, high } = seen;
    if values == 0 {
        return None;
    }
    // A network may bring the first layer's scales, and only those of others be calibrated.
    let is_calibrated = facts.calibration().is_some_and(|calibration| calibration.layers.contains_key(layer.name));
    let calibration = facts.calibration().filter(|_| is_calibrated);
    // An observer that clips as the integers in use ask for may clip any share.
    let by_design = calibration.map_or(Some(0.0), |calibration| calibration.observer.clipped());
    let most = by_design.map(|by_design| MOST_CLAMPED + 2.0 * by_design);
    let found = if most.is_some_and(|most| clamped as f64 / values as f64 > most) {
        format!("layer '{}' clamps {} of its inputs", layer.name, share(clamped, values))
    } else {
        let filled = match filled(&params, low, high) {
            filled if filled < LEAST_FILLED => filled,
            _ if is_nearly_constant(facts, &params, low, high) => spanned(&params, low, high),
            _ => return None,
        };
        format!("the inputs of layer '{}' fill {} of the range that they are quantized to", layer.name, percent(filled))
    };
    let [least, largest] = ends(&params);
    let [low, high, least, largest] = [low.into(), high.into(), least, largest].map(|x: f64| significant(x, 3));
    let cause = match &facts.scales {
        Some(ScalesSeen::Calibrated(_)) if is_calibrated => {
            "the calibration set is of another range than the data; normalize both alike (mean, std, calib_data)"
        }
        Some(ScalesSeen::ModelFile | ScalesSeen::Calibrated(_)) | None => {
            "the model's file expects images of another range (mean, std)"
        }
        Some(ScalesSeen::Given) => {
            "the quantization parameters are those of data of another range (mean, std, qparams)"
        }
    };
    Some(format!("{found}, which lie from {low} to {high}, its range from {least} to {largest}: {cause}"))
}

/// A fraction for people.
fn share(part: u64, all: u64) -> String {
    percent(part as f64 / all.max(1) as f64)
}

/// The real numbers at the ends of the range.
fn ends(params: &ActivationParams) -> [f64; 2] {
    let value = |q: i32| f64::from(q - params.zero_point()) * f64::from(params.scale());
    [value(params.range().q_min()), value(params.range().q_max())]
}

/// How much of the range inputs from `low` to `high` use: in a symmetric one their largest magnitude counts.
fn filled(params: &ActivationParams, low: f32, high: f32) -> f64 {
    let [least, largest] = ends(params);
    let (low, high) = (f64::from(low), f64::from(high));
    if params.zero_point() == 0 {
        low.abs().max(high.abs()) / largest.max(-least)
    } else {
        // Zero is always in the range, as what padding is.
        (high.max(0.0) - low.min(0.0)) / (largest - least)
    }
}

/// How much of the range lies between `low` and `high`.
fn spanned(params: &ActivationParams, low: f32, high: f32) -> f64 {
    let [least, largest] = ends(params);
    (f64::from(high) - f64::from(low)) / (largest - least)
}

/// Whether inputs that are far from zero differ by little, as images that were divided twice do after a mean was
/// subtracted: magnitudes do not show it.
fn is_nearly_constant(facts: &Evaluated, params: &ActivationParams, low: f32, high: f32) -> bool {
    /// Fewer samples may be alike by themselves.
    const LEAST_SAMPLES: usize = 8;
    /// Far less than what honest data span: numbers from 0 to 1, of which no mean is subtracted, span half of a
    /// symmetric range.
    const LEAST_SPANNED: f64 = 0.1;
    /// Calibration samples that span ten times as much show that the data are not so by nature.
    const LEAST_RATIO: f32 = 0.1;
    if facts.images.samples < LEAST_SAMPLES || spanned(params, low, high) >= LEAST_SPANNED {
        return false;
    }
    match facts.calibration() {
        Some(calibration) => {
            calibration.images.samples >= LEAST_SAMPLES && facts.images.span() < LEAST_RATIO * calibration.images.span()
        }
        // Of other scales nobody knows what they were found on: one constant value may be what they are for. Images
        // with dark and bright pixels it is not.
        None => facts.takes_images() && spanned(params, low, high) < LEAST_SPANNED / 2.0,
    }
}

/// Layers whose inputs were all zero, or rounded to zero, in the evaluation.
pub(super) fn zeros(facts: &Evaluated) -> Option<String> {
    // Those of calibration have a note of their own.
    let is_known = |name: &str| {
        let observed = facts.calibration().and_then(|calibration| calibration.layers.get(name));
        observed.is_some_and(|seen| seen.input.max_abs == 0.0)
    };
    let dead = facts.layers.iter().filter(|layer| !layer.seen.has_nonzero && !is_known(layer.name));
    let (quantized, real): (Vec<_>, Vec<_>) = dead.partition(|layer| layer.is_quantized());
    let (layers, cause) = match (quantized.is_empty(), real.is_empty()) {
        (true, true) => return None,
        (true, false) => (real, "check the weights and the normalization of the data (mean, std)"),
        (false, _) => {
            (quantized, "the multiplier, the noise or the scales leave nothing; compare with mode quant and base")
        }
    };
    let names: Vec<&str> = layers.iter().map(|layer| layer.name).collect();
    Some(format!("the inputs of {} were zero in every sample: {cause}", quoted(&names)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::IntRange;

    #[test]
    fn filled_ranges_by_hand() {
        let params = |scale, zero_point, q_min, q_max| {
            ActivationParams::new(scale, zero_point, IntRange::new(q_min, q_max).unwrap()).unwrap()
        };
        // -12.7 to 12.7; 0 to 25.5; -10 to 15.5.
        let (symmetric, unsigned, affine) =
            (params(0.1, 0, -127, 127), params(0.1, 0, 0, 255), params(0.1, 100, 0, 255));
        let cases = [
            (&symmetric, -1.27, 0.5, 0.1),
            (&symmetric, 0.0, 12.7, 1.0),
            (&unsigned, 0.0, 2.55, 0.1),
            (&affine, 0.0, 2.55, 0.1),
            (&affine, -10.0, 15.5, 1.0),
            (&affine, 5.1, 5.1, 0.2),
        ];
        for (params, low, high, expected) in cases {
            assert!((filled(params, low, high) - expected).abs() < 1e-6, "{low} to {high}");
        }
        // Nearly constant values fill a symmetric range by magnitude, not by what lies between them.
        assert!((filled(&symmetric, -12.7, -11.43) - 1.0).abs() < 1e-6);
        assert!((spanned(&symmetric, -12.7, -11.43) - 0.05).abs() < 1e-6);
        assert!((spanned(&unsigned, 0.0, 25.5) - 1.0).abs() < 1e-6);
    }
}
