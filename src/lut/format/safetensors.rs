//! The native format: a tensor `lut` with what is known of the multiplier as metadata.
//!
//! `lut` is I32, one row a value of the first operand. Metadata are texts: `name`, `signed`, `index`,
//! `bits`, `energy`, `power`, `area`, `delay`, `source`, `design`, `paper`, `parameters`, and error metrics
//! under their names (`mae`, `wce`, ..).

use super::{Contents, Entries, Format, FormatError, layout, raw, table_bits};
use crate::integer::IntegerType;
use crate::lut::Lut;
use crate::lut::fields::{Fields, lut_fields};
use crate::lut::reading::{IndexOrder, PartialReading};
use crate::registry::Named;
use ::safetensors::{Dtype, SafeTensors};
use serde::Serialize;
use std::collections::BTreeMap;

/// `.safetensors` files.
pub struct Safetensors;

impl Named for Safetensors {
    fn name(&self) -> &'static str {
        "safetensors"
    }
}

impl Format for Safetensors {
    fn extensions(&self) -> &'static [&'static str] {
        &["safetensors"]
    }

    fn recognizes(&self, bytes: &[u8]) -> bool {
        SafeTensors::read_metadata(bytes).is_ok()
    }

    fn read(&self, bytes: &[u8]) -> Result<Contents, FormatError> {
        let broken = |error: ::safetensors::SafeTensorError| FormatError::Broken(error.to_string());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(broken)?;
        let names = || tensors.names().into_iter().take(5).collect::<Vec<_>>().join(", ");
        let tensor = tensors.tensor("lut").map_err(|_| {
            FormatError::Broken(format!("no tensor 'lut', expected I32 [256, 256]; there is {}", names()))
        })?;
        let &[rows, columns] = tensor.shape() else {
            return Err(FormatError::Shape { found: format!("shape {:?}", tensor.shape()) });
        };
        let shape = table_bits(rows, columns)?;
        let entry = entry_type(tensor.dtype())?;
        let pairs = header.metadata().iter().flatten().map(|(key, value)| (key.as_str(), value.as_str()));
        Ok(Contents {
            entries: Entries::Numbers { values: raw::decode(tensor.data(), entry), entry: Some(entry) },
            shape: Some(shape),
            fields: Fields::parse(pairs)?,
        })
    }

    fn write(&self, lut: &Lut, stated: &PartialReading) -> Result<Vec<u8>, FormatError> {
        let (entry, index) = layout(self.name(), lut, stated, &[IntegerType::I32])?;
        if (entry, index) != (IntegerType::I32, IndexOrder::Numeric) {
            let reason = "the native format has entries of i32 in numeric order".to_owned();
            return Err(FormatError::Layout { format: self.name(), reason });
        }
        Ok(bytes(lut))
    }
}

/// The file of `lut`: equal tables with equal metadata give equal bytes.
pub(super) fn bytes(lut: &Lut) -> Vec<u8> {
    let [first, second] = lut.bits();
    let metadata = lut_fields(lut, IndexOrder::Numeric);
    let shape = [first.values(), second.values()];
    let tensor = TensorHeader { dtype: "I32", shape, data_offsets: [0, 4 * shape[0] * shape[1]] };
    let mut header = serde_json::to_vec(&Header { metadata, lut: tensor }).expect("texts and numbers are JSON");
    // The data starts at a multiple of eight bytes, as the format asks.
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes.extend(lut.entries(IndexOrder::Numeric).flat_map(i32::to_le_bytes));
    bytes
}

/// Written here rather than by the crate, whose metadata are in no fixed order.
#[derive(Serialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    metadata: BTreeMap<String, String>,
    lut: TensorHeader,
}

#[derive(Serialize)]
struct TensorHeader {
    dtype: &'static str,
    shape: [usize; 2],
    data_offsets: [usize; 2],
}

fn entry_type(dtype: Dtype) -> Result<IntegerType, FormatError> {
    let broken = || FormatError::Broken(format!("tensor 'lut' is {dtype:?}, expected I32"));
    IntegerType::from_dtype(dtype).ok_or_else(broken)
}
