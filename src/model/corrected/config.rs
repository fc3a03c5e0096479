//! The field `correction` of a corrected network's `config.json`.

use crate::lut::{Coding, Lut};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was corrected for what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorrectionConfig {
    /// The only schema so far, 1.
    pub schema: u32,
    /// The program that made it.
    pub tool: CorrectionTool,
    /// The network that it was made from.
    pub source: CorrectionSource,
    /// What it was fitted on.
    pub calibration: CorrectionData,
    /// Every layer that computed by a multiplier, by name.
    pub layers: BTreeMap<String, CorrectedLayerConfig>,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionTool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The network that was corrected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionSource {
    /// Its name.
    pub name: String,
    /// Its architecture.
    pub architecture: String,
    /// Its directory or file; none for a shipped one.
    pub path: Option<String>,
    /// Hash of its weights.
    pub blake3: String,
}

/// What a correction was fitted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionData {
    /// Hash of the calibration set.
    pub blake3: String,
    /// Samples that were fitted on: its first ones.
    pub fitted_on: usize,
    /// Samples after these that it was judged by.
    pub kept_out: usize,
}

/// A corrected layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorrectedLayerConfig {
    /// Its multiplier.
    pub lut: LutId,
    /// The coding of its operands.
    pub coding: Coding,
    /// The parts of its correction, by name; none of a layer that stays as it is.
    pub parts: Vec<String>,
}

/// A multiplier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LutId {
    /// Its name.
    pub name: String,
    /// Hash of its file, as reports have it.
    pub blake3: String,
    /// Hash of its products: little-endian `i32`, the activation's operand major, both operands ascending.
    pub products_blake3: String,
}

impl LutId {
    /// That of a multiplier.
    pub fn new(lut: &Lut) -> Self {
        LutId {
            name: lut.name().to_owned(),
            blake3: lut.blake3(),
            products_blake3: lut.table_hash().to_hex().to_string(),
        }
    }

    /// Whether a multiplier has the same products.
    pub fn is(&self, lut: &Lut) -> bool {
        self.products_blake3 == lut.table_hash().to_hex().as_str()
    }
}
