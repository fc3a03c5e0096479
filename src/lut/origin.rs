//! Where a table came from, how it was read, and what is odd about that.

use super::Reading;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// The strongest ground on which a table was read as it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadingSource {
    /// The table was computed, not read.
    #[default]
    Design,
    /// `--lut-format` says so.
    LutFormat,
    /// The file's own metadata says so.
    Metadata,
    /// The sidecar says so.
    Sidecar,
    /// The prefix `mul8s_` or `mul8u_` of the file name says so.
    FileName,
    /// It is the reading that is closest to the exact product.
    Detected,
}

/// Where a table came from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Origin {
    /// The file, if there is one.
    pub path: Option<PathBuf>,
    /// The BLAKE3 hash of the file's bytes, in hexadecimal.
    pub file_hash: Option<String>,
    /// The name of the file format.
    pub format: Option<&'static str>,
    /// How entries were read.
    pub reading: Option<Reading>,
    /// On what ground.
    pub source: ReadingSource,
    /// Whether the operands were exchanged after reading.
    pub swapped: bool,
    /// What a user should know.
    pub warnings: Vec<LutWarning>,
}

/// What a user should know of a table that was read all the same.
#[derive(Debug, Clone, PartialEq)]
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
    /// A sidecar has fields of no meaning.
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
                "read as stated, {reading}, the table is {mae:.1} from the exact product on average; as {best} it would be {best_mae:.1}"
            ),
            LutWarning::SignsLost { products } => {
                write!(f, "{products} products have the wrong sign: the table seems to have lost its minus signs")
            }
            LutWarning::UnknownFields { path, keys } => {
                write!(f, "{}: fields without meaning: {}", path.display(), keys.join(", "))
            }
        }
    }
}
