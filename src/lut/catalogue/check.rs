//! Whether tables that are named after a circuit of the library are that circuit.

use super::entry::{Entry, LIBRARY};
use super::made::formula;
use super::name::ClaimedName;
use super::recognized::Recognized;
use crate::kernel::Signedness;
use crate::lut::{Bits, ErrorMetrics, Lut};
use crate::stats::significant;
use serde::Serialize;
use std::fmt;

/// A table that has a circuit's name and not its products, in any release that uses the name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NameMismatch {
    /// What the table is called.
    pub table: String,
    /// The circuit.
    pub circuit: String,
    /// How the two differ, as far as known.
    pub difference: CircuitDifference,
    /// The circuit that the table really is, under all its names; none where the library has no such circuit.
    pub recognized: Vec<String>,
}

/// How a table differs from the circuit that it is named after.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum CircuitDifference {
    /// In so many products.
    Entries {
        /// How many products differ.
        entries: usize,
        /// The circuit's products as a formula in `a` and `b`, or the design that computes them.
        expected: String,
    },
    /// In its operands.
    Operands {
        /// The table's.
        found: String,
        /// The circuit's.
        expected: String,
    },
    /// In its products, which are known by their hash alone.
    Products {
        /// The table's mean absolute error.
        mae: f64,
        /// The one that is published for the circuit.
        published: f64,
    },
}

impl fmt::Display for NameMismatch {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let NameMismatch { table, circuit, difference, recognized } = self;
        write!(f, "the table named {table} is not {LIBRARY}'s {circuit} (")?;
        match difference {
            CircuitDifference::Entries { entries: 1, expected } => write!(f, "1 entry differs from {expected})")?,
            CircuitDifference::Entries { entries, expected } => {
                write!(f, "{} entries differ from {expected})", crate::stats::grouped(*entries as u64))?;
            }
            CircuitDifference::Operands { found, expected } => {
                write!(f, "its operands are {found}, the circuit's {expected})")?;
            }
            CircuitDifference::Products { mae, published } => {
                let [mae, published] = [mae, published].map(|mae| significant(*mae, 4));
                write!(f, "its products differ from the circuit's; MAE {mae}, published {published})")?;
            }
        }
        if recognized.is_empty() { Ok(()) } else { write!(f, "; it is {}", recognized.join("; ")) }
    }
}

/// The circuit's name that `lut` carries, in its own name or else in its file's.
fn claim(lut: &Lut) -> Option<(String, ClaimedName)> {
    let file = lut
        .provenance()
        .path
        .as_ref()
        .and_then(|path| path.file_stem())
        .map(|stem| stem.to_string_lossy().into_owned());
    let texts = std::iter::once(lut.name().to_owned()).chain(file);
    texts.into_iter().find_map(|text| ClaimedName::find(&text).map(|claimed| (text, claimed)))
}

/// Whether `found` is one of the claimed circuits.
fn is_claimed(claimed: &ClaimedName, found: Option<&Recognized>) -> bool {
    found.is_some_and(|found| claimed.entries.iter().any(|entry| found.is(entry)))
}

/// What is wrong with `lut`, if it carries the name of a circuit that it is not.
pub fn mismatch(lut: &Lut) -> Option<NameMismatch> {
    let (table, claimed) = claim(lut).filter(|(_, claimed)| claimed.is_plain && !claimed.entries.is_empty())?;
    let found = Recognized::find(lut);
    if is_claimed(&claimed, found.as_ref()) {
        return None;
    }
    let difference = claimed.entries.iter().map(|entry| difference(lut, entry)).min_by_key(CircuitDifference::rank)?;
    let recognized = found.iter().flat_map(|found| &found.names).map(ToString::to_string).collect();
    Some(NameMismatch { table, circuit: claimed.name, difference, recognized })
}

impl CircuitDifference {
    /// The smaller, the closer.
    fn rank(&self) -> usize {
        match self {
            CircuitDifference::Entries { entries, .. } => *entries,
            CircuitDifference::Products { .. } => usize::MAX - 1,
            CircuitDifference::Operands { .. } => usize::MAX,
        }
    }
}

fn difference(lut: &Lut, entry: &Entry) -> CircuitDifference {
    let operands = |[first, second]: [u32; 2], signedness: Signedness| {
        format!("{first}x{second} bits, {}", if signedness == Signedness::Signed { "signed" } else { "unsigned" })
    };
    let bits = lut.bits().map(Bits::get);
    if (bits, lut.signedness()) != (entry.bits, entry.signedness) {
        let (found, expected) = (operands(bits, lut.signedness()), operands(entry.bits, entry.signedness));
        return CircuitDifference::Operands { found, expected };
    }
    let made = entry.design().and_then(|design| Some((design.differences(lut)?, formula(&design))));
    match made {
        Some((entries, expected)) => CircuitDifference::Entries { entries, expected },
        None => CircuitDifference::Products { mae: ErrorMetrics::compute(lut).mae, published: entry.mae },
    }
}

/// The circuit whose published errors `lut` has, as rounded there, whatever its products: one entry of 65,536 hardly
/// moves them. Only for errors that are published with digits enough to tell circuits apart.
fn near(lut: &Lut, errors: &ErrorMetrics) -> Option<&'static Entry> {
    let is_near = |published: f64, measured: f64, step: f64| (published - measured).abs() <= step;
    let bits = lut.bits().map(Bits::get);
    super::entries().iter().find(|entry| {
        (entry.bits, entry.signedness) == (bits, lut.signedness())
            && entry.wce > 0
            && entry.mae >= 10.0
            && is_near(entry.mae, errors.mae, 1.5)
            && is_near(entry.mre, errors.mre, 1.5e-4)
            && is_near(entry.ep, errors.ep, 1e-4)
    })
}

/// What a report says of the name of `lut`, whose errors are `errors`, besides, and of the circuit that it was recognized
/// as: nothing is wrong with it.
pub fn notes(lut: &Lut, errors: &ErrorMetrics, found: Option<&Recognized>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(circuit) = found.filter(|found| found.exchanged).and_then(|found| found.names.first()) {
        notes.push(format!("the table is {LIBRARY}'s {} with operands exchanged", circuit.name));
    }
    if let Some((table, claimed)) = claim(lut) {
        let name = &claimed.name;
        if claimed.entries.is_empty() {
            let what = if found.is_none() { ", nor are its products any circuit's" } else { "" };
            notes.push(format!("{name} is a name in no release of {LIBRARY}{what}"));
        } else if is_claimed(&claimed, found) {
            // Names are reused.
            let others = claimed.entries.iter().filter(|entry| found.is_some_and(|found| !found.is(entry)));
            notes.extend(others.map(|other| format!("in release {} {name} is another circuit", other.release)));
        } else if !claimed.is_plain {
            notes.push(format!("'{table}' has the name of {LIBRARY}'s {name}, and not its products"));
        }
    }
    if found.is_none()
        && let Some(entry) = near(lut, errors)
    {
        notes.push(format!(
            "the table has the published errors of {LIBRARY}'s {}, but not its products: a few of them may be wrong",
            entry.name
        ));
    }
    notes
}
