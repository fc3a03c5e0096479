//! Methods of turning observed values into a range, as users name them.

use super::average::MovingAverage;
use super::calibrator::{Calibrator, Method};
use super::distribution::Criterion;
use super::histogram::Histogram;
use super::tails::Tails;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A method of turning observed values into a range.
#[derive(Default, Debug, Clone, Copy, PartialEq)]
pub enum Observer {
    /// The smallest and the largest value.
    #[default]
    MinMax,
    /// This percentile of the absolute values for a symmetric range, of both tails for an affine
    /// one, interpolated linearly between the closest ranks as numpy does by default.
    Percentile(f64),
    /// The smallest and the largest value of each calibration batch, averaged: every batch moves the ends by this
    /// part of their distance to its own, as PyTorch's `MovingAverageMinMaxObserver` does.
    MovingAverage(f32),
    /// The range whose integers leave the least mean squared error.
    Mse,
    /// The range whose levels lose the least information: the Kullback-Leibler divergence of TensorRT's calibration.
    Entropy,
}

/// Names of observers and their meanings.
const OBSERVERS: [(&str, &str); 5] = [
    ("minmax", "the smallest and the largest value"),
    ("percentile[:P]", "a percentile, above 50 and at most 100"),
    ("moving-average[:C]", "that of the batches' smallest and largest values, by a constant above 0 and at most 1"),
    ("mse", "the least squared error"),
    ("entropy", "the least divergence"),
];

/// The default percentile.
const DEFAULT_PERCENTILE: f64 = 99.99;

/// The default averaging constant, PyTorch's.
const DEFAULT_CONSTANT: f32 = 0.01;

/// A text that is not an observer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown observer '{found}', expected {}", expected())]
#[non_exhaustive]
pub struct ObserverParseError {
    found: String,
}

fn expected() -> String {
    let known = OBSERVERS.map(|(name, meaning)| format!("{name} ({meaning})"));
    let (last, others) = known.split_last().expect("there are observers");
    format!("{} or {last}", others.join(", "))
}

impl FromStr for Observer {
    type Err = ObserverParseError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s.split_once(':').map_or((s, None), |(name, value)| (name, Some(value))) {
            ("minmax", None) => Some(Observer::MinMax),
            ("percentile", None) => Some(Observer::Percentile(DEFAULT_PERCENTILE)),
            ("percentile", Some(value)) => {
                value.parse().ok().filter(|&p| p > 50.0 && p <= 100.0).map(Observer::Percentile)
            }
            ("moving-average", None) => Some(Observer::MovingAverage(DEFAULT_CONSTANT)),
            ("moving-average", Some(value)) => {
                value.parse().ok().filter(|&c| c > 0.0 && c <= 1.0).map(Observer::MovingAverage)
            }
            ("mse", None) => Some(Observer::Mse),
            ("entropy", None) => Some(Observer::Entropy),
            _ => None,
        }
        .ok_or_else(|| ObserverParseError { found: s.to_owned() })
    }
}

impl fmt::Display for Observer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Observer::MinMax => f.write_str("minmax"),
            Observer::Percentile(p) => write!(f, "percentile:{p}"),
            Observer::MovingAverage(c) => write!(f, "moving-average:{c}"),
            Observer::Mse => f.write_str("mse"),
            Observer::Entropy => f.write_str("entropy"),
        }
    }
}

impl Serialize for Observer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Observer {
    /// Starts observing a layer that will see `elements` values in all.
    pub fn start(self, elements: usize) -> Calibrator {
        let method = match self {
            Observer::MinMax => Method::Extremes,
            Observer::Percentile(p) => Method::Tails(Tails::new(p, elements)),
            Observer::MovingAverage(c) => Method::Average(MovingAverage::new(c)),
            Observer::Mse => Method::Histogram(Criterion::Mse, Histogram::default()),
            Observer::Entropy => Method::Histogram(Criterion::Entropy, Histogram::default()),
        };
        Calibrator::new(elements, method)
    }

    /// Whether the range depends on which values are of one batch, and on the order of batches.
    pub fn follows_batches(self) -> bool {
        matches!(self, Observer::MovingAverage(_))
    }

    /// The fraction of all values that is clipped by design, on both sides together, where it is known.
    pub fn clipped(self) -> Option<f64> {
        match self {
            Observer::MinMax => Some(0.0),
            Observer::Percentile(p) => Some(2.0 * (1.0 - p / 100.0)),
            Observer::MovingAverage(_) | Observer::Mse | Observer::Entropy => None,
        }
    }
}
