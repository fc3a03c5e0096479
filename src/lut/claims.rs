//! What a file says that its multiplier's errors are.
//!
//! Published figures are rounded; a [`Claim`] keeps how far, so that it can be held against what is
//! measured.

use super::ErrorMetrics;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A stated figure and the digits it was stated with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Claim {
    value: f64,
    decimals: usize,
}

/// A text that is no figure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a number")]
pub struct ClaimError(String);

impl Claim {
    /// The figure.
    pub fn value(self) -> f64 {
        self.value
    }

    /// Whether `measured` is the figure, give or take one in its last digit (figures are found
    /// rounded and cut off) or a millionth of it.
    pub fn holds(self, measured: f64) -> bool {
        let digit = 0.1f64.powi(i32::try_from(self.decimals).unwrap_or(i32::MAX));
        (measured - self.value).abs() <= digit.max(1e-6 * self.value.abs()) * (1.0 + 1e-9)
    }

    /// The figure, stated in per cent, as a fraction.
    #[must_use]
    pub fn per_cent(self) -> Claim {
        Claim { value: self.value / 100.0, decimals: self.decimals + 2 }
    }
}

impl From<f64> for Claim {
    /// The figure to 9 decimals.
    fn from(value: f64) -> Claim {
        Claim { value, decimals: 9 }
    }
}

impl FromStr for Claim {
    type Err = ClaimError;

    fn from_str(text: &str) -> Result<Claim, ClaimError> {
        let error = || ClaimError(text.to_owned());
        let value: f64 = text.parse().map_err(|_| error())?;
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let exponent: i64 = exponent.parse().map_err(|_| error())?;
        let decimals = i64::try_from(fraction).map_err(|_| error())?.saturating_sub(exponent);
        let decimals = usize::try_from(decimals.clamp(0, 17)).map_err(|_| error())?;
        if value.is_finite() { Ok(Claim { value, decimals }) } else { Err(error()) }
    }
}

impl TryFrom<String> for Claim {
    type Error = ClaimError;

    fn try_from(text: String) -> Result<Claim, ClaimError> {
        text.parse()
    }
}

impl From<Claim> for String {
    fn from(claim: Claim) -> String {
        claim.to_string()
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:.*}", self.decimals, self.value)
    }
}

/// Claims by the name of the metric, as [`ErrorMetrics`] names it and in its units.
pub type Claims = BTreeMap<String, Claim>;

/// Claims of the metrics that a native file states of a computed table.
pub(super) fn measured(metrics: &ErrorMetrics) -> Claims {
    let names = ["mae", "wce", "mre", "ep", "bias"];
    names.into_iter().filter_map(|name| Some((name.to_owned(), Claim::from(metrics.get(name)?)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_as_precise_as_its_digits() {
        for (text, measured, holds) in [
            ("25", 24.5, true),
            ("25", 23.9, false),
            ("0", 0.0, true),
            ("24.5", 24.5, true),
            ("24.5", 24.7, false),
            ("1.577e3", 1577.4, true),
            ("1.577e3", 1579.0, false),
            ("-3.25", -3.25, true),
        ] {
            assert_eq!(text.parse::<Claim>().unwrap().holds(measured), holds, "{text} against {measured}");
        }
        assert!("1.25".parse::<Claim>().unwrap().per_cent().holds(0.01249));
        assert!("nan".parse::<Claim>().is_err() && "1e".parse::<Claim>().is_err() && "".parse::<Claim>().is_err());
    }

    #[test]
    fn claims_print_as_they_were_read() {
        for text in ["25", "0.0125", "-1.50"] {
            assert_eq!(text.parse::<Claim>().unwrap().to_string(), text);
        }
    }
}
