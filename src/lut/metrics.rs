//! Error metrics: the distance of a multiplier from the exact product.
//!
//! Definitions are those of EvoApproxLib (Mrazek, Hrbacek, Vasicek, Sekanina: "EvoApprox8b", DATE 2017)
//! and of Liang, Han and Lombardi ("New metrics for the reliability of approximate and probabilistic
//! adders", IEEE Trans. Computers 62(9), 2013), over all operand pairs, each once. The error of a pair is
//! `lut[a][b] - a * b`.

use super::{Lut, StatedMetric, StatedMetrics};
use serde::{Deserialize, Serialize};

/// Error metrics over all pairs of operands, in units of the product unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ErrorMetrics {
    /// Mean absolute error, also called mean error distance (MED).
    pub mae: f64,
    /// Worst-case error: the largest absolute error.
    pub wce: u32,
    /// Mean squared error, in squared units.
    pub mse: f64,
    /// Root mean squared error.
    pub rmse: f64,
    /// Mean relative error, a fraction: absolute error over absolute exact product, over the pairs
    /// whose exact product is not zero.
    pub mre: f64,
    /// Worst-case relative error, a fraction, over the same pairs.
    pub wcre: f64,
    /// Error probability: the fraction of pairs whose product is not exact.
    pub ep: f64,
    /// Mean error: negative when products are too small on average.
    pub bias: f64,
    /// Variance of the error over the population, in squared units.
    pub variance: f64,
    /// Normalized mean error distance, a fraction: `mae` over the largest absolute exact product.
    pub nmed: f64,
    /// Peak signal-to-noise ratio in decibels, the largest absolute exact product being the peak;
    /// `None` for an exact multiplier.
    pub psnr: Option<f64>,
}

impl ErrorMetrics {
    /// The names of all metrics, as fields and reports have them.
    pub const NAMES: [&str; 11] =
        ["mae", "wce", "mse", "rmse", "mre", "wcre", "ep", "bias", "variance", "nmed", "psnr"];

    /// The metric called `name`, if there is one and it is defined.
    pub fn get(&self, name: &str) -> Option<f64> {
        Some(match name {
            "mae" => self.mae,
            "wce" => f64::from(self.wce),
            "mse" => self.mse,
            "rmse" => self.rmse,
            "mre" => self.mre,
            "wcre" => self.wcre,
            "ep" => self.ep,
            "bias" => self.bias,
            "variance" => self.variance,
            "nmed" => self.nmed,
            "psnr" => return self.psnr,
            _ => return None,
        })
    }

    /// The metrics that a file states for a table that was computed.
    pub(super) fn to_stated(self) -> StatedMetrics {
        let names = ["mae", "wce", "mre", "ep", "bias"];
        names.into_iter().filter_map(|name| Some((name.to_owned(), StatedMetric::from(self.get(name)?)))).collect()
    }

    /// Measures `lut` over all pairs of operands.
    #[expect(clippy::cast_precision_loss, reason = "sums below 2^53 are exact, larger ones round once")]
    pub fn compute(lut: &Lut) -> ErrorMetrics {
        let (mut absolute, mut signed, mut squared) = (0u64, 0i64, 0u128);
        let (mut wrong, mut pairs, mut nonzero) = (0u64, 0u64, 0u64);
        let (mut wce, mut peak, mut relative_sum, mut wcre) = (0u32, 0u32, 0.0f64, 0.0f64);
        for (a, b, product) in lut.products() {
            let exact = a * b;
            let distance = product.abs_diff(exact);
            pairs += 1;
            wrong += u64::from(distance != 0);
            absolute += u64::from(distance);
            signed += i64::from(product) - i64::from(exact);
            squared += u128::from(distance).pow(2);
            wce = wce.max(distance);
            peak = peak.max(exact.unsigned_abs());
            if exact != 0 {
                let relative = f64::from(distance) / f64::from(exact.unsigned_abs());
                nonzero += 1;
                relative_sum += relative;
                wcre = wcre.max(relative);
            }
        }
        let pairs = pairs as f64;
        let (mae, mse, bias) = (absolute as f64 / pairs, squared as f64 / pairs, signed as f64 / pairs);
        ErrorMetrics {
            mae,
            wce,
            mse,
            rmse: mse.sqrt(),
            mre: relative_sum / nonzero as f64,
            wcre,
            ep: wrong as f64 / pairs,
            bias,
            variance: mse - bias * bias,
            nmed: mae / f64::from(peak),
            psnr: (mse > 0.0).then(|| 10.0 * libm::log10(f64::from(peak).powi(2) / mse)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Signedness;
    use crate::lut::Bits;

    #[test]
    fn hand_computed_metrics_of_a_two_bit_multiplier() {
        // Exact but for 3 * 3 = 7 and 0 * 2 = 1: errors -2 and +1 of 16 pairs, 9 with nonzero products.
        let bits = [Bits::try_from(2).unwrap(); 2];
        let lut = Lut::from_fn_sized("two", Signedness::Unsigned, bits, |a, b| match (a, b) {
            (3, 3) => 7,
            (0, 2) => 1,
            _ => a * b,
        });
        let metrics = ErrorMetrics::compute(&lut);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(metrics.mae, 3.0 / 16.0));
        assert_eq!(metrics.wce, 2);
        assert!(close(metrics.mse, 5.0 / 16.0));
        assert!(close(metrics.rmse, (5.0f64 / 16.0).sqrt()));
        assert!(close(metrics.mre, 2.0 / 9.0 / 9.0));
        assert!(close(metrics.wcre, 2.0 / 9.0));
        assert!(close(metrics.ep, 2.0 / 16.0));
        assert!(close(metrics.bias, -1.0 / 16.0));
        assert!(close(metrics.variance, 5.0 / 16.0 - 1.0 / 256.0));
        assert!(close(metrics.nmed, 3.0 / 16.0 / 9.0));
        assert!(close(metrics.psnr.unwrap(), 10.0 * (81.0 * 16.0 / 5.0f64).log10()));
    }

    #[test]
    fn an_exact_multiplier_has_no_error() {
        for signedness in [Signedness::Signed, Signedness::Unsigned] {
            let metrics = ErrorMetrics::compute(&Lut::from_fn("exact", signedness, |a, b| a * b));
            assert_eq!((metrics.mae, metrics.wce, metrics.mre, metrics.ep, metrics.psnr), (0.0, 0, 0.0, 0.0, None));
        }
    }
}
