//! Byte images that reach the network in another range than it was trained on.

use super::{Opening, numbers, stated};
use crate::data::PixelKind;
use crate::stats::significant;

/// A mean or a deviation above 1: the image, being divided by 255 first, is 0 to 1. Pipelines that do not divide have
/// values such as 123.675 and 58.395.
pub(super) fn beyond_bytes(facts: &Opening) -> Option<String> {
    if facts.pixel_kind != PixelKind::Bytes {
        return None;
    }
    let (mean, std) = (&facts.preprocess.mean, &facts.preprocess.std);
    let exceeds = |values: &[f32]| values.iter().any(|&x| x > 1.0);
    let text = |values: &[f32]| numbers(values.iter().map(|&x| stated(x)));
    let found = match (exceeds(mean), exceeds(std)) {
        (false, false) => return None,
        (true, false) => format!("mean {}", text(mean)),
        (false, true) => format!("std {}", text(std)),
        (true, true) => format!("mean {} and std {}", text(mean), text(std)),
    };
    let (mean, std) = divided(mean, std);
    Some(format!(
        "{found}: above 1, but bytes are divided by 255 before; divide by 255 what is in units of bytes: mean {}, \
         std {}",
        numbers(mean),
        numbers(std)
    ))
}

/// `(x - mean) / std` of bytes as it is of bytes that were divided by 255. A deviation that is below 1 is taken to be
/// divided already, one of 1 to be none.
fn divided(mean: &[f32], std: &[f32]) -> (Vec<f64>, Vec<f64>) {
    let over = |values: &[f32], divisor: f64| values.iter().map(|&x| stated(x) / divisor).collect::<Vec<f64>>();
    let exceeds = |values: &[f32]| values.iter().any(|&x| x > 1.0);
    let std_is_none = std.iter().all(|&x| x == 1.0);
    let new_std = if exceeds(std) || std_is_none { over(std, 255.0) } else { over(std, 1.0) };
    let new_mean = if exceeds(mean) { over(mean, 255.0) } else { over(mean, 1.0) };
    (new_mean, new_std)
}

/// A network that normalizes bytes by itself, whose bytes are divided by 255 here, and are as small still after a mean
/// and a deviation, if there are any.
pub(super) fn divided_twice(facts: &Opening) -> Option<String> {
    /// Beyond what normalization of numbers from 0 to 1 makes of them, and far from what bytes are.
    const LARGEST: f32 = 8.0;
    if facts.pixel_kind != PixelKind::Bytes {
        return None;
    }
    let inner = facts.inner.filter(|inner| inner.is_for_bytes())?;
    let [low, high] = fractions(&facts.preprocess.mean, &facts.preprocess.std);
    if !(low >= -LARGEST && high <= LARGEST) {
        return None;
    }
    let found = if facts.is_normalization_known {
        let [low, high] = [low, high].map(|x| significant(x.into(), 3));
        format!("by mean and std, which apply after the division by 255, images lie from {low} to {high}")
    } else {
        "bytes are divided by 255 before".to_owned()
    };
    Some(format!(
        "the network itself {}, as suits bytes from 0 to 255, but {found}: mean 0 and std {} give it the bytes as they are",
        inner.text(),
        numbers([ONE_BYTE])
    ))
}

/// Where numbers from 0 to 1 lie after a mean and a deviation, of all channels.
fn fractions(mean: &[f32], std: &[f32]) -> [f32; 2] {
    let of = |values: &[f32], plain: f32, i: usize| values.get(i % values.len().max(1)).copied().unwrap_or(plain);
    let ends = (0..mean.len().max(std.len()).max(1)).flat_map(|i| {
        let (mean, std) = (of(mean, 0.0, i), of(std, 1.0, i));
        [(0.0 - mean) / std, (1.0 - mean) / std]
    });
    ends.fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], x| [low.min(x), high.max(x)])
}

/// What byte images must be divided by after the division by 255 to be bytes again.
const ONE_BYTE: f64 = 1.0 / 255.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// A pixel of each kind goes to the same number by the old and the new values, within rounding.
    #[test]
    fn divided_values_do_the_same_to_bytes() {
        for (mean, std) in [(123.675, 58.395), (127.5, 127.5), (103.939, 1.0), (0.0, 255.0)] {
            let (new_mean, new_std) = divided(&[mean], &[std]);
            for byte in [0f32, 17.0, 128.0, 255.0] {
                let (expected, found) = ((byte - mean) / std, (f64::from(byte) / 255.0 - new_mean[0]) / new_std[0]);
                let expected = f64::from(expected);
                assert!((expected - found).abs() <= 1e-5 * expected.abs().max(1.0), "{mean} {std}: {found}");
            }
        }
        // A deviation that was divided already.
        assert_eq!(divided(&[123.675], &[0.229]), (vec![123.675 / 255.0], vec![0.229]));
    }

    /// Published deviations are those of bytes over 255, and come back as they were published.
    #[test]
    fn numbers_are_short() {
        let (mean, std) = divided(&[123.675, 116.28, 103.53], &[58.395, 57.12, 57.375]);
        assert_eq!((numbers(mean), numbers(std)), ("0.485,0.456,0.406".to_owned(), "0.229,0.224,0.225".to_owned()));
        assert_eq!(numbers([5.0 / 255.0, ONE_BYTE, 0.0, 123.675, stated(0.1)]), "0.0196078,0.00392157,0,123.675,0.1");
    }

    #[test]
    fn fractions_by_hand() {
        assert_eq!(fractions(&[0.0], &[1.0]), [0.0, 1.0]);
        assert_eq!(fractions(&[], &[]), [0.0, 1.0]);
        assert_eq!(fractions(&[0.5, 0.25], &[0.25]), [-2.0, 3.0]);
    }

    /// What the note advises gives bytes back.
    #[test]
    fn one_byte_is_the_inverse() {
        let advised: f64 = numbers([ONE_BYTE]).parse().unwrap();
        for byte in 0..=255u8 {
            let found = f64::from(byte) / 255.0 / advised;
            assert!((found - f64::from(byte)).abs() < 1e-3, "{byte}: {found}");
        }
    }
}
