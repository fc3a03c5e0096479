//! Images of floats that were normalized too little or too often.
//!
//! Floats are taken as they are, so that nothing but their values tells whether they are what the network
//! was trained on. Normalized images lie within about 3 of 0: `(x - mean) / std` of numbers from 0 to 1 with
//! deviations of 0.2 and more. Networks that take other things than images take other numbers (spectrograms in decibels,
//! for one), so that only what can be an image is judged.

use super::Evaluated;
use crate::data::PixelKind;

/// Sides below this are no images'.
const LEAST_SIDE: usize = 8;

/// The largest byte.
const BYTE: f32 = 255.0;

/// Floats far beyond what normalization gives, such as bytes that were stored as floats.
pub(super) fn floats_beyond_normalization(facts: &Evaluated) -> Option<String> {
    let seen = facts.images;
    // Scales that a file states say better what it expects.
    if facts.pixel_kind != PixelKind::Floats || facts.inner.is_some() || facts.file_states_scales {
        return None;
    }
    let largest = seen.low.abs().max(seen.high.abs());
    let known = facts.largest_normalized();
    let is_beyond = match known {
        // Room for resampling, which overshoots, and for other normalizations of the same kind.
        Some(expected) => largest > 4.0 * expected,
        None => looks_like_bytes(facts),
    };
    if !is_beyond {
        return None;
    }
    let expected = known.unwrap_or(3.0);
    Some(format!(
        "images are floats from {} to {}, which are taken as they are, but normalized images lie within about {expected:.1} \
         of 0: store bytes as integers, to which mean and std apply, or normalize them before; unless the network was \
         trained on such values",
        seen.low, seen.high
    ))
}

/// Floats from 0 to 1 for a network that divides by 255 itself.
pub(super) fn floats_divided_twice(facts: &Evaluated) -> Option<String> {
    /// What resampling may add to 0 and 1.
    const OVERSHOOT: f32 = 0.2;
    let seen = facts.images;
    let inner = facts.inner.filter(|inner| inner.is_for_bytes() && facts.pixel_kind == PixelKind::Floats)?;
    (seen.low >= -OVERSHOOT && seen.high <= 1.0 + OVERSHOOT).then(|| {
        format!(
            "images are floats from {} to {}, but the network itself {}, as suits bytes from 0 to 255: give it images \
             from 0 to 255",
            seen.low,
            seen.high,
            inner.text()
        )
    })
}

/// Whether the values are those of bytes, of images for a network whose normalization nobody knows.
fn looks_like_bytes(facts: &Evaluated) -> bool {
    /// Whole numbers beyond this are not those of few levels.
    const MANY_LEVELS: f32 = 16.0;
    let seen = facts.images;
    let [channels, height, width] = facts.model.input;
    if !matches!(channels, 1 | 3) || height.min(width) < LEAST_SIDE {
        return false;
    }
    let are_bytes = seen.low >= 0.0 && seen.high <= BYTE;
    // Resampled bytes are no whole numbers, but fill their range.
    are_bytes && (seen.are_whole && seen.high > MANY_LEVELS || seen.high > BYTE / 2.0)
}

impl Evaluated<'_> {
    /// The largest magnitude of images from 0 to 1 after the model's own normalization, where it has one.
    fn largest_normalized(&self) -> Option<f32> {
        let (mean, std) = (&self.model.preprocess.mean, &self.model.preprocess.std);
        let channels = mean.len().max(std.len());
        let of = |values: &[f32], plain: f32, i: usize| values.get(i % values.len().max(1)).copied().unwrap_or(plain);
        let largest = |i: usize| {
            let (mean, std) = (of(mean, 0.0, i), of(std, 1.0, i));
            (mean.abs().max((1.0 - mean).abs())) / std
        };
        (0..channels).map(largest).reduce(f32::max)
    }
}
