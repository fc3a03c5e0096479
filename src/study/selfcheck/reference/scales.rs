//! Scales and zero points from what was observed and from weights.

use super::rounding::half_even;
use crate::lut::Coding;
use crate::quant::{ActScheme, MIN_SCALE, Observed, QuantConfig, ScaleKind, WeightScheme};

/// Scale, zero point and range of an activation of `bits` bits; `None` where the observer looks for the range among
/// all values, which is not done again here.
pub fn activation_scale(config: &QuantConfig, bits: u32, observed: &Observed) -> Option<(f32, i32, [i32; 2])> {
    if observed.distribution.is_some() {
        return None;
    }
    let (half, all) = (1 << (bits - 1), 1 << bits);
    Some(match config.act_scheme {
        ActScheme::Symmetric => {
            let is_unsigned = config.coding == Coding::SignMagnitude && observed.minimum >= 0.0;
            let (zero_point, low, high) = match config.coding {
                _ if is_unsigned => (0, 0, all - 1),
                Coding::Affine => (half, 1, all - 1),
                Coding::Signed | Coding::SignMagnitude => (0, 1 - half, half - 1),
            };
            (allowed(observed.max_abs / (high - zero_point) as f32, config.scale), zero_point, [low, high])
        }
        ActScheme::Affine => {
            let [low, high] = if config.coding == Coding::Affine { [0, all - 1] } else { [-half, half - 1] };
            let (least, most) = (f64::from(observed.low.min(0.0)), f64::from(observed.high.max(0.0)));
            let scale = allowed(((most - least) / f64::from(high - low)) as f32, config.scale);
            let zero_point = half_even(f64::from(low) - least / f64::from(scale));
            (scale, zero_point.clamp(low.into(), high.into()) as i32, [low, high])
        }
    })
}

/// The scales of weights, output channels first, their zero point and range.
pub fn weight_scales(config: &QuantConfig, weights: &[f32], channels: usize) -> (Vec<f32>, i32, [i32; 2]) {
    let half = 1 << (config.weight_bits.get() - 1);
    let (zero_point, range) =
        if config.coding == Coding::Affine { (half, [0, 2 * half - 1]) } else { (0, [1 - half, half - 1]) };
    let scale = |weights: &[f32]| {
        let largest = weights.iter().fold(0f32, |largest, w| if w.abs() > largest { w.abs() } else { largest });
        allowed(largest / (half - 1) as f32, config.scale)
    };
    let scales = match config.weight_scheme {
        WeightScheme::PerTensor => vec![scale(weights)],
        WeightScheme::PerChannel => weights.chunks(weights.len() / channels).map(scale).collect(),
    };
    (scales, zero_point, range)
}

/// The least scale no less than `scale` that is allowed.
fn allowed(scale: f32, kind: ScaleKind) -> f32 {
    let scale = if scale < MIN_SCALE { MIN_SCALE } else { scale };
    if kind == ScaleKind::Real {
        return scale;
    }
    let mut power = MIN_SCALE;
    while power < scale {
        power *= 2.0;
    }
    power
}
