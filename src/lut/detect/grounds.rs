//! Who states what of a file's reading.

use super::super::{ReadingSource, Stated};
use std::fmt;

/// What is known of a reading beforehand, and from whom.
#[derive(Debug, Clone, Default)]
pub struct Grounds(Vec<(ReadingSource, Stated)>);

impl Grounds {
    /// Statements, the strongest first. Of a weaker one only that counts which no stronger one says.
    pub fn new(statements: impl IntoIterator<Item = (ReadingSource, Stated)>) -> Grounds {
        let mut said = Stated::default();
        let mut grounds = Vec::new();
        for (source, stated) in statements {
            let new = stated.beyond(said);
            said = said.or(new);
            if !new.is_empty() {
                grounds.push((source, new));
            }
        }
        Grounds(grounds)
    }

    /// All that is stated.
    pub fn stated(&self) -> Stated {
        self.0.iter().fold(Stated::default(), |all, (_, stated)| all.or(*stated))
    }

    /// Who states most, if anybody states anything.
    pub fn strongest(&self) -> Option<ReadingSource> {
        self.0.first().map(|(source, _)| *source)
    }
}

impl fmt::Display for Grounds {
    /// As in `--lut-format says i16 and its name says unsigned`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let says = self.0.iter().map(|(source, stated)| {
            let who = match source {
                ReadingSource::Design => "its design",
                ReadingSource::LutFormat => "--lut-format",
                ReadingSource::Metadata => "its metadata",
                ReadingSource::Sidecar => "its sidecar",
                ReadingSource::FileName => "its name",
                ReadingSource::Detected => "detection",
            };
            format!("{who} says {stated}")
        });
        f.write_str(&says.collect::<Vec<_>>().join(" and "))
    }
}
