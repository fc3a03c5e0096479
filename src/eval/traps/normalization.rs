//! Byte images that reach the network in another range than it was trained on.

use super::{ONE_BYTE, Opening, numbers};
use crate::data::PixelKind;

/// A mean or a deviation above 1: the image, being divided by 255 first, is 0 to 1. Pipelines that do not divide have
/// values such as 123.675 and 58.395.
pub(super) fn beyond_bytes(facts: &Opening) -> Option<String> {
    if facts.pixel_kind != PixelKind::Bytes {
        return None;
    }
    let (mean, std) = (&facts.preprocess.mean, &facts.preprocess.std);
    let exceeds = |values: &[f32]| values.iter().any(|&x| x > 1.0);
    let found = match (exceeds(mean), exceeds(std)) {
        (false, false) => return None,
        (true, false) => format!("mean {}", numbers(mean)),
        (false, true) => format!("std {}", numbers(std)),
        (true, true) => format!("mean {} and std {}", numbers(mean), numbers(std)),
    };
    let (mean, std) = divided(mean, std);
    Some(format!(
        "{found}: above 1, but bytes are divided by 255 before; divide by 255 what is in units of bytes: mean {}, \
         std {}",
        numbers(&mean),
        numbers(&std)
    ))
}

/// `(x - mean) / std` of bytes as it is of bytes that were divided by 255. A deviation that is below 1 is taken to be
/// divided already, one of 1 to be none.
fn divided(mean: &[f32], std: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let over_255 = |values: &[f32]| values.iter().map(|x| x / 255.0).collect::<Vec<f32>>();
    let exceeds = |values: &[f32]| values.iter().any(|&x| x > 1.0);
    let std_is_none = std.iter().all(|&x| x == 1.0);
    let new_std = if exceeds(std) || std_is_none { over_255(std) } else { std.to_vec() };
    let new_mean = if exceeds(mean) { over_255(mean) } else { mean.to_vec() };
    (new_mean, new_std)
}

/// A network that normalizes bytes by itself, whose bytes are divided by 255 here because nothing else was asked for.
pub(super) fn divided_twice(facts: &Opening) -> Option<String> {
    if facts.pixel_kind != PixelKind::Bytes || facts.is_normalization_known {
        return None;
    }
    let inner = facts.inner.filter(|inner| inner.is_for_bytes())?;
    Some(format!(
        "the network itself {}, as suits bytes from 0 to 255, but bytes are divided by 255 before: mean 0 and std \
         {ONE_BYTE} give it the bytes as they are",
        inner.text()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pixel of each kind goes to the same number by the old and the new values, within rounding.
    #[test]
    fn divided_values_do_the_same_to_bytes() {
        for (mean, std) in [(123.675, 58.395), (127.5, 127.5), (103.939, 1.0), (0.0, 255.0)] {
            let (new_mean, new_std) = divided(&[mean], &[std]);
            for byte in [0f32, 17.0, 128.0, 255.0] {
                let (expected, found) = ((byte - mean) / std, (byte / 255.0 - new_mean[0]) / new_std[0]);
                assert!((expected - found).abs() <= 1e-5 * expected.abs().max(1.0), "{mean} {std}: {found}");
            }
        }
        // A deviation that was divided already.
        assert_eq!(divided(&[123.675], &[0.229]), (vec![123.675 / 255.0], vec![0.229]));
    }

    /// What the note advises gives bytes back.
    #[test]
    fn one_byte_is_the_inverse() {
        for byte in 0..=255u8 {
            let found = (f32::from(byte) / 255.0 - 0.0) / ONE_BYTE;
            assert!((found - f32::from(byte)).abs() < 1e-4, "{byte}: {found}");
        }
    }
}
