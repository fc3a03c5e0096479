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
    /// Samples of which all values are the same.
    pub constant: usize,
}

impl Default for SeenSamples {
    fn default() -> Self {
        SeenSamples { samples: 0, low: f32::INFINITY, high: f32::NEG_INFINITY, are_whole: true, constant: 0 }
    }
}

impl SeenSamples {
    /// Adds the values of `samples` samples, `low` and `high` being their extremes.
    pub fn add(&mut self, values: &[f32], samples: usize, low: f32, high: f32) {
        self.samples += samples;
        self.low = self.low.min(low);
        self.high = self.high.max(high);
        // Each ends at the first value that is not so, which mostly is near the start.
        self.are_whole = self.are_whole && values.iter().all(|x| x.fract() == 0.0);
        let size = (values.len() / samples.max(1)).max(1);
        self.constant += values.chunks_exact(size).filter(|sample| is_constant(sample)).count();
    }

    /// How far its values are from one another.
    pub fn span(&self) -> f32 {
        self.high - self.low
    }
}

fn is_constant(sample: &[f32]) -> bool {
    sample.iter().all(|x| x.to_bits() == sample[0].to_bits())
}

/// Samples by their content, to tell whether another one is among them. Samples of which all values are the same are
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
    pub fn add(&mut self, sample: &[f32]) {
        if !is_constant(sample) {
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
        seen.add(&[1.0, 2.0, 3.0, 3.0], 2, 1.0, 3.0);
        assert_eq!((seen.samples, seen.constant, seen.are_whole, seen.span()), (2, 1, true, 2.0));
        seen.add(&[0.5, -4.0], 1, -4.0, 0.5);
        assert_eq!((seen.samples, seen.constant, seen.are_whole), (3, 1, false));
        assert_eq!((seen.low, seen.high), (-4.0, 3.0));
    }

    /// Samples that differ in one value, whichever it is.
    #[test]
    fn the_same_samples_are_found() {
        let sample: Vec<f32> = (0..3000).map(|i| (i as f32 * 0.37).sin()).collect();
        let mut seen = Fingerprints::default();
        seen.add(&sample);
        seen.add(&sample);
        seen.add(&[0.0; 3000]);
        assert_eq!((seen.len(), seen.distinct()), (2, 1));
        assert!(seen.contains(&sample) && !seen.contains(&[0.0; 3000]));
        for i in [0, 1, 92, 93, 94, 1500, 2998, 2999] {
            let mut other = sample.clone();
            other[i] += 1e-3;
            assert!(!seen.contains(&other), "{i}");
        }
    }
}
