//! The standard normal distribution.

/// Its 0.975 quantile: the half width, in standard errors, of a 95 % interval.
pub const Z95: f64 = 1.959_963_984_540_054;

/// The two-sided p-value of a normal variable with mean 0 and `variance` being as far from 0 as
/// `difference`; `None` for a nonzero difference without variance.
pub fn two_sided_p(difference: f64, variance: f64) -> Option<f64> {
    if difference == 0.0 {
        return Some(1.0);
    }
    (variance > 0.0).then(|| libm::erfc(difference.abs() / (2.0 * variance).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantile_and_p_value_agree() {
        let p = two_sided_p(3.0 * Z95, 9.0).unwrap();
        assert!((p - 0.05).abs() < 1e-12, "{p}");
        assert_eq!((two_sided_p(0.0, 0.0), two_sided_p(1.0, 0.0)), (Some(1.0), None));
    }
}
