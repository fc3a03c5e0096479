//! What is known about a multiplier besides its products: figures, sources, stated errors.

use super::StatedMetrics;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known about a multiplier besides its name and products.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Energy of one multiplication, in picojoules.
    pub energy: Option<f64>,
    /// Power, in milliwatts.
    pub power: Option<f64>,
    /// Area, in square micrometers.
    pub area: Option<f64>,
    /// Delay, in nanoseconds.
    pub delay: Option<f64>,
    /// The source of the table and the figures.
    pub source: Option<String>,
    /// A description of the design's family.
    pub design: Option<String>,
    /// The paper that describes the design.
    pub paper: Option<String>,
    /// A description of the design's parameters.
    pub parameters: Option<String>,
    /// The error metrics that the file states. Reports leave this out: an [`Audit`](super::Audit) shows
    /// them beside the measured ones.
    #[serde(skip)]
    pub stated_metrics: StatedMetrics,
}

impl Metadata {
    /// The fields that are known, as text, in a fixed order.
    pub(super) fn fields(&self) -> BTreeMap<String, String> {
        let figure = |figure: Option<f64>| figure.map(|figure| figure.to_string());
        [
            ("energy", figure(self.energy)),
            ("power", figure(self.power)),
            ("area", figure(self.area)),
            ("delay", figure(self.delay)),
            ("source", self.source.clone()),
            ("design", self.design.clone()),
            ("paper", self.paper.clone()),
            ("parameters", self.parameters.clone()),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .chain(self.stated_metrics.iter().map(|(key, stated)| (key.clone(), stated.to_string())))
        .collect()
    }

    /// This, with `weaker` filling in what is missing.
    #[must_use]
    pub(super) fn or(self, weaker: Metadata) -> Metadata {
        Metadata {
            energy: self.energy.or(weaker.energy),
            power: self.power.or(weaker.power),
            area: self.area.or(weaker.area),
            delay: self.delay.or(weaker.delay),
            source: self.source.or(weaker.source),
            design: self.design.or(weaker.design),
            paper: self.paper.or(weaker.paper),
            parameters: self.parameters.or(weaker.parameters),
            stated_metrics: if self.stated_metrics.is_empty() { weaker.stated_metrics } else { self.stated_metrics },
        }
    }
}
