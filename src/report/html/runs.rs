//! Evaluations, which a page's data have column by column: ten thousand rows stay small, and are sorted without reading
//! every row.

use serde::{Serialize, Serializer};

/// An evaluation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    /// The network's place in the page.
    pub network: usize,
    /// The multiplier's place; none without one.
    pub multiplier: Option<usize>,
    /// What the layers in scope computed.
    pub mode: String,
    /// The coding of operands.
    pub coding: Option<String>,
    /// Which layers are approximate, as `all` or `each`.
    pub scope: String,
    /// The layer or group that the scope is about.
    pub layer: Option<String>,
    /// The metric's value, a fraction.
    pub value: f64,
    /// Its 95 % interval.
    pub ci95: [f64; 2],
    /// Its drop.
    pub drop: Option<MeasuredDrop>,
    /// Energy of all multiplications over that of exact ones.
    pub energy: Option<f64>,
    /// The place of the energy's basis in the page.
    pub basis: Option<usize>,
    /// Mean loss, where the task has one.
    pub loss: Option<f64>,
    /// Wall time of the evaluation in seconds.
    pub seconds: f64,
}

impl Run {
    /// Whether every layer has the run's multiplier.
    pub fn is_uniform(&self) -> bool {
        self.scope == "all" && self.mode == "approx" && self.multiplier.is_some()
    }
}

/// A drop of the metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasuredDrop {
    /// Baseline minus value, a fraction: negative for an improvement.
    pub drop: f64,
    /// Its 95 % interval.
    pub ci95: [f64; 2],
    /// Whether the interval is that of a paired comparison, sample by sample.
    pub paired: bool,
}

impl Serialize for MeasuredDrop {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [low, high] = self.ci95.map(short);
        (short(self.drop), low, high, u8::from(self.paired)).serialize(serializer)
    }
}

/// Numbers to so many decimals: more than intervals of accuracies have.
const DECIMALS: f64 = 1e6;

/// A number as short as it can be in JSON.
fn short(x: f64) -> f64 {
    // Not a negative zero.
    (x * DECIMALS).round() / DECIMALS + 0.0
}

/// Texts as places in a list of all that occur, in the order of their first occurrence.
#[derive(Debug, Serialize)]
struct Texts<'a> {
    texts: Vec<&'a str>,
    at: Vec<Option<usize>>,
}

impl<'a> Texts<'a> {
    fn new(all: impl Iterator<Item = Option<&'a str>>) -> Self {
        let mut places = std::collections::HashMap::new();
        let mut texts = Vec::new();
        let mut place = |text: &'a str| {
            *places.entry(text).or_insert_with(|| {
                texts.push(text);
                texts.len() - 1
            })
        };
        let at = all.map(|text| text.map(&mut place)).collect();
        Texts { texts, at }
    }
}

#[derive(Debug, Serialize)]
struct Columns<'a> {
    network: Vec<usize>,
    multiplier: Vec<Option<usize>>,
    mode: Texts<'a>,
    coding: Texts<'a>,
    scope: Texts<'a>,
    layer: Texts<'a>,
    value: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    drop: Vec<Option<f64>>,
    drop_low: Vec<Option<f64>>,
    drop_high: Vec<Option<f64>>,
    paired: Vec<u8>,
    energy: Vec<Option<f64>>,
    basis: Vec<Option<usize>>,
    loss: Vec<Option<f64>>,
    seconds: Vec<f64>,
}

/// `runs` as an object of columns.
///
/// # Errors
/// Those of the serializer.
pub(super) fn serialize<S: Serializer>(runs: &[Run], serializer: S) -> Result<S::Ok, S::Error> {
    let drops = |part: fn(&MeasuredDrop) -> f64| runs.iter().map(move |run| run.drop.as_ref().map(part).map(short));
    let columns = Columns {
        network: runs.iter().map(|run| run.network).collect(),
        multiplier: runs.iter().map(|run| run.multiplier).collect(),
        mode: Texts::new(runs.iter().map(|run| Some(run.mode.as_str()))),
        coding: Texts::new(runs.iter().map(|run| run.coding.as_deref())),
        scope: Texts::new(runs.iter().map(|run| Some(run.scope.as_str()))),
        layer: Texts::new(runs.iter().map(|run| run.layer.as_deref())),
        value: runs.iter().map(|run| short(run.value)).collect(),
        low: runs.iter().map(|run| short(run.ci95[0])).collect(),
        high: runs.iter().map(|run| short(run.ci95[1])).collect(),
        drop: drops(|drop| drop.drop).collect(),
        drop_low: drops(|drop| drop.ci95[0]).collect(),
        drop_high: drops(|drop| drop.ci95[1]).collect(),
        paired: runs.iter().map(|run| run.drop.is_some_and(|drop| drop.paired).into()).collect(),
        energy: runs.iter().map(|run| run.energy.map(short)).collect(),
        basis: runs.iter().map(|run| run.basis).collect(),
        loss: runs.iter().map(|run| run.loss.map(short)).collect(),
        seconds: runs.iter().map(|run| (run.seconds * 1e3).round() / 1e3).collect(),
    };
    columns.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_listed_once() {
        let texts = Texts::new([Some("b"), None, Some("a"), Some("b")].into_iter());
        assert_eq!((texts.texts, texts.at), (vec!["b", "a"], vec![Some(0), None, Some(1), Some(0)]));
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            serde_json::to_string(&[short(0.1 + 0.2), short(-1e-9), short(2.0 / 3.0)]).unwrap(),
            "[0.3,0.0,0.666667]"
        );
    }
}
