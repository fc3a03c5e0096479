//! The cost of a multiplier and its provenance.
//!
//! There are three sources, of which the first that has a figure wins: a CSV of costs from the user,
//! the metadata of a table, and for designs a count of unit gates. Only figures of one source are ever
//! compared with each other.

use super::design::Design;
use super::{Lut, Metadata, design};
use crate::input;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of the largest CSV of costs that is read.
const LARGEST: u64 = 64 << 20;

/// The cost of one multiplication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Energy in picojoules, where measured.
    pub energy: Option<f64>,
    /// Area in square micrometers, where measured.
    pub area: Option<f64>,
    /// Delay in nanoseconds, where measured.
    pub delay: Option<f64>,
    /// Energy relative to the exact multiplier of the same width, by the same source.
    pub relative_energy: Option<f64>,
    /// Area relative to the exact multiplier of the same width, by the same source.
    pub relative_area: Option<f64>,
    /// The source of these figures.
    pub source: CostSource,
    /// A description of that source.
    pub note: String,
}

/// The source of a cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CostSource {
    /// A CSV of costs.
    Csv,
    /// The metadata that came with the table.
    Metadata,
    /// The unit gates of a design: energy is taken as proportional to area, all gates switching
    /// alike.
    UnitGates,
}

/// A CSV of costs, with the columns `multiplier` (a name, or a BLAKE3 hash), `energy` (pJ), `area`
/// (um2), `delay` (ns) and `source`; only the first is needed. Figures are relative to those of the
/// row `exact`, if there is one.
#[derive(Debug, Clone, Default)]
pub struct Costs {
    rows: HashMap<String, Row>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    multiplier: String,
    energy: Option<f64>,
    area: Option<f64>,
    delay: Option<f64>,
    #[serde(default)]
    source: String,
}

/// Why a CSV of costs cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CostsError {
    /// The file cannot be read.
    #[error("cannot read {}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A row does not have the expected columns.
    #[error("costs file {}: expected the columns multiplier, energy, area, delay, source", .path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Where and what.
        #[source]
        source: csv::Error,
    },
    /// A figure is negative or not finite.
    #[error("costs file {}: {column} of '{multiplier}' is {value}, expected a number of at least 0", .path.display())]
    Figure {
        /// The file.
        path: PathBuf,
        /// The row.
        multiplier: String,
        /// The column.
        column: &'static str,
        /// What is there.
        value: f64,
    },
    /// Two rows name one multiplier.
    #[error("costs file {}: two rows for '{multiplier}'", .path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// The multiplier.
        multiplier: String,
    },
}

impl Costs {
    /// Reads a CSV of costs.
    ///
    /// # Errors
    /// When it cannot be read, or a row is invalid.
    pub fn read(path: &Path) -> Result<Costs, CostsError> {
        let text = input::read(path, LARGEST).map_err(|source| CostsError::Io { path: path.to_owned(), source })?;
        let mut rows = HashMap::new();
        for row in csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_slice()).deserialize() {
            let row: Row = row.map_err(|source| CostsError::Csv { path: path.to_owned(), source })?;
            for (column, value) in [("energy", row.energy), ("area", row.area), ("delay", row.delay)] {
                if let Some(value) = value.filter(|value| !(value.is_finite() && *value >= 0.0)) {
                    let (path, multiplier) = (path.to_owned(), row.multiplier);
                    return Err(CostsError::Figure { path, multiplier, column, value });
                }
            }
            if let Some(row) = rows.insert(row.multiplier.clone(), row) {
                return Err(CostsError::Twice { path: path.to_owned(), multiplier: row.multiplier });
            }
        }
        Ok(Costs { rows })
    }

    /// The cost of `lut` from the first source that has one: this table (by name, then by hash), the
    /// metadata, the unit gates of the design that has its name and products.
    pub fn get(&self, lut: &Lut) -> Option<Cost> {
        let design = || lut.name().parse::<Design>().ok().filter(|design| design.differences(lut) == Some(0));
        self.stated(lut).or_else(|| by_metadata(lut)).or_else(|| design().map(|design| by_gates(&design)))
    }

    /// The cost of `lut`, the table of `design`: by this table, else by the design's unit gates.
    pub fn get_design(&self, design: &Design, lut: &Lut) -> Cost {
        self.stated(lut).unwrap_or_else(|| by_gates(design))
    }

    fn stated(&self, lut: &Lut) -> Option<Cost> {
        let row = self.rows.get(lut.name()).or_else(|| self.rows.get(&lut.blake3()))?;
        let exact = self.rows.get("exact");
        let relative = |figure: fn(&Row) -> Option<f64>| {
            let exact = exact.and_then(figure).filter(|&exact| exact > 0.0)?;
            figure(row).map(|figure| figure / exact)
        };
        Some(Cost {
            energy: row.energy,
            area: row.area,
            delay: row.delay,
            relative_energy: relative(|row| row.energy),
            relative_area: relative(|row| row.area),
            source: CostSource::Csv,
            note: row.source.clone(),
        })
    }
}

fn by_metadata(lut: &Lut) -> Option<Cost> {
    let Metadata { energy, power, area, delay, source, .. } = lut.metadata();
    // Milliwatts over nanoseconds are picojoules.
    let product = power.zip(*delay).map(|(power, delay)| power * delay).filter(|_| energy.is_none());
    let energy = energy.or(product);
    let how = product.map(|_| "energy as power times delay");
    let note = source.iter().map(String::as_str).chain(how).collect::<Vec<_>>().join("; ");
    (energy.is_some() || area.is_some() || delay.is_some()).then_some(Cost {
        energy,
        area: *area,
        delay: *delay,
        relative_energy: None,
        relative_area: None,
        source: CostSource::Metadata,
        note,
    })
}

fn by_gates(design: &Design) -> Cost {
    let relative = f64::from(design.gates()) / f64::from(design::exact_gates());
    Cost {
        energy: None,
        area: None,
        delay: None,
        relative_energy: Some(relative),
        relative_area: Some(relative),
        source: CostSource::UnitGates,
        note: format!(
            "{} unit gates (Tyagi 1993) against {} of the exact array multiplier; energy as area",
            design.gates(),
            design::exact_gates()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use crate::kernel::Signedness;

    fn costs(text: &str) -> Result<Costs, CostsError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("costs.csv");
        std::fs::write(&path, text).unwrap();
        Costs::read(&path)
    }

    #[test]
    fn the_first_source_with_a_figure_wins() {
        let drum = design::resolve("drum-4", None).unwrap();
        let known = drum.clone().with_metadata(Metadata { energy: Some(0.25), ..Metadata::default() });
        let table = costs("multiplier, energy, area, source\nexact, 0.5, 400, lab\ndrum-4, 0.2, , lab\n").unwrap();
        let cost = table.get(&known).unwrap();
        assert_eq!(
            (cost.source, cost.energy, cost.relative_energy, cost.relative_area),
            (CostSource::Csv, Some(0.2), Some(0.4), None)
        );
        let none = Costs::default();
        let published = Metadata { power: Some(0.4), delay: Some(1.5), ..Metadata::default() };
        let published = none.get(&drum.clone().with_metadata(published)).unwrap();
        assert_eq!((published.energy, published.note.as_str()), (Some(0.4 * 1.5), "energy as power times delay"));
        assert_eq!(none.get(&known).map(|cost| (cost.source, cost.energy)), Some((CostSource::Metadata, Some(0.25))));
        assert_eq!(none.get(&drum).map(|cost| cost.source), Some(CostSource::UnitGates));
        assert_eq!(none.get(&Lut::from_fn("drum-4", Signedness::Unsigned, |a, b| a * b)), None);
        let by_hash = costs(&format!("multiplier,energy\n{},1\n", drum.blake3())).unwrap();
        assert_eq!(by_hash.get(&drum).unwrap().energy, Some(1.0));
    }

    #[test]
    fn bad_tables_are_refused() {
        let cases = [
            ("name,energy\nx,1\n", "expected the columns"),
            ("multiplier,energy\nx,much\n", "expected the columns"),
            ("multiplier,energy\nx,-1\n", "energy of 'x' is -1"),
            ("multiplier,energy\nx,1\nx,2\n", "two rows for 'x'"),
        ];
        for_each_case(cases, |(text, expected)| {
            assert!(costs(text).unwrap_err().to_string().contains(expected), "{text}");
        });
    }
}
