//! Where a table came from, how it was read, and warnings about that.

use super::Reading;
use super::catalogue::NameMismatch;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// What decided how a table was read: the strongest source that stated anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadingSource {
    /// The table was computed, not read.
    #[default]
    Design,
    /// The stated LUT format.
    LutFormat,
    /// The file's own metadata.
    Metadata,
    /// The sidecar.
    Sidecar,
    /// The prefix `mul8s_` or `mul8u_` of the file name.
    FileName,
    /// Detection: the reading closest to the exact product.
    Detected,
}

/// Where a table came from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Provenance {
    /// The file, if there is one.
    pub path: Option<PathBuf>,
    /// The BLAKE3 hash of the file's bytes, in hexadecimal.
    pub file_hash: Option<String>,
    /// The name of the file format.
    pub format: Option<&'static str>,
    /// How entries were read.
    pub reading: Option<Reading>,
    /// What decided the reading.
    pub source: ReadingSource,
    /// Whether the operands were exchanged after reading.
    pub swapped: bool,
    /// Warnings for the user.
    pub warnings: Vec<LutWarning>,
}

/// A warning about a table that was read all the same.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum LutWarning {
    /// The stated reading is far from the exact product where another is near.
    FarFromBest {
        /// How the table was read.
        reading: Reading,
        /// Its mean absolute error.
        mae: f64,
        /// The reading closest to the exact product.
        best: Reading,
        /// The mean absolute error of that.
        best_mae: f64,
    },
    /// Products of operands of opposite signs, or of two negative ones, have the wrong sign.
    SignsLost {
        /// How many.
        products: u32,
    },
    /// The table has the name of a circuit that it is not.
    NotTheCircuit(NameMismatch),
    /// A sidecar has unknown fields.
    UnknownFields {
        /// The sidecar.
        path: PathBuf,
        /// The fields.
        keys: Vec<String>,
    },
}

impl fmt::Display for LutWarning {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            LutWarning::FarFromBest { reading, mae, best, best_mae } => write!(
                f,
                "read as stated ({reading}), the table has a mean absolute error of {mae:.1}; read as {best} it would be {best_mae:.1}"
            ),
            LutWarning::SignsLost { products } => {
                write!(f, "{products} products have the wrong sign: the table has probably lost its minus signs")
            }
            LutWarning::NotTheCircuit(mismatch) => mismatch.fmt(f),
            LutWarning::UnknownFields { path, keys } => {
                write!(f, "{}: unknown fields {}", path.display(), keys.join(", "))
            }
        }
    }
}
