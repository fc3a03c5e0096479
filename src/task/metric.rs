//! The metric that a task's networks are known by, and that gates and comparisons use.

use super::{TASKS, Task};
use crate::stats::{percent, signed_percent};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A metric that is a fraction, higher when better: its names, and how it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricInfo {
    /// In JSON and CSV, such as `top1`.
    pub key: &'static str,
    /// In tables, such as `top-1`.
    pub name: &'static str,
    /// In messages, such as `top-1 accuracy`.
    pub title: &'static str,
    /// How values are shown.
    pub unit: MetricUnit,
}

/// How the values of a metric are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricUnit {
    /// In percent, as papers show accuracies.
    Percent,
    /// As a fraction, as papers show areas under curves.
    Fraction,
}

impl MetricInfo {
    /// A value for people.
    pub(crate) fn text(&self, value: f64) -> String {
        match self.unit {
            MetricUnit::Percent => percent(value),
            MetricUnit::Fraction => format!("{value:.4}"),
        }
    }

    /// The ends of an interval of values for people.
    pub(crate) fn interval(&self, ends: [f64; 2]) -> String {
        joined(ends.map(|end| self.text(end)))
    }

    /// The ends of an interval of differences for people.
    pub(crate) fn difference_interval(&self, ends: [f64; 2]) -> String {
        joined(ends.map(|end| self.difference(end)))
    }

    /// A difference of values for people, with its sign.
    pub(crate) fn difference(&self, difference: f64) -> String {
        match self.unit {
            MetricUnit::Percent => signed_percent(difference),
            MetricUnit::Fraction => format!("{difference:+.4}"),
        }
    }
}

/// An interval, whose unit is said once.
fn joined([low, high]: [String; 2]) -> String {
    format!("{} to {high}", low.trim_end_matches(" %"))
}

/// A value of a task's metric. In JSON an object of its key and value: `{"top1": 0.9}`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// The task.
    pub task: Task,
    /// The value, a fraction.
    pub value: f64,
}

impl Metric {
    /// Writes the field of the metric, its key prefixed by `prefix`.
    pub(crate) fn serialize_as<S: Serializer>(self, prefix: &str, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(format!("{prefix}{}", self.task.metric().key), self.value)])
    }

    /// Reads the first field that is a task's metric, its key prefixed by `prefix`; ignores all others.
    pub(crate) fn deserialize_as<'de, D: Deserializer<'de>>(prefix: &str, deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MetricVisitor { prefix })
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.task.metric().text(self.value))
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize_as("", serializer)
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Metric::deserialize_as("", deserializer)
    }
}

struct MetricVisitor<'a> {
    prefix: &'a str,
}

impl<'de> Visitor<'de> for MetricVisitor<'_> {
    type Value = Metric;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let keys: Vec<String> = TASKS.iter().map(|task| format!("'{}{}'", self.prefix, task.metric().key)).collect();
        write!(f, "an object with {}", keys.join(" or "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metric, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            let metric = key.strip_prefix(self.prefix);
            match TASKS.iter().find(|task| Some(task.metric().key) == metric) {
                Some(&task) if found.is_none() => found = Some(Metric { task, value: map.next_value()? }),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        found.ok_or_else(|| serde::de::Error::custom(format!("missing metric, expected {}", Expected(&self))))
    }
}

/// What a visitor expects, as text.
struct Expected<'a, 'b>(&'a MetricVisitor<'b>);

impl fmt::Display for Expected<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.expecting(f)
    }
}
