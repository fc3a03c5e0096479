//! What a search is asked to do.

use crate::lut::CostKind;
use crate::registry::{Named, Registry, by_name};
use crate::report::SearchSamples;
use std::time::Duration;

/// A way of finding assignments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// By what each multiplier does in each layer alone, as if that added up.
    Knapsack,
    /// By the noise that each layer stands alone, and the deviation of each multiplier's error there.
    Matching,
    /// By evolution, from what the others found.
    Nsga2,
}

/// Every method, in the order that they run in.
pub static METHODS: Registry<Method> = Registry::new("method", &[Method::Knapsack, Method::Matching, Method::Nsga2]);

impl Named for Method {
    fn name(&self) -> &'static str {
        match self {
            Method::Knapsack => "knapsack",
            Method::Matching => "matching",
            Method::Nsga2 => "nsga2",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Method::Knapsack => "Each multiplier's harm in each layer alone, added up: a multiple-choice knapsack",
            Method::Matching => "The noise that each layer stands, matched with the multipliers' errors",
            Method::Nsga2 => "A genetic algorithm that starts from what the others found",
        }
    }
}

by_name!(Method, METHODS);

/// What a search is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchPlan {
    /// What is minimized.
    pub objective: CostKind,
    /// Which samples are used for what.
    pub samples: SearchSamples,
    /// The largest drop of the metric against exact products, a fraction.
    pub max_drop: f64,
    /// The one-sided confidence that a drop is within that, from 0.5, which takes measured drops as they are.
    pub confidence: f64,
    /// The methods.
    pub methods: Vec<Method>,
    /// The most different multipliers, exact ones included.
    pub max_multipliers: Option<usize>,
    /// Choices that survive a generation of NSGA-II.
    pub population: usize,
    /// Its generations.
    pub generations: usize,
    /// Seed of all that is drawn: the samples of the search, and evolution.
    pub seed: u64,
    /// Assignments that are compared at most; the final ones are evaluated beyond that.
    pub max_evaluations: Option<usize>,
    /// Time after which no further assignments are compared.
    pub time_limit: Option<Duration>,
}

impl SearchPlan {
    /// Least energy for a drop of half a percentage point at most, at a confidence of 90 %, by all methods on these samples.
    pub fn new(samples: SearchSamples) -> Self {
        SearchPlan {
            objective: CostKind::default(),
            samples,
            max_drop: 0.005,
            confidence: 0.9,
            methods: METHODS.iter().copied().collect(),
            max_multipliers: None,
            population: 20,
            generations: 15,
            seed: 0,
            max_evaluations: None,
            time_limit: None,
        }
    }
}

/// Which samples an assignment is evaluated on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Those that all assignments are compared on.
    Scan,
    /// These and more, which the best ones are chosen on.
    Search,
    /// Those that the search never saw.
    Confirmation,
}

/// The quantile of the standard normal distribution at `confidence`, 0.5 to below 1.
pub fn quantile(confidence: f64) -> f64 {
    // The distribution function rises: halving finds where it is `confidence`.
    let (mut low, mut high) = (0.0, 9.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if 0.5 * libm::erfc(-middle / std::f64::consts::SQRT_2) < confidence {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Z95;

    #[test]
    fn quantiles_of_the_normal_distribution() {
        for (confidence, expected) in [(0.5, 0.0), (0.975, Z95), (0.841_344_746_068_543, 1.0)] {
            assert!((quantile(confidence) - expected).abs() < 1e-9, "{confidence}: {}", quantile(confidence));
        }
    }
}
