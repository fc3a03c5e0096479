//! Documents that the program writes, and one file for each format that shows them.
//!
//! A [`Document`] is a report, a listing or a description. It has JSON for programs, sections for
//! people and records for spreadsheets; an [`Exporter`] of the registry [`FORMATS`] turns those
//! into bytes without knowing which document it is. What is written sample by sample
//! ([`PredictionsFile`], [`Logits`]) goes straight to its file, the integers of layers to a folder ([`Dump`]). A [`Report`] is read as well as written.

mod advice;
mod comparison;
mod confusion;
mod correction;
mod csv;
mod degradation;
mod document;
mod dump;
mod evaluation;
mod fit;
mod gates;
pub mod html;
mod json;
mod junit;
mod latex;
mod logits;
mod lut;
mod markdown;
mod model;
mod predictions;
mod rank;
mod saved_report;
mod search;
mod selfcheck;
mod sensitivity;
mod sweep;
mod table;
#[cfg(feature = "plot")]
mod tradeoff;

pub use advice::{AccumulatorAdvice, Advice, CorrectedAdvice, LayerAdvice, MixedAdvice, ProductAdvice};
pub use comparison::{ComparedRun, ComparisonDetails};
pub use confusion::confusion_csv;
pub use correction::{
    AffineCost, CorrectionCalibration, CorrectionLayer, CorrectionLut, CorrectionReport, KeptOut, KeptOutFigures,
};
pub use degradation::Degradation;
pub use document::{Check, Document, Printable, Records, Section, UnknownColumn};
pub use dump::{DUMP_FORMATS, DUMP_SCHEMA, Dump, DumpError, DumpFormat};
pub use evaluation::{
    COST_AXES, ClassReport, ComparisonReport, ConfigReport, CostAxis, CostFigure, CostReport, DatasetReport,
    EnergyReport, EnergySource, LayerReport, ModelReport, NoiseReport, OpcountReport, QuantizationReport, Report,
    ReportError, SCHEMA, TimingReport, ToolReport,
};
pub use gates::{Gates, GatesError, OpenGates};
pub use logits::Logits;
pub use lut::{CircuitList, LayerOperands, LutDetails, LutList, OperandsInUse, WrittenFile, WrittenFiles};
pub use model::{ModelDetails, ModelEntry, ModelList, ModelOpcount, ModelSummary};
pub use predictions::{PredictionsError, PredictionsFile, PredictionsReport};
pub use rank::{RankReport, RankedLayer, RankedMultiplier};
pub use saved_report::{SavedReport, SavedReportError};
pub use search::{SearchDetails, SearchLayer, SearchMultiplier, SearchPoint, SearchSamples, SearchSettings};
pub use selfcheck::{SelfcheckEntry, SelfcheckReport, SelfcheckResult};
pub use sensitivity::{NoiseLayer, NoiseSensitivity, SensitivityDetails, SensitivityLayer, SensitivityLut};
pub use sweep::{
    PlannedJob, SWEEP_SCHEMA, SweepJob, SweepPlan, SweepPlanDetails, SweepRow, SweepTable, distinct_names,
};
#[cfg(feature = "plot")]
pub use tradeoff::{Tradeoff, TradeoffBaseline, TradeoffError, TradeoffPoint};

use crate::registry::{Named, Registry, similar};
use std::fmt::Debug;
use std::path::{Path, PathBuf};

/// A format that documents are written in.
pub trait Exporter: Named + Debug + Send + Sync {
    /// Extensions of its files, without a dot; the first is the usual one.
    fn extensions(&self) -> &'static [&'static str];

    /// The document in this format; formats for programs have no style.
    fn render(&self, document: &Printable, style: Style) -> Vec<u8>;

    /// The document in this format, text from files made harmless.
    fn export(&self, document: &dyn Document, style: Style) -> Vec<u8> {
        self.render(&Printable(document), style)
    }
}

/// How text for people is laid out. The default is that of files: 80 columns, plain, without details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether escapes for a terminal's colors are allowed.
    pub color: bool,
    /// Columns that every line fits into.
    pub width: usize,
    /// Whether [columns of details](Section::details) are shown.
    pub details: bool,
}

impl Style {
    /// Columns that every terminal has.
    pub const WIDTH: usize = 80;
}

impl Default for Style {
    fn default() -> Self {
        Style { color: false, width: Style::WIDTH, details: false }
    }
}

/// Every format; the first is the default.
pub static FORMATS: Registry<&'static dyn Exporter> = Registry::new(
    "format",
    &[&table::Table, &json::Json, &csv::Csv, &markdown::Markdown, &latex::Latex, &junit::Junit],
);

/// A file name whose extension is that of no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{}': no format is recognized by this extension, expected one of the extensions {}{}",
    .path.display(), extensions().join(", "), did_you_mean(.path))]
#[non_exhaustive]
pub struct UnknownExtension {
    /// The file.
    pub path: PathBuf,
}

/// The extensions of all formats, with their dots.
fn extensions() -> Vec<String> {
    FORMATS.iter().flat_map(|format| format.extensions()).map(|extension| format!(".{extension}")).collect()
}

/// The extension of `path` without its dot, empty where there is none.
fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

fn did_you_mean(path: &Path) -> String {
    let extensions = FORMATS.iter().flat_map(|format| format.extensions()).copied();
    let similar = similar(extension(path), extensions).into_iter().next();
    similar.map(|extension| format!("; did you mean '.{extension}'?")).unwrap_or_default()
}

/// The format of files with the extension of `path`.
///
/// # Errors
/// Lists the extensions that exist, with the most similar one.
pub fn format_by_extension(path: &Path) -> Result<&'static dyn Exporter, UnknownExtension> {
    let found = FORMATS.iter().find(|format| format.extensions().contains(&extension(path))).copied();
    found.ok_or_else(|| UnknownExtension { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_found_by_name_and_extension() {
        for format in &FORMATS {
            assert_eq!(FORMATS.find(format.name()).unwrap().name(), format.name());
            for extension in format.extensions() {
                let found = format_by_extension(Path::new(&format!("a.b.{extension}"))).unwrap();
                assert_eq!(found.name(), format.name());
            }
        }
        assert_eq!(FORMATS.find("jsom").unwrap_err().similar, ["json"]);
        let error = |path: &str| format_by_extension(Path::new(path)).unwrap_err().to_string();
        assert!(error("r.jsn").ends_with("; did you mean '.json'?"), "{}", error("r.jsn"));
        let message = error("report");
        assert!(
            message.starts_with("'report': ") && message.contains(".xml") && !message.contains("mean"),
            "{message}"
        );
    }
}
