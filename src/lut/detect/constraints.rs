//! What is stated about a file's reading, and by which source.

use super::super::{PartialReading, ReadingSource};
use std::fmt;

/// The parts of a reading that are stated, each by its strongest source.
#[derive(Debug, Clone, Default)]
pub struct Constraints(Vec<(ReadingSource, PartialReading)>);

impl Constraints {
    /// Constraints from several sources, the strongest first. A weaker source counts only for the parts
    /// that no stronger one states.
    pub fn new(sources: impl IntoIterator<Item = (ReadingSource, PartialReading)>) -> Constraints {
        let mut stated = PartialReading::default();
        let mut constraints = Vec::new();
        for (source, reading) in sources {
            let added = reading.without(stated);
            stated = stated.or(reading);
            if !added.is_empty() {
                constraints.push((source, added));
            }
        }
        Constraints(constraints)
    }

    /// All that is stated.
    pub fn stated(&self) -> PartialReading {
        self.0.iter().fold(PartialReading::default(), |all, (_, reading)| all.or(*reading))
    }

    /// The strongest source that states anything.
    pub fn strongest(&self) -> Option<ReadingSource> {
        self.0.first().map(|(source, _)| *source)
    }
}

impl fmt::Display for Constraints {
    /// As in `the stated LUT format says i16 and its name says unsigned`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let says = self.0.iter().map(|(source, reading)| {
            let source = match source {
                ReadingSource::Design => "its design",
                ReadingSource::LutFormat => "the stated LUT format",
                ReadingSource::Metadata => "its metadata",
                ReadingSource::Sidecar => "its sidecar",
                ReadingSource::FileName => "its name",
                ReadingSource::Detected => "detection",
            };
            format!("{source} says {reading}")
        });
        f.write_str(&says.collect::<Vec<_>>().join(" and "))
    }
}
