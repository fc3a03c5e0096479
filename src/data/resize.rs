//! Resizing of byte images with antialiasing, to the bit as Pillow does it.
//!
//! torchvision's `Resize` on images is Pillow's `resize`, bilinear or bicubic. Both are separable
//! filters whose support grows with the reduction; rows are filtered first, then columns, both with
//! weights rounded to 22 fractional bits and results rounded to bytes
//! (`src/libImaging/Resample.c` of <https://github.com/python-pillow/Pillow>, compared with version
//! 11.3). Pillow 13 filters columns first where that is less work, which can differ by one gray level.

use crate::data::Interpolation;

/// Fractional bits of a weight.
const PRECISION: u32 = 22;
/// One half, which rounds a sum of weighted bytes. The weights of an output are 1 together and, where
/// bicubic ones are negative, below 2 in absolute value: 255 times that stays below 2^31.
const HALF: i32 = 1 << (PRECISION - 1);

/// Height and width when the shorter side becomes `size`, as torchvision computes them:
/// the longer side is `int(size * long / short)`. `None` where that overflows.
pub(super) fn shorter_side(size: usize, [height, width]: [usize; 2]) -> Option<[usize; 2]> {
    let scaled = |long: usize, short: usize| Some(size.checked_mul(long)? / short);
    Some(if width <= height { [scaled(height, width)?, size] } else { [size, scaled(width, height)?] })
}

/// Resizes `c` planes of `h` by `w` bytes to `height` by `width`.
pub(super) fn resize(
    planes: &[u8],
    [c, h, w]: [usize; 3],
    [height, width]: [usize; 2],
    interpolation: Interpolation,
) -> Vec<u8> {
    let filter = Filter::new(interpolation);
    let rows = if w == width { planes.to_vec() } else { filter_rows(planes, w, &Taps::new(w, width, &filter)) };
    if h == height {
        return rows;
    }
    let taps = Taps::new(h, height, &filter);
    let mut resized = Vec::with_capacity(c * height * width);
    for plane in rows.chunks_exact(h * width) {
        filter_columns(plane, width, &taps, &mut resized);
    }
    resized
}

/// A kernel of interpolation.
struct Filter {
    /// How far it reaches to each side, in pixels of the coarser grid.
    support: f64,
    /// Its weight at a distance.
    weight: fn(f64) -> f64,
}

impl Filter {
    fn new(interpolation: Interpolation) -> Filter {
        match interpolation {
            Interpolation::Bilinear => Filter { support: 1.0, weight: |x| (1.0 - x.abs()).max(0.0) },
            Interpolation::Bicubic => Filter { support: 2.0, weight: cubic },
        }
    }
}

/// The kernel of cubic convolution with a = -0.5, which is Pillow's.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    match x.abs() {
        x if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        x if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
        _ => 0.0,
    }
}

/// The weights of one axis: for each output position, where its inputs begin and what they weigh.
struct Taps {
    first: Vec<usize>,
    /// As many for each output; those past its inputs are cut off.
    weights: Vec<Vec<i32>>,
}

impl Taps {
    fn new(input: usize, output: usize, filter: &Filter) -> Taps {
        let scale = input as f64 / output as f64;
        // A pixel of the coarser grid.
        let pixel = scale.max(1.0);
        let support = filter.support * pixel;
        let inputs = |position: usize| {
            let center = (position as f64 + 0.5) * scale;
            let first = (center - support + 0.5).max(0.0) as usize;
            let end = ((center + support + 0.5) as usize).min(input);
            let weight = |i: usize| (filter.weight)((i as f64 - center + 0.5) * (1.0 / pixel));
            let weights: Vec<f64> = (first..end).map(weight).collect();
            let total: f64 = weights.iter().sum();
            let fixed = weights.iter().map(|weight| {
                let fixed = weight / total * f64::from(1 << PRECISION);
                (fixed + 0.5f64.copysign(fixed)) as i32
            });
            (first, fixed.collect())
        };
        let (first, weights) = (0..output).map(inputs).unzip();
        Taps { first, weights }
    }

    fn iter(&self) -> impl Iterator<Item = (usize, &[i32])> {
        self.first.iter().copied().zip(self.weights.iter().map(Vec::as_slice))
    }
}

fn filter_rows(planes: &[u8], w: usize, taps: &Taps) -> Vec<u8> {
    let mut filtered = Vec::with_capacity(planes.len() / w * taps.first.len());
    for row in planes.chunks_exact(w) {
        filtered.extend(taps.iter().map(|(first, weights)| {
            let inputs = row[first..].iter().zip(weights);
            to_byte(inputs.fold(HALF, |sum, (&byte, weight)| sum + i32::from(byte) * weight))
        }));
    }
    filtered
}

fn filter_columns(plane: &[u8], width: usize, taps: &Taps, filtered: &mut Vec<u8>) {
    let mut sums = vec![0; width];
    for (first, weights) in taps.iter() {
        sums.fill(HALF);
        for (row, weight) in plane.chunks_exact(width).skip(first).zip(weights) {
            for (sum, &byte) in sums.iter_mut().zip(row) {
                *sum += i32::from(byte) * weight;
            }
        }
        filtered.extend(sums.iter().map(|&sum| to_byte(sum)));
    }
}

fn to_byte(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}
