//! What reports and listings say of a multiplier.

use super::{Bits, ErrorMetrics, IndexOrder, Lut, ReadingSource, format};
use crate::kernel::Signedness;
use serde::{Deserialize, Serialize};

/// A multiplier as reports show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LutInfo {
    /// The name.
    pub name: String,
    /// The file it was read from.
    pub path: Option<String>,
    /// Whether operands are signed.
    pub signed: bool,
    /// Widths of the first and second operand.
    pub bits: [Bits; 2],
    /// The BLAKE3 hash, in hexadecimal, of the file's bytes, or of the native format's for a table
    /// that was computed.
    pub blake3: String,
    /// How the table was read.
    pub reading: ReadingInfo,
    /// How far it is from the exact product.
    #[serde(flatten)]
    pub errors: ErrorMetrics,
    /// `lut[0][0]`: what the multiplier gives for padding and for zeros.
    pub zero_product: i32,
    /// Whether `lut[a][b]` is always `lut[b][a]`.
    pub symmetric: bool,
    /// Energy of one multiplication, in picojoules.
    pub energy: Option<f64>,
    /// Power, in milliwatts.
    pub power: Option<f64>,
    /// Area, in square micrometres.
    pub area: Option<f64>,
    /// Delay, in nanoseconds.
    pub delay: Option<f64>,
    /// Where the table and its figures are from.
    pub source: Option<String>,
    /// The design, the paper and the parameters, where known.
    pub design: Option<String>,
    /// The paper that describes the design.
    pub paper: Option<String>,
    /// The design's parameters.
    pub parameters: Option<String>,
    /// What a user should know of how the table was read.
    pub warnings: Vec<String>,
}

/// How a table was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingInfo {
    /// The file format; `design` for a computed table.
    pub format: String,
    /// The type of entries, where the format has one.
    pub entry: Option<String>,
    /// The order of rows and columns.
    pub index: IndexOrder,
    /// On what ground it was read so.
    pub from: ReadingSource,
    /// Whether the operands were exchanged after reading.
    pub swapped: bool,
}

impl LutInfo {
    /// Describes `lut`.
    pub fn of(lut: &Lut) -> LutInfo {
        let (origin, metadata) = (lut.origin(), lut.metadata().clone());
        let reading = origin.reading;
        LutInfo {
            name: lut.name().to_owned(),
            path: origin.path.as_ref().map(|path| path.display().to_string()),
            signed: lut.signedness() == Signedness::Signed,
            bits: lut.bits(),
            blake3: lut.blake3(),
            reading: ReadingInfo {
                format: origin.format.unwrap_or("design").to_owned(),
                entry: reading.and_then(|reading| reading.entry).map(|entry| entry.name().to_owned()),
                index: reading.map_or(IndexOrder::Numeric, |reading| reading.index),
                from: origin.source,
                swapped: origin.swapped,
            },
            errors: ErrorMetrics::of(lut),
            zero_product: lut.product(0, 0),
            symmetric: lut.is_symmetric(),
            energy: metadata.energy,
            power: metadata.power,
            area: metadata.area,
            delay: metadata.delay,
            source: metadata.source,
            design: metadata.design,
            paper: metadata.paper,
            parameters: metadata.parameters,
            warnings: origin.warnings.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Lut {
    /// The BLAKE3 hash, in hexadecimal, of the file that the table was read from; of the native
    /// format's bytes for one that was computed.
    pub fn blake3(&self) -> String {
        let computed = || blake3::hash(&format::native_bytes(self)).to_hex().to_string();
        self.origin().file_hash.clone().unwrap_or_else(computed)
    }
}
