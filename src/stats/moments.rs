//! Mean and variance of values that come in batches.

use super::normal::Z95;
use rayon::prelude::*;

/// Count, mean and sum of squared deviations, which merge without loss of precision (Chan, Golub and
/// LeVeque, 1979).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Adds `value(0)` to `value(n - 1)`, in blocks of fixed size, so that threads do not change a bit.
    pub fn add(&mut self, n: usize, value: impl Fn(usize) -> f64 + Sync) {
        const BLOCK: usize = 1 << 12;
        let block = |start: usize| {
            let values = || (start..(start + BLOCK).min(n)).map(&value);
            let count = values().len() as f64;
            let mean = values().sum::<f64>() / count;
            Moments { count, mean, squares: values().map(|x| (x - mean) * (x - mean)).sum() }
        };
        let blocks: Vec<Moments> = (0..n.div_ceil(BLOCK)).into_par_iter().map(|i| block(i * BLOCK)).collect();
        blocks.into_iter().for_each(|block| self.merge(block));
    }

    /// Adds all values of `other`.
    pub fn merge(&mut self, other: Moments) {
        if other.count == 0.0 {
            return;
        }
        let count = self.count + other.count;
        let distance = other.mean - self.mean;
        self.squares += other.squares + distance * distance * self.count * other.count / count;
        self.mean += distance * other.count / count;
        self.count = count;
    }

    /// The mean; 0 of nothing.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard deviation with `n - 1` in the denominator; 0 below two values.
    pub fn sample_std(&self) -> f64 {
        if self.count < 2.0 { 0.0 } else { (self.squares / (self.count - 1.0)).sqrt() }
    }

    /// The mean of the squares; 0 of nothing.
    pub fn mean_square(&self) -> f64 {
        if self.count == 0.0 { 0.0 } else { self.squares / self.count + self.mean * self.mean }
    }
}

/// The mean of paired differences, and its 95 % interval, normal about the mean; without width below two values.
pub(crate) fn mean_interval(values: &[f64]) -> (f64, [f64; 2]) {
    let mut moments = Moments::default();
    moments.add(values.len(), |i| values[i]);
    let half = Z95 * moments.sample_std() / (values.len().max(1) as f64).sqrt();
    (moments.mean(), [moments.mean() - half, moments.mean() + half])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2, 4, 4, 4, 5, 5, 7, 9 have mean 5, squared deviations summing to 32, squares summing to 232.
    #[test]
    fn moments_by_hand() {
        let values = [2., 4., 4., 4., 5., 5., 7., 9.];
        for split in 0..=values.len() {
            let (mut moments, (first, second)) = (Moments::default(), values.split_at(split));
            moments.add(first.len(), |i| first[i]);
            moments.add(second.len(), |i| second[i]);
            assert!((moments.mean() - 5.0).abs() < 1e-12);
            assert!((moments.sample_std() - (32f64 / 7.0).sqrt()).abs() < 1e-12);
            assert!((moments.mean_square() - 29.0).abs() < 1e-12);
        }
        assert_eq!((Moments::default().mean(), Moments::default().sample_std()), (0.0, 0.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Against two plain passes, of more values than a block.
        #[test]
        fn blocks_change_nothing(offset in -1e6f64..1e6, n in 1usize..20_000) {
            let value = |i: usize| offset + ((i * 7919) % 1000) as f64;
            let mut moments = Moments::default();
            moments.add(n, value);
            let mean = (0..n).map(value).sum::<f64>() / n as f64;
            let squares: f64 = (0..n).map(|i| (value(i) - mean).powi(2)).sum();
            prop_assert!((moments.mean() - mean).abs() < 1e-6);
            prop_assert!((moments.sample_std() - (squares / (n as f64 - 1.0).max(1.0)).sqrt()).abs() < 1e-6);
        }
    }
}
