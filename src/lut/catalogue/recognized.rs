//! A table's circuit as reports show it.

use super::entry::{Entry, LIBRARY, Release, recognize_either};
use crate::lut::Lut;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The circuit of the library that a table is, and the figures that the library publishes of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recognized {
    /// The library.
    pub library: String,
    /// All names of the circuit, the older release's first.
    pub names: Vec<CircuitName>,
    /// Whether the table has the circuit's operands exchanged.
    pub exchanged: bool,
    /// Published mean absolute error, in units of the product, rounded as published.
    pub mae: f64,
    /// Published worst-case error, in units of the product.
    pub wce: u64,
    /// Published mean relative error, a fraction.
    pub mre: f64,
    /// Published error probability, a fraction.
    pub ep: f64,
    /// Power, in milliwatts.
    pub power_mw: f64,
    /// Area, in square micrometers.
    pub area_um2: f64,
    /// Delay, in nanoseconds.
    pub delay_ns: f64,
    /// The design that computes it, if there is one.
    pub design: Option<String>,
}

/// A circuit's name in a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitName {
    /// The name.
    pub name: String,
    /// The release.
    pub release: Release,
}

impl From<&Entry> for CircuitName {
    fn from(entry: &Entry) -> CircuitName {
        CircuitName { name: entry.name.clone(), release: entry.release }
    }
}

impl fmt::Display for CircuitName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}, release {}", self.name, self.release)
    }
}

impl Recognized {
    /// The circuit that `lut` is, in either order of its operands.
    pub fn find(lut: &Lut) -> Option<Recognized> {
        let (found, exchanged) = recognize_either(lut);
        let first = *found.first()?;
        Some(Recognized {
            library: LIBRARY.to_owned(),
            names: found.into_iter().map(CircuitName::from).collect(),
            exchanged,
            mae: first.mae,
            wce: first.wce,
            mre: first.mre,
            ep: first.ep,
            power_mw: first.power_mw,
            area_um2: first.area_um2,
            delay_ns: first.delay_ns,
            design: first.design().map(|design| design.to_string()),
        })
    }
}

impl Recognized {
    /// Whether `entry` is this circuit.
    pub(super) fn is(&self, entry: &Entry) -> bool {
        self.names.iter().any(|name| (&name.name, name.release) == (&entry.name, entry.release))
    }
}

impl fmt::Display for Recognized {
    /// `EvoApproxLib mul8u_17KS, release master; mul8u_17C8, release v2022`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let names: Vec<String> = self.names.iter().map(CircuitName::to_string).collect();
        write!(f, "{} {}", self.library, names.join("; "))?;
        f.write_str(if self.exchanged { "; operands exchanged" } else { "" })
    }
}
