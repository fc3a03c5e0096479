//! Preprocessing against naive computations and values made by other programs.

use super::Set;
use crate::cases::for_each_case;
use crate::data::Interpolation;
use crate::data::{Channels, PixelKind, Pixels, Preprocess};
use proptest::prelude::*;

fn apply(preprocess: &Preprocess, shape: [usize; 3], bytes: Vec<u8>) -> Vec<f32> {
    preprocess.apply(Pixels::Bytes(bytes), shape).unwrap()
}

/// The bytes that come out without normalization.
fn fitted(preprocess: &Preprocess, shape: [usize; 3], bytes: &[u8]) -> Vec<u8> {
    apply(preprocess, shape, bytes.to_vec()).iter().map(|value| (value * 255.0).round() as u8).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn bytes_take_three_roundings(
        mean in proptest::collection::vec(-1f32..1.0, 3),
        std in proptest::collection::vec(0.01f32..2.0, 3),
        one_mean: bool,
        one_std: bool,
    ) {
        let bytes: Vec<u8> = (0..=255).cycle().take(2 * 3 * 256).collect();
        let mut preprocess = Preprocess { mean: mean.clone(), std: std.clone(), ..Preprocess::default() };
        preprocess.mean.truncate(if one_mean { 1 } else { 3 });
        preprocess.std.truncate(if one_std { 1 } else { 3 });
        let values = apply(&preprocess, [3, 16, 16], bytes.clone());
        for (i, (&byte, &value)) in bytes.iter().zip(&values).enumerate() {
            let channel = i / 256 % 3;
            // f64 holds these quotients of f32 numbers well enough that rounding it once to f32 is
            // rounding the quotient once.
            let scaled = (f64::from(byte) / 255.0) as f32;
            let centerd = (f64::from(scaled) - f64::from(mean[if one_mean { 0 } else { channel }])) as f32;
            let expected = (f64::from(centerd) / f64::from(std[if one_std { 0 } else { channel }])) as f32;
            prop_assert_eq!(value.to_bits(), expected.to_bits());
        }
    }

    #[test]
    fn resizing_is_within_one_gray_level_of_real_arithmetic(
        h in 1..40usize,
        w in 1..40usize,
        size in 1..50usize,
        interpolation in proptest::sample::select(crate::data::INTERPOLATIONS.iter().copied().collect::<Vec<_>>()),
        seed: u64,
    ) {
        let bytes: Vec<u8> = (0..h * w).map(|i| (seed.wrapping_mul(2 * i as u64 + 1) >> 40) as u8).collect();
        let preprocess = Preprocess { resize: Some(size), interpolation, ..Preprocess::default() };
        let [_, oh, ow] = preprocess.output_shape([1, h, w], PixelKind::Bytes).unwrap();
        let shorter = oh.min(ow);
        prop_assert_eq!(shorter, size);
        let resized = fitted(&preprocess, [1, h, w], &bytes);
        // Rows, then columns, in real numbers that only end where bytes do: what lies around each
        // output's center, by a triangle or by the cubic that Catmull and Rom's spline makes.
        let weight = |distance: f64| match (interpolation, distance.abs()) {
            (Interpolation::Bilinear, x) => (1.0 - x).max(0.0),
            (Interpolation::Bicubic, x) if x <= 1.0 => 1.5 * x.powi(3) - 2.5 * x.powi(2) + 1.0,
            (Interpolation::Bicubic, x) if x <= 2.0 => -0.5 * x.powi(3) + 2.5 * x.powi(2) - 4.0 * x + 2.0,
            (Interpolation::Bicubic, _) => 0.0,
        };
        let filter = |line: Vec<f64>, to: usize| -> Vec<f64> {
            let scale = line.len() as f64 / to as f64;
            let output = |o: usize| {
                let distance = |i: usize| (i as f64 + 0.5 - (o as f64 + 0.5) * scale) / scale.max(1.0);
                let weights: Vec<f64> = (0..line.len()).map(|i| weight(distance(i))).collect();
                let sum: f64 = line.iter().zip(&weights).map(|(value, weight)| value * weight).sum();
                (sum / weights.iter().sum::<f64>()).clamp(0.0, 255.0)
            };
            (0..to).map(output).collect()
        };
        let rows: Vec<Vec<f64>> =
            bytes.chunks_exact(w).map(|row| filter(row.iter().copied().map(f64::from).collect(), ow)).collect();
        let columns: Vec<Vec<f64>> = (0..ow).map(|x| filter(rows.iter().map(|row| row[x]).collect(), oh)).collect();
        for (o, &found) in resized.iter().enumerate() {
            let expected = columns[o % ow][o / ow];
            prop_assert!((expected.round() - f64::from(found)).abs() <= 1.0, "{expected} {found}");
        }
    }

    #[test]
    fn a_center_crop_shows_the_center(h in 1..12usize, w in 1..12usize, side in 1..14usize) {
        let set = Set::of([2, h, w], 1);
        let cropped = fitted(&Preprocess { crop: Some(side), ..Preprocess::default() }, set.shape, &set.pixels);
        // Where position `o` of the crop lies in an axis of `size`: `round` to even is a tie broken
        // towards the even start.
        let place = |o: usize, size: usize| {
            let start = if side > size { -(((side - size) / 2) as f64) } else { ((size - side) as f64 / 2.0).round_ties_even() };
            let i = o as f64 + start;
            (i >= 0.0 && i < size as f64).then_some(i as usize)
        };
        for (o, &found) in cropped.iter().enumerate() {
            let (c, y, x) = (o / side / side, o / side % side, o % side);
            let expected = place(y, h).zip(place(x, w)).map_or(0, |(y, x)| set.pixels[(c * h + y) * w + x]);
            prop_assert_eq!(found, expected);
        }
    }
}

/// Images whose resized versions were made by Pillow 11.3.0.
fn pattern(h: usize, w: usize, c: usize) -> Vec<u8> {
    let pixel = |i: usize| {
        let (k, y, x) = (i / w / h, i / w % h, i % w);
        (x * 37 + y * 91 + k * 53 + x * y * 11) as u8
    };
    (0..c * h * w).map(pixel).collect()
}

#[test]
fn resizing_equals_pillow() {
    let small = [61, 126, 124, 158, 149, 134, 132, 118, 102, 111, 113, 91];
    let larger = [
        0, 15, 37, 59, 74, 46, 63, 88, 114, 131, 106, 126, 156, 160, 163, 167, 190, 224, 131, 68, 100, 126, 164, 126,
        101, 17, 45, 87, 129, 157,
    ];
    let square = [50, 107, 134, 128, 154, 139, 135, 139, 93, 118, 138, 92, 138, 97, 139, 96];
    let small_cubic = [56, 129, 123, 159, 153, 140, 133, 116, 100, 112, 115, 88];
    let larger_cubic = [
        0, 5, 30, 56, 70, 36, 49, 79, 118, 140, 105, 126, 159, 171, 177, 178, 210, 239, 123, 42, 95, 126, 165, 123, 90,
        1, 27, 77, 137, 171,
    ];
    let square_cubic = [40, 108, 139, 124, 167, 145, 134, 142, 85, 118, 141, 85, 143, 89, 144, 92];
    let cases = [
        ([5, 7], 3, [3, 4], &small[..], &small_cubic[..]),
        ([4, 3], 5, [6, 5], &larger[..], &larger_cubic[..]),
        ([6, 6], 4, [4, 4], &square[..], &square_cubic[..]),
    ];
    for_each_case(cases, |([h, w], size, [oh, ow], bilinear, bicubic)| {
        for (interpolation, expected) in [(Interpolation::Bilinear, bilinear), (Interpolation::Bicubic, bicubic)] {
            let preprocess = Preprocess { resize: Some(size), interpolation, ..Preprocess::default() };
            assert_eq!(preprocess.output_shape([1, h, w], PixelKind::Bytes).unwrap(), [1, oh, ow]);
            let found = fitted(&preprocess, [1, h, w], &pattern(h, w, 1));
            assert_eq!(found, expected, "{h} x {w} to {size}, {interpolation}");
        }
    });
}

#[test]
fn resizing_large_images_equals_pillow_by_checksum() {
    let cases = [
        ([3, 48, 64], 20, [3, 20, 26], 0x553a_ee62, 0xd762_4d63),
        ([3, 333, 500], 224, [3, 224, 336], 0x99af_b08d, 0xfa89_0637),
        ([3, 32, 32], 224, [3, 224, 224], 0xba16_0e3f, 0x25a7_1104),
        ([1, 200, 17], 9, [1, 105, 9], 0xffcd_89fa, 0x8948_849d),
        ([1, 28, 28], 32, [1, 32, 32], 0x61b0_c2e2, 0x3dab_21e5),
        ([3, 100, 301], 100, [3, 100, 301], 0xb527_c079, 0xb527_c079),
    ];
    for_each_case(cases, |(shape, size, expected, bilinear, bicubic)| {
        for (interpolation, checksum) in [(Interpolation::Bilinear, bilinear), (Interpolation::Bicubic, bicubic)] {
            let preprocess = Preprocess { resize: Some(size), interpolation, ..Preprocess::default() };
            assert_eq!(preprocess.output_shape(shape, PixelKind::Bytes).unwrap(), expected);
            let resized = fitted(&preprocess, shape, &pattern(shape[1], shape[2], shape[0]));
            let mut crc = flate2::Crc::new();
            crc.update(&resized);
            assert_eq!(crc.sum(), checksum, "{shape:?} to {size}, {interpolation}");
        }
    });
}

#[test]
fn gray_levels_are_pillows() {
    // Single colors, by Pillow's `convert("L")`.
    let colors = [[255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [1, 2, 3], [200, 100, 50], [12, 250, 7]];
    let planes: Vec<u8> = (0..3).flat_map(|channel| colors.map(|color| color[channel])).collect();
    let gray = Preprocess { channels: Some(Channels::Gray), ..Preprocess::default() };
    assert_eq!(fitted(&gray, [3, 1, 7], &planes), [255, 76, 150, 29, 2, 124, 151]);
    assert_eq!(fitted(&gray, [1, 1, 7], &planes[..7]), planes[..7]);
    let rgb = Preprocess { channels: Some(Channels::Rgb), ..Preprocess::default() };
    assert_eq!(fitted(&rgb, [1, 1, 2], &[5, 6]), [5, 6, 5, 6, 5, 6]);
}

#[test]
fn steps_come_in_order() {
    let set = Set::of([3, 20, 30], 3);
    let (interpolation, channels) = (Interpolation::Bilinear, Some(Channels::Gray));
    let whole = Preprocess {
        mean: vec![0.4],
        std: vec![0.2],
        resize: Some(10),
        interpolation,
        crop: Some(8),
        channels,
        ..Preprocess::default()
    };
    assert_eq!(whole.output_shape(set.shape, PixelKind::Bytes).unwrap(), [1, 8, 8]);
    let gray =
        fitted(&Preprocess { channels: Some(Channels::Gray), ..Preprocess::default() }, [3, 20, 30], &set.pixels);
    let resized = fitted(&Preprocess { resize: Some(10), ..Preprocess::default() }, [1, 20, 30], &gray);
    let cropped = fitted(&Preprocess { crop: Some(8), ..Preprocess::default() }, [1, 10, 15], &resized);
    let normalized =
        apply(&Preprocess { mean: vec![0.4], std: vec![0.2], ..Preprocess::default() }, [1, 8, 8], cropped);
    assert_eq!(apply(&whole, set.shape, set.pixels), normalized);
}

#[test]
fn what_cannot_be_done_is_refused_with_the_fix() {
    use PixelKind::{Bytes, Floats};
    let default = Preprocess::default;
    let cases: [(Preprocess, [usize; 3], PixelKind, &[&str]); 9] = [
        (Preprocess { mean: vec![0.1; 3], ..default() }, [1, 4, 4], Bytes, &["mean has 3 values", "1 channel;"]),
        (
            Preprocess { std: vec![0.1; 2], ..default() },
            [3, 4, 4],
            Bytes,
            &["std has 2 values", "3 channels", "convert the images to gray or rgb"],
        ),
        (Preprocess { mean: vec![], ..default() }, [1, 4, 4], Bytes, &["mean has 0 values"]),
        (Preprocess { std: vec![0.0], ..default() }, [1, 4, 4], Bytes, &["std has the value 0", "above 0"]),
        (Preprocess { mean: vec![f32::NAN], ..default() }, [1, 4, 4], Bytes, &["mean has the value NaN"]),
        (Preprocess { crop: Some(0), ..default() }, [1, 4, 4], Bytes, &["crop has the value 0"]),
        (Preprocess { resize: Some(8), ..default() }, [1, 4, 4], Floats, &["resize was given", "floats"]),
        (
            Preprocess { channels: Some(Channels::Rgb), ..default() },
            [4, 4, 4],
            Bytes,
            &["4 channels", "converted to rgb"],
        ),
        (Preprocess { resize: Some(5000), ..default() }, [1, 1, 60_000], Bytes, &["1 x 60000", "5000"]),
    ];
    for_each_case(cases, |(preprocess, shape, kind, parts)| {
        let error = preprocess.output_shape(shape, kind).unwrap_err();
        let (message, keys) = (error.to_string(), error.keys());
        let names_key = |key: &&str| parts[0].starts_with(key) || parts.iter().any(|part| part.contains("channels"));
        assert!(keys.iter().any(names_key) || keys == ["resize"], "{keys:?} for {message:?}");
        for part in parts {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
    });
    let floats = vec![1.0, f32::MIN_POSITIVE, -3.0];
    let taken =
        Preprocess { mean: vec![9.0; 2], ..default() }.apply(Pixels::Floats(floats.clone()), [3, 1, 1]).unwrap();
    assert_eq!(taken, floats);
    assert!("bgr".parse::<Channels>().unwrap_err().to_string().contains("gray, rgb"));
}
