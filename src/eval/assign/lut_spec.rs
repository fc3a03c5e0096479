//! A multiplier, as users name it.

use crate::lut::LutFormat;
use serde::Serialize;

/// A multiplier: its file or name, and how the file is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct LutSpec {
    /// A file or a name.
    pub lut: String,
    /// How the file is read; detected where it is `None`.
    #[serde(rename = "lut_format", skip_serializing_if = "Option::is_none")]
    pub format: Option<LutFormat>,
    /// Whether its operands are exchanged.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub swap_operands: bool,
}

impl LutSpec {
    /// The multiplier of this file or name, its reading detected.
    pub fn new(lut: impl Into<String>) -> Self {
        LutSpec { lut: lut.into(), ..LutSpec::default() }
    }
}
