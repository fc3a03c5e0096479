//! The assignments that a search has looked at.

use super::plan::{Method, Part};
use super::space::Choice;
use crate::report::Degradation;
use crate::stats::pareto_front;
use std::collections::{BTreeMap, BTreeSet};

/// How an assignment came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// One multiplier in all layers.
    Uniform,
    /// One multiplier in one layer.
    Alone,
    /// By the greedy baseline.
    Greedy,
    /// By the knapsack.
    Knapsack,
    /// By matching noise.
    Matching,
    /// By evolution.
    Nsga2,
}

impl From<Method> for Origin {
    fn from(method: Method) -> Self {
        match method {
            Method::Knapsack => Origin::Knapsack,
            Method::Matching => Origin::Matching,
            Method::Nsga2 => Origin::Nsga2,
        }
    }
}

impl Origin {
    /// Its name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Uniform => "uniform",
            Origin::Alone => "alone",
            Origin::Greedy => "greedy",
            Origin::Knapsack => "knapsack",
            Origin::Matching => "matching",
            Origin::Nsga2 => "nsga2",
        }
    }
}

/// An assignment, and what it does to the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The assignment.
    pub choice: Choice,
    /// What its multiplications cost, relative to exact ones.
    pub cost: f64,
    /// What came to it, alone or beside others.
    pub origins: BTreeSet<Origin>,
    /// What it does to the network, part by part.
    pub found: BTreeMap<Part, Degradation>,
}

impl Point {
    /// What it does on the samples that all are compared on.
    pub fn scan(&self) -> &Degradation {
        &self.found[&Part::Scan]
    }
}

/// The points that are best for what they cost, by `value`, the cheapest first; those with `None` are left out.
pub fn front<'a>(points: impl IntoIterator<Item = &'a Point>, value: impl Fn(&Point) -> Option<f64>) -> Vec<&'a Point> {
    let valued: Vec<(&Point, f64)> = points.into_iter().filter_map(|point| Some((point, value(point)?))).collect();
    let places: Vec<[f64; 2]> = valued.iter().map(|(point, value)| [point.cost, *value]).collect();
    pareto_front(&places).into_iter().map(|i| valued[i].0).collect()
}

/// At most `count` of `all`, evenly spread, the first and the last among them.
pub fn spread<T: Clone>(all: &[T], count: usize) -> Vec<T> {
    if all.len() <= count || count < 2 {
        return all.iter().take(count.max(1)).cloned().collect();
    }
    (0..count).map(|i| all[i * (all.len() - 1) / (count - 1)].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_both_ends() {
        let all: Vec<usize> = (0..10).collect();
        assert_eq!(spread(&all, 4), [0, 3, 6, 9]);
        assert_eq!((spread(&all, 20).len(), spread(&all, 1), spread(&all[..0], 3)), (10, vec![0], vec![]));
    }
}
