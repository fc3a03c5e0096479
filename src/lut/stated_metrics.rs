//! The error metrics that a file states for its multiplier.
//!
//! Published figures are rounded; a [`StatedMetric`] keeps its digits, so that it can be compared with
//! the measured value.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A stated value and the digits it was stated with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StatedMetric {
    value: f64,
    decimals: usize,
}

/// A text that is not a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a number")]
pub struct StatedMetricError(String);

impl StatedMetric {
    /// The value.
    pub fn value(self) -> f64 {
        self.value
    }

    /// Whether `measured` is the stated value, up to one in its last digit (published values are rounded
    /// or cut off) or a millionth of it.
    pub fn holds(self, measured: f64) -> bool {
        let digit = 0.1f64.powi(i32::try_from(self.decimals).unwrap_or(i32::MAX));
        (measured - self.value).abs() <= digit.max(1e-6 * self.value.abs()) * (1.0 + 1e-9)
    }

    /// The value, stated in percent, as a fraction.
    #[must_use]
    pub fn percent(self) -> StatedMetric {
        StatedMetric { value: self.value / 100.0, decimals: self.decimals + 2 }
    }
}

impl From<f64> for StatedMetric {
    /// The value with 9 decimals.
    fn from(value: f64) -> StatedMetric {
        StatedMetric { value, decimals: 9 }
    }
}

impl FromStr for StatedMetric {
    type Err = StatedMetricError;

    fn from_str(text: &str) -> Result<StatedMetric, StatedMetricError> {
        let error = || StatedMetricError(text.to_owned());
        let value: f64 = text.parse().map_err(|_| error())?;
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let exponent: i64 = exponent.parse().map_err(|_| error())?;
        let decimals = i64::try_from(fraction).map_err(|_| error())?.saturating_sub(exponent);
        let decimals = usize::try_from(decimals.clamp(0, 17)).map_err(|_| error())?;
        if value.is_finite() { Ok(StatedMetric { value, decimals }) } else { Err(error()) }
    }
}

impl TryFrom<String> for StatedMetric {
    type Error = StatedMetricError;

    fn try_from(text: String) -> Result<StatedMetric, StatedMetricError> {
        text.parse()
    }
}

impl From<StatedMetric> for String {
    fn from(metric: StatedMetric) -> String {
        metric.to_string()
    }
}

impl fmt::Display for StatedMetric {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:.*}", self.decimals, self.value)
    }
}

/// Stated metrics by their names in [`ErrorMetrics`](super::ErrorMetrics), in its units.
pub type StatedMetrics = BTreeMap<String, StatedMetric>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn a_stated_metric_is_as_precise_as_its_digits() {
        let cases = [
            ("25", 24.5, true),
            ("25", 23.9, false),
            ("0", 0.0, true),
            ("24.5", 24.5, true),
            ("24.5", 24.7, false),
            ("1.577e3", 1577.4, true),
            ("1.577e3", 1579.0, false),
            ("-3.25", -3.25, true),
        ];
        for_each_case(cases, |(text, measured, holds)| {
            assert_eq!(text.parse::<StatedMetric>().unwrap().holds(measured), holds, "{text} against {measured}");
        });
        assert!("1.25".parse::<StatedMetric>().unwrap().percent().holds(0.01249));
        assert!(
            "nan".parse::<StatedMetric>().is_err()
                && "1e".parse::<StatedMetric>().is_err()
                && "".parse::<StatedMetric>().is_err()
        );
    }

    #[test]
    fn stated_metrics_print_as_they_were_read() {
        for text in ["25", "0.0125", "-1.50"] {
            assert_eq!(text.parse::<StatedMetric>().unwrap().to_string(), text);
        }
    }
}
