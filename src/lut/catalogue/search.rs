//! Searching the library by name, error and cost.

use super::entry::{Entry, Release, entries};
use crate::kernel::Signedness;
use crate::registry::{Named, Registry, by_name};
use globset::{GlobBuilder, GlobMatcher};

/// A circuit with all its names.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Circuit {
    /// It under the name that was searched for: the older release's where both fit.
    pub entry: &'static Entry,
    /// It under its other names.
    pub others: Vec<&'static Entry>,
}

/// What circuits are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// Mean absolute error.
    Mae,
    /// Worst-case error.
    Wce,
    /// Mean relative error.
    Mre,
    /// Error probability.
    Ep,
    /// Power.
    Power,
    /// Area.
    Area,
    /// Delay.
    Delay,
    /// Energy: power times delay.
    Energy,
    /// The name.
    Name,
}

/// Every key, in the order that help texts list them.
pub static SORT_KEYS: Registry<SortKey> = Registry::new(
    "order",
    &[
        SortKey::Mae,
        SortKey::Wce,
        SortKey::Mre,
        SortKey::Ep,
        SortKey::Power,
        SortKey::Area,
        SortKey::Delay,
        SortKey::Energy,
        SortKey::Name,
    ],
);

impl Named for SortKey {
    fn name(&self) -> &'static str {
        match self {
            SortKey::Mae => "mae",
            SortKey::Wce => "wce",
            SortKey::Mre => "mre",
            SortKey::Ep => "ep",
            SortKey::Power => "power",
            SortKey::Area => "area",
            SortKey::Delay => "delay",
            SortKey::Energy => "energy",
            SortKey::Name => "name",
        }
    }
}

by_name!(SortKey, SORT_KEYS);

impl SortKey {
    /// The figure of `entry`, in the units of [`Entry`]; 0 for the name.
    pub fn figure(self, entry: &Entry) -> f64 {
        match self {
            SortKey::Mae => entry.mae,
            SortKey::Wce => entry.wce as f64,
            SortKey::Mre => entry.mre,
            SortKey::Ep => entry.ep,
            SortKey::Power => entry.power_mw,
            SortKey::Area => entry.area_um2,
            SortKey::Delay => entry.delay_ns,
            SortKey::Energy => entry.energy_pj(),
            SortKey::Name => 0.0,
        }
    }
}

/// What circuits are searched for; all of it must hold.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Names: parts of them in any case, or globs over whole names and over what stands behind the operands (`1KV*`). Any of
    /// them must fit; none fits all.
    pub patterns: Vec<NamePattern>,
    /// Widths of the operands.
    pub bits: Option<[u32; 2]>,
    /// Kind of operands.
    pub signedness: Option<Signedness>,
    /// The release that has it.
    pub release: Option<Release>,
    /// The most that figures may be, in the units of [`Entry`].
    pub at_most: Vec<(SortKey, f64)>,
    /// Only those that a design computes.
    pub makeable: bool,
    /// The order, least first; the library's where it is `None`: by operands, then mean absolute error.
    pub sort: Option<SortKey>,
}

/// A part of a name, or a glob.
#[derive(Debug, Clone)]
pub struct NamePattern {
    text: String,
    glob: Option<GlobMatcher>,
}

/// A text that is no glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{pattern}' is not a pattern of names: {reason}")]
pub struct NamePatternError {
    pattern: String,
    reason: String,
}

impl std::str::FromStr for NamePattern {
    type Err = NamePatternError;

    fn from_str(text: &str) -> Result<NamePattern, NamePatternError> {
        let error =
            |error: globset::Error| NamePatternError { pattern: text.to_owned(), reason: error.kind().to_string() };
        let is_glob = text.contains(['*', '?', '[', '{']);
        let glob = is_glob.then(|| GlobBuilder::new(text).case_insensitive(true).build()).transpose().map_err(error)?;
        Ok(NamePattern { text: text.to_ascii_lowercase(), glob: glob.map(|glob| glob.compile_matcher()) })
    }
}

impl NamePattern {
    fn matches(&self, name: &str) -> bool {
        let id = name.split_once('_').map_or(name, |(_, id)| id);
        match &self.glob {
            Some(glob) => glob.is_match(name) || glob.is_match(id),
            None => name.to_ascii_lowercase().contains(&self.text),
        }
    }
}

impl Search {
    /// The circuits that fit, each once.
    pub fn run(&self) -> Vec<Circuit> {
        let mut found: Vec<Circuit> = Vec::new();
        let mut fitting: Vec<&'static Entry> = entries().iter().filter(|entry| self.fits(entry)).collect();
        fitting.sort_by_key(|entry| entry.release);
        for entry in fitting {
            if !found.iter().any(|known| known.entry.is_same_circuit(entry)) {
                let is_other = |other: &&Entry| *other != entry && other.is_same_circuit(entry);
                found.push(Circuit { entry, others: entries().iter().filter(is_other).collect() });
            }
        }
        let order = |circuit: &Circuit| {
            let Entry { bits, signedness, .. } = circuit.entry;
            (bits[0], bits[1], *signedness == Signedness::Signed)
        };
        match self.sort {
            Some(SortKey::Name) => found.sort_by(|x, y| x.entry.name.cmp(&y.entry.name)),
            Some(key) => found.sort_by(|x, y| key.figure(x.entry).total_cmp(&key.figure(y.entry))),
            None => found.sort_by(|x, y| order(x).cmp(&order(y)).then(x.entry.mae.total_cmp(&y.entry.mae))),
        }
        found
    }

    fn fits(&self, entry: &Entry) -> bool {
        (self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(&entry.name)))
            && self.bits.is_none_or(|bits| bits == entry.bits)
            && self.signedness.is_none_or(|signedness| signedness == entry.signedness)
            && self.release.is_none_or(|release| release == entry.release)
            && self.at_most.iter().all(|(key, most)| key.figure(entry) <= *most)
            && (!self.makeable || entry.design().is_some())
    }
}
