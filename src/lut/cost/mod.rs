//! The cost of a multiplier and its provenance.
//!
//! There are four sources, of which the first that has a figure wins: a [file of costs](costs_file) from the
//! user, the metadata of a table, the catalogue of published circuits, and for designs a count of unit gates.
//! Only figures of one *basis*, which is one source's one technology and flow, are ever compared with each
//! other: every ratio is to the exact multiplier of the same basis, width and signedness.

mod common;
mod costs_file;
mod figures;
mod multiplication;

pub use common::{COST_KINDS, CommonCosts, CostKind, NoCommonCosts};
pub use costs_file::CostsError;
pub use figures::{Figures, Ratios};
pub use multiplication::{Cost, CostSource, ExactMultiplier};

use super::catalogue::{self, Entry};
use super::design::Design;
use super::{Lut, Metadata, design};
use crate::kernel::Signedness;
use costs_file::Row;
use std::collections::HashMap;
use std::path::Path;

/// What the published figures of circuits are compared with: each other, in both releases.
const PUBLISHED: &str = "EvoApproxLib (45 nm)";

/// What unit gates are compared with: each other.
const UNIT_GATES: &str = "unit gates (Tyagi 1993)";

/// A user's costs: a CSV with the columns `multiplier` (a name, or a BLAKE3 hash), `power` (mW), `energy` (pJ),
/// `area` (um2), `delay` (ns) and `source`, of which only the first is needed, or what `lut list` and `lut info`
/// write as CSV or JSON. Figures are relative to those of the row `exact` (or `exact-signed` for signed tables) of
/// the same source, if there is one, unless the file states ratios itself.
#[derive(Debug, Clone, Default)]
pub struct Costs {
    rows: HashMap<String, Row>,
    names_by_hash: HashMap<String, String>,
}

impl Costs {
    /// Reads a file of costs.
    ///
    /// # Errors
    /// When it cannot be read, or a row is invalid.
    pub fn read(path: &Path) -> Result<Costs, CostsError> {
        let rows = costs_file::read(path)?;
        let hash = |row: &Row| row.blake3.clone().map(|hash| (hash, row.name.clone()));
        let names_by_hash = rows.iter().filter_map(hash).collect();
        Ok(Costs { rows: rows.into_iter().map(|row| (row.name.clone(), row)).collect(), names_by_hash })
    }

    /// The cost of `lut` from the first source that has one.
    pub fn get(&self, lut: &Lut) -> Option<Cost> {
        self.candidates(lut).into_iter().next()
    }

    /// The costs of `lut` from all sources that have one, in their order: this file (by name, then by hash), the
    /// metadata, the catalogue, and the unit gates of the design that has its name and products.
    pub fn candidates(&self, lut: &Lut) -> Vec<Cost> {
        // A circuit costs the same with its operands exchanged.
        let (circuit, _) = catalogue::recognize_either(lut);
        let published = circuit.first().copied().map(by_catalogue);
        // Metadata that repeat the catalogue's figures are the catalogue's word.
        let repeats = |stated: &Cost| published.as_ref().is_some_and(|known| stated.figures.repeat(&known.figures));
        let metadata = by_metadata(lut).filter(|stated| !repeats(stated));
        let design = lut.name().parse::<Design>().ok().filter(|design| design.differences(lut) == Some(0));
        let all = [
            self.stated(lut.name(), || lut.blake3(), lut.signedness()),
            metadata,
            published,
            design.map(|design| by_gates(&design)),
        ];
        all.into_iter().flatten().collect()
    }

    /// The same of exact products of operands of `signedness`, which need no table: of this file, those of each source.
    pub fn exact_candidates(&self, signedness: Signedness) -> Vec<Cost> {
        let rows = self.exact_rows(signedness);
        let is_first = |(i, row): &(usize, &&Row)| rows[..*i].iter().all(|other| other.source != row.source);
        let stated = rows.iter().enumerate().filter(is_first).map(|(_, row)| row.cost(Some(row)));
        let is_exact = |entry: &&Entry| (entry.wce, entry.bits, entry.signedness) == (0, [8, 8], signedness);
        let published = catalogue::entries().iter().find(is_exact).map(by_catalogue);
        let name = if signedness == Signedness::Signed { "exact-signed" } else { "exact" };
        let gates = by_gates(&name.parse().expect("a design's name"));
        stated.chain(published).chain([gates]).collect()
    }

    /// The names that a file has costs of, in their order; none where there is no file.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.rows.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// This file's word on a multiplier, by its name, then by its hash.
    pub(super) fn stated(&self, name: &str, hash: impl Fn() -> String, signedness: Signedness) -> Option<Cost> {
        if self.rows.is_empty() {
            return None;
        }
        let by_hash = || {
            let hash = hash();
            self.rows.get(&hash).or_else(|| self.rows.get(self.names_by_hash.get(&hash)?))
        };
        let row = self.rows.get(name).or_else(by_hash)?;
        let exact = self.exact_rows(signedness).into_iter().find(|exact| exact.source == row.source);
        Some(row.cost(exact))
    }

    /// The rows of exact multipliers of operands of `signedness`, those that are preferred first.
    fn exact_rows(&self, signedness: Signedness) -> Vec<&Row> {
        let names: &[&str] = match signedness {
            Signedness::Signed => &["exact-signed", "mul8s_1KV8", "exact"],
            Signedness::Unsigned => &["exact", "mul8u_1JFF"],
        };
        names.iter().filter_map(|&name| self.rows.get(name)).collect()
    }
}

fn by_metadata(lut: &Lut) -> Option<Cost> {
    let Metadata { energy, power, area, delay, source, .. } = lut.metadata();
    let stated = Figures { power_mw: *power, energy_pj: *energy, area_um2: *area, delay_ns: *delay };
    let figures = stated.with_energy();
    let how = (figures != stated).then_some("energy as power times delay");
    let note = source.iter().map(String::as_str).chain(how).collect::<Vec<_>>().join("; ");
    (!figures.is_empty()).then(|| Cost {
        figures,
        relative: Ratios::default(),
        relative_to: None,
        source: CostSource::Metadata,
        basis: source.clone().unwrap_or_else(|| format!("metadata of {}", lut.name())),
        note,
        coverage: None,
    })
}

fn by_catalogue(entry: &Entry) -> Cost {
    let exact = entry.exact();
    Cost {
        figures: figures(entry),
        relative: exact.map(|exact| figures(entry).over(&figures(exact))).unwrap_or_default(),
        relative_to: exact.map(|exact| ExactMultiplier { name: exact.name.clone(), figures: figures(exact) }),
        source: CostSource::Catalogue,
        basis: PUBLISHED.to_owned(),
        note: format!("{PUBLISHED}, {} of release {}", entry.name, entry.release),
        coverage: None,
    }
}

/// The published figures of a circuit, energy being power times delay.
fn figures(entry: &Entry) -> Figures {
    let published = Figures {
        power_mw: Some(entry.power_mw),
        energy_pj: None,
        area_um2: Some(entry.area_um2),
        delay_ns: Some(entry.delay_ns),
    };
    published.with_energy()
}

fn by_gates(design: &Design) -> Cost {
    let relative = Some(f64::from(design.gates()) / f64::from(design::exact_gates()));
    Cost {
        figures: Figures::default(),
        relative: Ratios { power: relative, energy: relative, area: relative, delay: None },
        relative_to: Some(ExactMultiplier { name: "exact".to_owned(), figures: Figures::default() }),
        source: CostSource::UnitGates,
        basis: UNIT_GATES.to_owned(),
        note: format!(
            "{} unit gates (Tyagi 1993) against {} of the exact array multiplier; energy and power as area",
            design.gates(),
            design::exact_gates()
        ),
        coverage: None,
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
            (cost.source, cost.figures.energy_pj, cost.relative.energy, cost.relative.area),
            (CostSource::Csv, Some(0.2), Some(0.4), None)
        );
        assert_eq!(cost.relative_to.unwrap().name, "exact");
        let none = Costs::default();
        let published = Metadata { power: Some(0.4), delay: Some(1.5), ..Metadata::default() };
        let published = none.get(&drum.clone().with_metadata(published)).unwrap();
        assert_eq!(
            (published.figures.energy_pj, published.note.as_str()),
            (Some(0.4 * 1.5), "energy as power times delay")
        );
        let known = none.get(&known).unwrap();
        assert_eq!((known.source, known.figures.energy_pj), (CostSource::Metadata, Some(0.25)));
        assert_eq!(none.get(&drum).map(|cost| cost.source), Some(CostSource::UnitGates));
        // A design's name is not enough: its products count.
        let misnamed = Lut::from_fn("drum-4", Signedness::Unsigned, |a, b| a * b + 1);
        assert_eq!(none.get(&misnamed), None);
        let by_hash = costs(&format!("# from the lab\nmultiplier,energy\n{},1\n", drum.blake3())).unwrap();
        assert_eq!(by_hash.get(&drum).unwrap().figures.energy_pj, Some(1.0));
    }

    /// The library states 0.104 mW and 1.00 ns for 17KS, 0.391 mW and 1.43 ns for the exact 1JFF; 0.301 mW for
    /// the signed 1L2H and 0.425 mW for the exact 1KV8.
    #[test]
    fn published_figures_are_relative_to_the_exact_circuit_of_the_library() {
        let none = Costs::default();
        let exact = none.get(&Lut::from_fn("mine", Signedness::Unsigned, |a, b| a * b)).unwrap();
        assert_eq!((exact.source, exact.figures.power_mw), (CostSource::Catalogue, Some(0.391)));
        assert!((exact.figures.energy_pj.unwrap() - 0.391 * 1.43).abs() < 1e-12);
        assert_eq!((exact.relative.power, exact.relative.energy), (Some(1.0), Some(1.0)));
        let half = Lut::from_fn("mine", Signedness::Signed, |a, b| 4 * (a >> 1) * (b >> 1));
        let cost = none.get(&half).unwrap();
        assert_eq!(cost.relative_to.as_ref().unwrap().name, "mul8s_1KV8");
        assert!((cost.relative.power.unwrap() - 0.301 / 0.425).abs() < 1e-12);
        // Metadata that say the same are the library's word; others are their own.
        let with = |power| half.clone().with_metadata(Metadata { power: Some(power), ..Metadata::default() });
        assert_eq!(none.get(&with(0.301)).unwrap().source, CostSource::Catalogue);
        let other = none.candidates(&with(0.2));
        let sources: Vec<CostSource> = other.iter().map(|cost| cost.source).collect();
        assert_eq!(sources, [CostSource::Metadata, CostSource::Catalogue]);
    }

    #[test]
    fn rows_of_two_sources_are_not_related() {
        let table = costs("multiplier,power,delay,source\nexact,0.5,2,lab\nudm,0.1,1,paper\nroba,0.2,1,lab\n").unwrap();
        let cost = |name: &str| table.get(&design::resolve(name, None).unwrap()).unwrap();
        assert_eq!((cost("udm").relative, cost("udm").figures.energy_pj), (Ratios::default(), Some(0.1)));
        assert_eq!((cost("roba").relative.power, cost("roba").relative.energy), (Some(0.4), Some(0.2)));
    }

    /// Each source has its own exact multiplier, under whichever of its names.
    #[test]
    fn a_row_is_related_to_the_exact_one_of_its_source() {
        let table =
            "multiplier,power,source\nexact,0.9,lab\nmul8u_1JFF,0.4,evo\nudm,0.1,evo\nroba,0.3,lab\nmitchell,1,\n";
        let table = costs(table).unwrap();
        let cost = |name: &str| table.get(&design::resolve(name, None).unwrap()).unwrap();
        assert_eq!((cost("udm").relative.power, cost("roba").relative.power), (Some(0.25), Some(0.3 / 0.9)));
        assert_eq!((cost("mitchell").basis.as_str(), cost("mitchell").relative.power), ("costs.csv", None));
        let exact: Vec<String> =
            table.exact_candidates(Signedness::Unsigned).into_iter().map(|cost| cost.basis).collect();
        assert_eq!(exact, ["lab", "evo", PUBLISHED, UNIT_GATES]);
    }

    #[test]
    fn exchanged_operands_cost_the_same() {
        let half = Lut::from_fn("mine", Signedness::Signed, |a, b| 2 * (a >> 1) * b);
        let (cost, exchanged) = (Costs::default().get(&half), Costs::default().get(&half.transposed()));
        assert_eq!(cost.as_ref().map(|cost| cost.source), Some(CostSource::Catalogue));
        assert_eq!(exchanged, cost);
    }

    #[test]
    fn costs_survive_json() {
        let cost = Costs::default().get(&design::resolve("exact", None).unwrap()).unwrap();
        let json = serde_json::to_value(&cost).unwrap();
        assert_eq!((&json["power_mw"], &json["area"]), (&serde_json::json!(0.391), &json["area_um2"]));
        assert_eq!(serde_json::from_value::<Cost>(json).unwrap(), cost);
        // As earlier reports have it.
        let before = r#"{"energy":0.5,"area":null,"delay":null,"relative_energy":0.25,"relative_area":null,
            "source":"csv","note":"lab"}"#;
        let before: Cost = serde_json::from_str(before).unwrap();
        assert_eq!((before.figures.energy_pj, before.relative.energy), (Some(0.5), Some(0.25)));
    }

    #[test]
    fn bad_tables_are_refused() {
        let cases = [
            ("name,energy\nx,1\n", "unknown column 'name'"),
            ("energy\n1\n", "no column 'multiplier'"),
            ("multiplier,energy\nx,much\n", "energy of 'x' is 'much'"),
            ("multiplier,energy\nx,-1\n", "energy of 'x' is -1"),
            ("multiplier,energy\nx,1\nx,2\n", "two rows for 'x'"),
        ];
        for_each_case(cases, |(text, expected)| {
            assert!(costs(text).unwrap_err().to_string().contains(expected), "{text}");
        });
    }
}
