//! Multipliers that have been opened, each once.

use super::{LutSpec, ResolveError};
use crate::lut::{self, Coding, Lut, OpenOptions};
use crate::sabotage::{self, Fault};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Multipliers by what they were opened as: each file is read once, however many layers use it.
#[derive(Debug, Default)]
pub struct Luts {
    opened: HashMap<(LutSpec, Option<Coding>), Arc<Lut>>,
    given: LutFiles,
}

/// Files of multipliers in memory, by the names that options give them; these come before all other files and names.
pub type LutFiles = BTreeMap<String, Arc<[u8]>>;

impl Luts {
    /// No multipliers yet, some of which have their files in memory.
    pub fn with_files(given: LutFiles) -> Self {
        Luts { given, ..Luts::default() }
    }

    /// Takes other files in memory in place of those so far, which are forgotten.
    pub fn replace_files(&mut self, given: LutFiles) {
        let old = std::mem::replace(&mut self.given, given);
        self.opened.retain(|(spec, _), _| !old.contains_key(&spec.lut) && !self.given.contains_key(&spec.lut));
    }

    /// The multiplier of `spec`; names that have a signed and an unsigned form follow `coding`.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(&mut self, spec: &LutSpec, coding: Option<Coding>) -> Result<Arc<Lut>, ResolveError> {
        let key = (spec.clone(), coding);
        if let Some(lut) = self.opened.get(&key) {
            return Ok(Arc::clone(lut));
        }
        let options = OpenOptions { format: spec.format, swap_operands: spec.swap_operands, coding };
        let lut = match self.given.get(&spec.lut) {
            Some(bytes) => lut::read_stream(&bytes[..], &spec.lut, &options),
            None => lut::open(&spec.lut, &options),
        };
        let lut = lut.map_err(|error| ResolveError::Lut(Box::new(error)))?;
        let lut = if sabotage::is(Fault::FlippedEntry) { lut.damaged() } else { lut };
        Ok(self.insert(key, lut))
    }

    /// What was opened: as what, for which coding, and the multiplier.
    pub fn iter(&self) -> impl Iterator<Item = (&LutSpec, Option<Coding>, &Arc<Lut>)> {
        self.opened.iter().map(|((spec, coding), lut)| (spec, *coding, lut))
    }

    /// Keeps a multiplier: as the one already known where it is the same, under a name of its own
    /// (`name#2`) where another has its name, since counts go by names.
    fn insert(&mut self, key: (LutSpec, Option<Coding>), lut: Lut) -> Arc<Lut> {
        let is_same = |known: &Lut| {
            let suffix = known.name().strip_prefix(lut.name());
            let has_the_name = suffix.is_some_and(|suffix| suffix.is_empty() || suffix.starts_with('#'));
            *known == lut && has_the_name && known.provenance().swapped == lut.provenance().swapped
        };
        let lut = self.opened.values().find(|known| is_same(known)).cloned().unwrap_or_else(|| {
            let is_taken = |name: &str| self.opened.values().any(|known| known.name() == name);
            let repeats = (2..).map(|n| format!("{}#{n}", lut.name()));
            let mut names = std::iter::once(lut.name().to_owned()).chain(repeats);
            let name = names.find(|name| !is_taken(name)).expect("there are more names than multipliers");
            let lut = lut.with_name(&name);
            lut.provenance().warnings.iter().for_each(|warning| tracing::warn!("{name}: {warning}"));
            Arc::new(lut)
        });
        self.opened.insert(key, Arc::clone(&lut));
        lut
    }
}
