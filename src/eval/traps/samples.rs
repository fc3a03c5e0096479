//! Samples as a network took them: what their values are like, and which are the same.

use std::collections::{HashMap, HashSet};

/// The values of some samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeenSamples {
    /// Samples.
    pub samples: usize,
    /// The smallest value; infinite where there is none.
    pub low: f32,
    /// The largest value.
    pub high: f32,
    /// Whether all values are whole numbers.
    pub are_whole: bool,
    /// Samples of which all values of each channel are the same.
    pub constant: usize,
}

/// Where the channels of a sample lie, to tell blank ones: a mean and a deviation a channel make another number of the
/// same color in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channels {
    count: usize,
    /// Whether the values of a pixel lie side by side.
    are_last: bool,
}

impl Channels {
    /// All values in one.
    pub const ONE: Channels = Channels { count: 1, are_last: false };

    /// Those of a batch of this shape: two to four, in planes or side by side, of images. Anything else is
    /// taken as one channel: of few numbers, each would be a channel that never changes.
    pub fn of_batch(shape: &[usize]) -> Self {
        /// Planes of fewer pixels are no images'.
        const LEAST_PIXELS: usize = 64;
        let &[_, first, middle, last] = shape else { return Channels::ONE };
        let is_color = |count: usize, pixels: usize| (2..=4).contains(&count) && pixels >= LEAST_PIXELS;
        if is_color(first, middle * last) {
            Channels { count: first, are_last: false }
        } else if is_color(last, first * middle) {
            Channels { count: last, are_last: true }
        } else {
            Channels::ONE
        }
    }

    /// Whether all values of each channel are the same.
    fn is_constant(self, sample: &[f32]) -> bool {
        let repeats =
            |values: &[f32], step: usize| values.iter().zip(&values[step..]).all(|(a, b)| a.to_bits() == b.to_bits());
        match self {
            _ if sample.len() <= self.count => true,
            Channels { count, are_last: true } => repeats(sample, count),
            Channels { count, are_last: false } => {
                sample.chunks_exact(sample.len() / count).all(|plane| repeats(plane, 1))
            }
        }
    }
}

impl Default for SeenSamples {
    fn default() -> Self {
        SeenSamples { samples: 0, low: f32::INFINITY, high: f32::NEG_INFINITY, are_whole: true, constant: 0 }
    }
}

impl SeenSamples {
    /// Adds the values of `samples` samples, `low` and `high` being their extremes.
    pub fn add(&mut self, values: &[f32], samples: usize, channels: Channels, [low, high]: [f32; 2]) {
        self.samples += samples;
        self.low = self.low.min(low);
        self.high = self.high.max(high);
        // Each ends at the first value that is not so, which mostly is near the start.
        self.are_whole = self.are_whole && values.iter().all(|x| x.fract() == 0.0);
        let size = (values.len() / samples.max(1)).max(1);
        self.constant += values.chunks_exact(size).filter(|sample| channels.is_constant(sample)).count();
    }

    /// How far its values are from one another.
    pub fn span(&self) -> f32 {
        self.high - self.low
    }
}

/// Samples by their content, to tell whether another one is among them. Samples of which all values of each channel are the same are
/// left out: being blank is no sign of being the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fingerprints {
    /// The hashes of samples, by a few of their values: other samples mostly need no hash.
    hashes: HashMap<u64, HashSet<[u8; 32]>>,
    /// Samples, blank ones left out.
    samples: usize,
}

impl Fingerprints {
    /// Adds a sample.
    pub fn add(&mut self, sample: &[f32], channels: Channels) {
        if !channels.is_constant(sample) {
            self.samples += 1;
            self.hashes.entry(key(sample)).or_default().insert(hash(sample));
        }
    }

    /// Whether a sample is among them.
    pub fn contains(&self, sample: &[f32]) -> bool {
        let hashes = self.hashes.get(&key(sample));
        hashes.is_some_and(|hashes| hashes.contains(&hash(sample)))
    }

    /// Samples, blank ones left out.
    pub fn len(&self) -> usize {
        self.samples
    }

    /// How many of them differ.
    pub fn distinct(&self) -> usize {
        self.hashes.values().map(HashSet::len).sum()
    }
}

/// Some of the values, from all over a sample, in one number.
fn key(sample: &[f32]) -> u64 {
    const VALUES: usize = 32;
    /// 2^64 over the golden ratio: what Fibonacci hashing multiplies by.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let values = sample.iter().step_by((sample.len() / VALUES).max(1));
    values.fold(sample.len() as u64, |key, x| (key ^ u64::from(x.to_bits())).wrapping_mul(FACTOR).rotate_left(29))
}

/// BLAKE3 of the values' bits.
fn hash(sample: &[f32]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let mut bytes = Vec::with_capacity(4 * 1024);
    for values in sample.chunks(1024) {
        bytes.clear();
        bytes.extend(values.iter().flat_map(|x| x.to_bits().to_le_bytes()));
        hasher.update(&bytes);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_summed_up() {
        let mut seen = SeenSamples::default();
        seen.add(&[1.0, 2.0, 3.0, 3.0], 2, Channels::ONE, [1.0, 3.0]);
        assert_eq!((seen.samples, seen.constant, seen.are_whole, seen.span()), (2, 1, true, 2.0));
        seen.add(&[0.5, -4.0], 1, Channels::ONE, [-4.0, 0.5]);
        assert_eq!((seen.samples, seen.constant, seen.are_whole), (3, 1, false));
        assert_eq!((seen.low, seen.high), (-4.0, 3.0));
    }

    /// Black images, normalized by a mean and a deviation a channel, in planes and pixel by pixel.
    #[test]
    fn blank_colors_are_constant() {
        let color = [-2.25f32, -2.0, -1.75];
        let planes: Vec<f32> = color.iter().flat_map(|&x| [x; 64]).collect();
        let pixels: Vec<f32> = color.repeat(64);
        for (shape, blank) in [([5, 3, 8, 8], &planes), ([5, 8, 8, 3], &pixels)] {
            let channels = Channels::of_batch(&shape);
            assert!(channels.is_constant(blank), "{shape:?}");
            let mut seen = Fingerprints::default();
            seen.add(blank, channels);
            assert_eq!(seen.len(), 0, "{shape:?}");
            for i in [0, 1, 63, 64, 191] {
                let mut other = blank.clone();
                other[i] += 0.5;
                assert!(!channels.is_constant(&other), "{shape:?} {i}");
            }
        }
        // Of few numbers, or of channels that are none, all count.
        for shape in
            [vec![2, 3, 1, 1], vec![2, 1, 1, 3], vec![2, 3, 4, 4], vec![2, 1, 8, 8], vec![2, 16, 8, 8], vec![2, 9]]
        {
            assert_eq!(Channels::of_batch(&shape), Channels::ONE, "{shape:?}");
        }
        assert!(!Channels::ONE.is_constant(&color) && Channels::ONE.is_constant(&[1.0; 3]));
    }

    /// Samples that differ in one value, whichever it is.
    #[test]
    fn the_same_samples_are_found() {
        let sample: Vec<f32> = (0..3000).map(|i| (i as f32 * 0.37).sin()).collect();
        let mut seen = Fingerprints::default();
        seen.add(&sample, Channels::ONE);
        seen.add(&sample, Channels::ONE);
        seen.add(&[0.0; 3000], Channels::ONE);
        assert_eq!((seen.len(), seen.distinct()), (2, 1));
        assert!(seen.contains(&sample) && !seen.contains(&[0.0; 3000]));
        for i in [0, 1, 92, 93, 94, 1500, 2998, 2999] {
            let mut other = sample.clone();
            other[i] += 1e-3;
            assert!(!seen.contains(&other), "{i}");
        }
    }
}
