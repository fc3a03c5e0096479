//! A multiplier as reports and listings show it.

use super::catalogue::{self, Recognized};
use super::{Bits, Cost, Costs, ErrorMetrics, IndexOrder, Lut, Metadata, ReadingSource, format};
use crate::kernel::Signedness;
use serde::{Deserialize, Serialize};

/// A multiplier as reports show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
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
    /// Its error metrics.
    #[serde(flatten)]
    pub errors: ErrorMetrics,
    /// `lut[0][0]`: the product for padding and for zeros.
    pub zero_product: i32,
    /// Whether `lut[a][b]` is always `lut[b][a]`.
    pub symmetric: bool,
    /// The file's or the design's metadata.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// The cost of one multiplication and its provenance.
    pub cost: Option<Cost>,
    /// The circuit of the catalogue whose products it has.
    #[serde(default)]
    pub catalogue: Option<Recognized>,
    /// Warnings about the table, how it was read and what it is called.
    pub warnings: Vec<String>,
    /// What is to be known of its name besides.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// How a table was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReadingInfo {
    /// The file format; `design` for a computed table.
    pub format: String,
    /// The type of entries, where the format has one.
    pub entry: Option<String>,
    /// The order of rows and columns.
    pub index: IndexOrder,
    /// What decided the reading.
    pub from: ReadingSource,
    /// Whether the operands were exchanged after reading.
    pub swapped: bool,
}

impl LutInfo {
    /// Describes `lut`, with the cost that is known without a user's [`Costs`].
    pub fn new(lut: &Lut) -> LutInfo {
        LutInfo::with_cost(lut, Costs::default().get(lut))
    }

    /// Describes `lut`, which costs `cost`.
    pub fn with_cost(lut: &Lut, cost: Option<Cost>) -> LutInfo {
        let provenance = lut.provenance();
        let (circuit, errors) = (Recognized::find(lut), ErrorMetrics::compute(lut));
        let reading = provenance.reading;
        LutInfo {
            name: lut.name().to_owned(),
            path: provenance.path.as_ref().map(|path| path.display().to_string()),
            signed: lut.signedness() == Signedness::Signed,
            bits: lut.bits(),
            blake3: lut.blake3(),
            reading: ReadingInfo {
                format: provenance.format.unwrap_or("design").to_owned(),
                entry: reading.and_then(|reading| reading.entry).map(|entry| entry.to_string()),
                index: reading.map_or(IndexOrder::Numeric, |reading| reading.index),
                from: provenance.source,
                swapped: provenance.swapped,
            },
            errors,
            zero_product: lut.product(0, 0),
            symmetric: lut.is_symmetric(),
            metadata: lut.metadata().clone(),
            cost,
            notes: catalogue::notes(lut, &errors, circuit.as_ref()),
            catalogue: circuit,
            warnings: provenance.warnings.iter().map(ToString::to_string).collect(),
        }
    }
}

impl LutInfo {
    /// The costs of a multiplier of which a report is all that there is: what `costs` say of it, then what the report does.
    pub fn costs(&self, costs: &Costs) -> Vec<Cost> {
        let signedness = if self.signed { Signedness::Signed } else { Signedness::Unsigned };
        let stated = costs.stated(&self.name, || self.blake3.clone(), signedness);
        let reported = self.cost.clone().map(|cost| Cost { coverage: None, ..cost });
        stated.into_iter().chain(reported).collect()
    }
}

impl Lut {
    /// The BLAKE3 hash, in hexadecimal, of the file that the table was read from; of the native
    /// format's bytes for one that was computed.
    pub fn blake3(&self) -> String {
        let computed = || blake3::hash(&format::native_bytes(self)).to_hex().to_string();
        self.provenance().file_hash.clone().unwrap_or_else(computed)
    }
}
