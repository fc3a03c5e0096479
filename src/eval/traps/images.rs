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
    if !facts.takes_images() {
        return false;
    }
    let are_bytes = seen.low >= 0.0 && seen.high <= BYTE;
    // Resampled bytes are no whole numbers, but fill their range.
    let is_plain = are_bytes && (seen.are_whole && seen.high > MANY_LEVELS || seen.high > BYTE / 2.0);
    let sides = [height, width];
    is_plain || are_centered_bytes(seen.low, seen.high, channels, sides)
}

/// Whether values from `low` to `high` are those of bytes minus a mean, or one a channel, as networks trained by Caffe
/// take them: on both sides of 0, and as far apart as bytes are. Gray ones are asked for more, as
/// spectrograms and cepstra are gray too: bytes minus one mean span no more than bytes, and
/// pictures are no long strips.
fn are_centered_bytes(low: f32, high: f32, channels: usize, [height, width]: [usize; 2]) -> bool {
    /// Normalized images are nowhere near, and decibels are not on the upper side.
    const LEAST_SIDED: f32 = 64.0;
    /// Means of channels that are this far apart are none of pictures.
    const MEANS_APART: f32 = 64.0;
    let span = high - low;
    let is_two_sided = low <= -LEAST_SIDED && high >= LEAST_SIDED;
    let spans_bytes = match channels {
        1 => (0.8 * BYTE..=BYTE).contains(&span) && height.max(width) <= 2 * height.min(width),
        _ => (BYTE / 2.0..=BYTE + MEANS_APART).contains(&span),
    };
    is_two_sided && spans_bytes
}

impl Evaluated<'_> {
    /// Whether the network's inputs can be images: gray or of three colors, and no strips.
    pub(super) fn takes_images(&self) -> bool {
        let [channels, height, width] = self.model.input;
        matches!(channels, 1 | 3) && height.min(width) >= LEAST_SIDE
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn bytes_minus_a_mean() {
        let cases = [
            // Of ImageNet's means, in byte units; a dark set; one mean; less 128.
            (-123.68, 151.061, 3, [224, 224], true),
            (-123.68, 70.0, 3, [224, 224], true),
            (-123.0, 132.0, 1, [28, 28], true),
            (-128.0, 127.0, 1, [32, 48], true),
            // Decibels, cepstra, and normalized images.
            (-80.0, 20.0, 1, [64, 64], false),
            (-100.0, 90.0, 1, [64, 64], false),
            (-120.0, 110.0, 1, [49, 10], false),
            (-600.0, 200.0, 3, [40, 40], false),
            (-2.2, 2.7, 3, [224, 224], false),
            (f32::INFINITY, f32::NEG_INFINITY, 3, [8, 8], false),
        ];
        for_each_case(cases, |(low, high, channels, sides, expected)| {
            assert_eq!(are_centered_bytes(low, high, channels, sides), expected);
        });
    }
}
