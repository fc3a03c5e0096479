//! Circuits of the library whose products a design here computes, so that no file is needed.

use super::entry::{Entry, LIBRARY, Release, entries};
use super::name::{ClaimedName, by_name};
use crate::lut::design::Design;
use crate::lut::{Lut, Metadata};
use crate::registry::{UnknownName, similar};

/// Circuits by their names in the older release, and the designs that they are to the last product. A test compares every design
/// of every family with the library.
pub(super) const MADE: &[(&str, &str)] = &[
    ("mul8u_1JFF", "exact"),
    ("mul8s_1KV8", "exact-signed"),
    ("mul8s_1KVA", "broken-array-h0-v2-signed"),
    ("mul8s_1KVB", "broken-array-h0-v3-signed"),
    ("mul8s_1KX2", "broken-array-h0-v4-signed"),
    ("mul8s_1KR6", "broken-rows-h1-v3"),
    ("mul8s_1KRC", "broken-rows-h1-v4"),
    ("mul8s_1KVL", "broken-rows-h2-v5"),
    ("mul8s_1KR8", "operand-truncation-a1-b0-signed"),
    ("mul8s_1KTY", "operand-truncation-a3-b0-signed"),
    ("mul8s_1KR3", "operand-truncation-a6-b0-signed"),
    ("mul8s_1L2H", "operand-truncation-a1-b1-signed"),
    ("mul8s_1L2D", "operand-truncation-a2-b2-signed"),
    ("mul8s_1L1G", "operand-truncation-a3-b3-signed"),
];

/// The older name of the circuit that the design called `design` is, if it is one.
pub fn circuit_of(design: &str) -> Option<&'static str> {
    MADE.iter().find(|(_, name)| *name == design).map(|(circuit, _)| *circuit)
}

/// Why a circuit of the library cannot be had by its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CircuitError {
    /// No design has its products.
    #[error(
        "{name} is a circuit of {LIBRARY} that no design here computes: download its table or its C model from {LIBRARY} and \
         give the file (see 'approx-eval lut from-c'){}", computed(.nearest)
    )]
    NeedsFile {
        /// The circuit.
        name: String,
        /// Circuits for the same operands that are computed, those of the most similar error first.
        nearest: Vec<String>,
    },
    /// It has wider operands than tables have.
    #[error("{name} multiplies {first} by {second} bits, and tables have at most 8 a side")]
    TooWide {
        /// The circuit.
        name: String,
        /// Width of its first operand.
        first: u32,
        /// Width of its second operand.
        second: u32,
    },
    /// The name ends in what is no release.
    #[error("cannot find {name}")]
    Release {
        /// The circuit.
        name: String,
        /// What stands for the release, and which ones there are.
        source: UnknownName,
    },
    /// The release that is asked for does not have the name.
    #[error("{name} is not in release {release} of {LIBRARY}, but in {}", names(.others))]
    OtherRelease {
        /// The circuit.
        name: String,
        /// The release.
        release: Release,
        /// The releases that have it.
        others: Vec<Release>,
    },
    /// No release has the name.
    #[error("{name} is in no release of {LIBRARY}{}", did_you_mean(.similar))]
    Unknown {
        /// The name.
        name: String,
        /// Names like it.
        similar: Vec<String>,
    },
}

fn computed(names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!("; computed here, nearest in error first: {}", names.join(", "))
    }
}

fn names(releases: &[Release]) -> String {
    releases.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

fn did_you_mean(names: &[String]) -> String {
    names.first().map(|name| format!(", did you mean '{name}'?")).unwrap_or_default()
}

impl Entry {
    /// The design that has this circuit's products, if there is one.
    pub fn design(&self) -> Option<Design> {
        let is_it = |name: &str| {
            let older = by_name(name).into_iter().find(|older| older.name == name && older.release == Release::Master);
            older.is_some_and(|older| older.is_same_circuit(self))
        };
        let (_, design) = MADE.iter().find(|(name, _)| is_it(name))?;
        Some(design.parse().expect("the listed designs exist, which a test rules out otherwise"))
    }
}

/// The table of the circuit that `name` names, computed: under the circuit's own name, with the design that it
/// is as its source. Of a name that is two circuits, the older release's; `NAME@RELEASE` says which. `None` where the name is not
/// of the form of the library's, nor the last part of one.
///
/// # Errors
/// When no design computes the circuit, or no release has it.
pub fn make(name: &str) -> Option<Result<Lut, CircuitError>> {
    let found = by_name(name);
    let Some(entry) = found.first() else {
        if let Some(error) = wrong_release(name) {
            return Some(Err(error));
        }
        let claimed = ClaimedName::find(name).filter(|claimed| claimed.is_plain)?;
        let names = || entries().iter().map(|entry| entry.name.as_str());
        let similar = similar(&claimed.name, names()).into_iter().map(str::to_owned).collect();
        return Some(Err(CircuitError::Unknown { name: claimed.name, similar }));
    };
    Some(entry.design().map(|design| of_design(entry, &design)).ok_or_else(|| not_made(entry)))
}

/// Why there is no `NAME@RELEASE`, where there is a circuit of that name.
fn wrong_release(name: &str) -> Option<CircuitError> {
    let (circuit, release) = name.rsplit_once('@')?;
    let others: Vec<Release> = by_name(circuit).iter().map(|entry| entry.release).collect();
    let name = by_name(circuit).first()?.name.clone();
    Some(match release.parse() {
        Ok(release) => CircuitError::OtherRelease { name, release, others },
        Err(source) => CircuitError::Release { name, source },
    })
}

/// What `design` multiplies as a formula in `a` and `b`, the two operands, where that is short; else its name.
pub(super) fn formula(design: &Design) -> String {
    let shifted =
        |operand: &str, bits: u32| if bits == 0 { operand.to_owned() } else { format!("({operand}>>{bits})") };
    match (design.family().name, design.values()) {
        ("exact", _) => "a*b".to_owned(),
        ("operand-truncation", &[a, b]) => format!("{}*{}*{}", 1u32 << (a + b), shifted("a", a), shifted("b", b)),
        _ => design.to_string(),
    }
}

/// The table of `design` as the circuit's.
fn of_design(entry: &Entry, design: &Design) -> Lut {
    let lut = design.lut();
    let source = format!(
        "approx-eval, computed as the design `{design}`, which is {LIBRARY}'s {}, release {}",
        entry.name, entry.release
    );
    let metadata = Metadata { source: Some(source), ..lut.metadata().clone() };
    lut.with_name(&entry.name).with_metadata(metadata)
}

fn not_made(entry: &Entry) -> CircuitError {
    let [first, second] = entry.bits;
    let name = entry.name.clone();
    if first.max(second) > 8 {
        return CircuitError::TooWide { name, first, second };
    }
    let is_alike =
        |other: &&Entry| (other.bits, other.signedness, other.release) == (entry.bits, entry.signedness, entry.release);
    let mut made: Vec<&Entry> = entries().iter().filter(is_alike).filter(|other| other.design().is_some()).collect();
    made.sort_by(|x, y| (x.mae - entry.mae).abs().total_cmp(&(y.mae - entry.mae).abs()));
    let text = |entry: &&Entry| format!("{} (MAE {})", entry.name, entry.mae);
    CircuitError::NeedsFile { name, nearest: made.iter().take(3).map(text).collect() }
}
