//! What the program says: serialisable documents, and one file for each format that shows them.
//!
//! A [`Document`] is a report, a listing or a description. It gives its JSON, its sections for
//! people and its records for spreadsheets; an [`Exporter`] of the registry [`FORMATS`] turns those
//! into bytes without knowing which document it is. What is written sample by sample
//! ([`Predictions`], [`Logits`]) goes straight to its file.

mod baseline;
mod comparison;
mod confusion;
mod csv;
mod document;
mod evaluation;
mod json;
mod junit;
mod logits;
mod lut;
mod markdown;
mod model;
mod predictions;
mod table;

pub use baseline::{Baseline, BaselineError};
pub use comparison::{ComparedRun, ComparisonDetails};
pub use confusion::confusion_csv;
pub use document::{Check, Document, Records, Section};
pub use evaluation::{
    ClassReport, ComparisonReport, ConfigReport, DatasetReport, EnergyReport, LayerReport, ModelReport, NoiseReport,
    OpcountReport, QuantizationReport, Report, TimingReport, ToolReport,
};
pub use logits::Logits;
pub use lut::{LutDetails, LutList, WrittenFile, WrittenFiles};
pub use model::{ModelDetails, ModelList, ModelOpcount};
pub use predictions::{Predictions, PredictionsError, PredictionsReport};

use std::path::Path;

/// A format that documents are shown in.
pub trait Exporter: Send + Sync {
    /// Its name, as `--format` takes it.
    fn name(&self) -> &'static str;

    /// Extensions of the files that hold it.
    fn extensions(&self) -> &'static [&'static str];

    /// The document in this format; `color` allows escapes for a terminal.
    fn export(&self, document: &dyn Document, color: bool) -> Vec<u8>;
}

/// Every format; the first is what people see.
pub static FORMATS: &[&dyn Exporter] = &[&table::Table, &json::Json, &csv::Csv, &markdown::Markdown, &junit::Junit];

/// A format or an extension that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format '{found}', expected {expected}")]
pub struct UnknownFormat {
    found: String,
    expected: String,
}

/// The format called `name`.
///
/// # Errors
/// Lists the names that exist.
pub fn format_by_name(name: &str) -> Result<&'static dyn Exporter, UnknownFormat> {
    let found = FORMATS.iter().find(|format| format.name() == name).copied();
    found.ok_or_else(|| {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
        UnknownFormat { found: name.to_owned(), expected: names.join(", ") }
    })
}

/// The format of files with the extension of `path`.
///
/// # Errors
/// Lists the extensions that exist.
pub fn format_by_extension(path: &Path) -> Result<&'static dyn Exporter, UnknownFormat> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let found = FORMATS.iter().find(|format| format.extensions().contains(&extension)).copied();
    found.ok_or_else(|| {
        let extensions = FORMATS.iter().flat_map(|format| format.extensions());
        let extensions: Vec<String> = extensions.map(|extension| format!(".{extension}")).collect();
        let expected = format!("a file name with one of the extensions {}", extensions.join(", "));
        UnknownFormat { found: path.display().to_string(), expected }
    })
}
