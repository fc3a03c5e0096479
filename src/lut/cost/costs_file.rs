//! A user's file of costs: CSV, or what `lut list` and `lut info` print as CSV or JSON.

use super::figures::{Figures, Ratios};
use super::multiplication::{Cost, CostSource, ExactMultiplier};
use crate::input;
use serde::Deserialize;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of the largest file of costs that is read.
const LARGEST: u64 = 64 << 20;

/// One multiplier of a file of costs.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub name: String,
    pub blake3: Option<String>,
    pub figures: Figures,
    /// Ratios that the file states itself.
    pub ratios: Ratios,
    /// Where the figures are from; rows of one source are comparable.
    pub source: String,
}

/// Why a file of costs cannot be read.
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
    /// A column's name is not known, or there is none of names.
    #[error("costs file {}: {problem}, expected the columns multiplier, power (mW), energy (pJ), area (um2), delay (ns), \
        source, or what 'lut info' and 'lut list' (without --catalogue) write as CSV or JSON", .path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// What was found.
        problem: String,
    },
    /// A row is not of the columns of the first one.
    #[error("costs file {}", .path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Where and what.
        #[source]
        source: csv::Error,
    },
    /// A JSON file is not a list or a description of multipliers.
    #[error("costs file {}: expected the JSON of 'lut list' or 'lut info'", .path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and what.
        #[source]
        source: serde_json::Error,
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
        value: String,
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

/// A column of figures: its names, and where a row keeps them.
type FigureColumn = (&'static [&'static str], fn(&mut Row) -> &mut Option<f64>);

const FIGURES: [FigureColumn; 8] = [
    (&["power", "power_mw"], |row| &mut row.figures.power_mw),
    (&["energy", "energy_pj"], |row| &mut row.figures.energy_pj),
    (&["area", "area_um2"], |row| &mut row.figures.area_um2),
    (&["delay", "delay_ns"], |row| &mut row.figures.delay_ns),
    (&["relative_power"], |row| &mut row.ratios.power),
    (&["relative_energy"], |row| &mut row.ratios.energy),
    (&["relative_area"], |row| &mut row.ratios.area),
    (&["relative_delay"], |row| &mut row.ratios.delay),
];

/// The column of names, and what listings call it, which the column of their cost's source marks.
const NAMES: [&str; 2] = ["multiplier", "name"];
const OF_LISTINGS: &str = "cost_source";

/// Columns of `lut list` that say nothing of costs.
const OTHERS: [&str; 17] = [
    "signed",
    "bits_a",
    "bits_b",
    "mae",
    "wce",
    "mre",
    "ep",
    "bias",
    "cost_source",
    "cost_note",
    "catalogue",
    "mse",
    "rmse",
    "wcre",
    "variance",
    "nmed",
    "psnr",
];

/// The rows of the file at `path`.
pub(super) fn read(path: &Path) -> Result<Vec<Row>, CostsError> {
    let bytes = input::read(path, LARGEST).map_err(|source| CostsError::Io { path: path.to_owned(), source })?;
    let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let mut rows = if is_json { json(path, &bytes)? } else { csv(path, &bytes)? };
    // Rows that name no source are of the file.
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    rows.iter_mut().filter(|row| row.source.is_empty()).for_each(|row| row.source = file.clone().into_owned());
    let mut seen = HashSet::new();
    for row in &rows {
        for (columns, figure) in FIGURES {
            let value = *figure(&mut row.clone());
            if let Some(value) = value.filter(|value| !(value.is_finite() && *value >= 0.0)) {
                let (path, multiplier) = (path.to_owned(), row.name.clone());
                return Err(CostsError::Figure { path, multiplier, column: columns[0], value: value.to_string() });
            }
        }
        if !seen.insert(&row.name) {
            return Err(CostsError::Twice { path: path.to_owned(), multiplier: row.name.clone() });
        }
    }
    Ok(rows)
}

/// Where a column's text goes.
enum Column {
    Name,
    Figure(usize),
    Source,
    Hash,
    Other,
}

fn csv(path: &Path, bytes: &[u8]) -> Result<Vec<Row>, CostsError> {
    let csv_error = |source| CostsError::Csv { path: path.to_owned(), source };
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(csv_error)?.clone();
    let is_listing = header.iter().any(|name| name == OF_LISTINGS);
    let column = |name: &str| {
        let figure = FIGURES.iter().position(|(names, _)| names.contains(&name));
        match name {
            _ if name == NAMES[0] || (name == NAMES[1] && is_listing) => Ok(Column::Name),
            "source" | "cost_basis" => Ok(Column::Source),
            "blake3" => Ok(Column::Hash),
            _ if figure.is_some() => Ok(Column::Figure(figure.expect("just found"))),
            _ if OTHERS.contains(&name) => Ok(Column::Other),
            _ => Err(CostsError::Columns { path: path.to_owned(), problem: format!("unknown column '{name}'") }),
        }
    };
    let columns = header.iter().map(column).collect::<Result<Vec<Column>, CostsError>>()?;
    if !columns.iter().any(|column| matches!(column, Column::Name)) {
        let problem = "no column 'multiplier'".to_owned();
        return Err(CostsError::Columns { path: path.to_owned(), problem });
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(csv_error)?;
        let mut row = Row::default();
        for (column, text) in columns.iter().zip(&record) {
            match column {
                Column::Name => text.clone_into(&mut row.name),
                Column::Source => text.clone_into(&mut row.source),
                Column::Hash => row.blake3 = (!text.is_empty()).then(|| text.to_owned()),
                Column::Figure(_) | Column::Other => {}
            }
        }
        for (column, text) in columns.iter().zip(&record).filter(|(_, text)| !text.is_empty()) {
            let Column::Figure(index) = column else { continue };
            let (names, figure) = FIGURES[*index];
            let value = text.parse().map_err(|_| CostsError::Figure {
                path: path.to_owned(),
                multiplier: row.name.clone(),
                column: names[0],
                value: format!("'{text}'"),
            })?;
            *figure(&mut row) = Some(value);
        }
        row.figures = row.figures.with_energy();
        rows.push(row);
    }
    Ok(rows)
}

/// A multiplier as `lut info` and `lut list` write it.
#[derive(Deserialize)]
struct Described {
    name: String,
    blake3: Option<String>,
    cost: Option<Cost>,
}

/// The JSON of either command.
#[derive(Deserialize)]
#[serde(untagged)]
enum Listing {
    /// Of `lut list`.
    Many { luts: Vec<Described> },
    /// Of `lut info`.
    One(Box<Described>),
}

fn json(path: &Path, bytes: &[u8]) -> Result<Vec<Row>, CostsError> {
    let listing = serde_json::from_slice(bytes).map_err(|source| CostsError::Json { path: path.to_owned(), source })?;
    let described = match listing {
        Listing::Many { luts } => luts,
        Listing::One(one) => vec![*one],
    };
    let row = |Described { name, blake3, cost }| {
        let cost: Cost = cost?;
        Some(Row { name, blake3, figures: cost.figures, ratios: cost.relative, source: cost.basis })
    };
    Ok(described.into_iter().filter_map(row).collect())
}

impl Row {
    /// The cost that the row states, relative to `exact` where that is of the same source.
    pub fn cost(&self, exact: Option<&Row>) -> Cost {
        let exact = exact.filter(|exact| exact.source == self.source);
        let computed = exact.map(|exact| self.figures.over(&exact.figures)).unwrap_or_default();
        let reference = |exact: &Row| ExactMultiplier { name: exact.name.clone(), figures: exact.figures };
        Cost {
            figures: self.figures,
            relative: self.ratios.or(computed),
            relative_to: exact.filter(|_| self.ratios == Ratios::default()).map(reference),
            source: CostSource::Csv,
            basis: self.source.clone(),
            note: self.source.clone(),
            coverage: None,
        }
    }
}
