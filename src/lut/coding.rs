//! Operand codings: how quantized integers become a multiplier's operands, and its products terms.

use super::Lut;
use crate::kernel::{EffectiveTable, Signedness};
use serde::{Deserialize, Serialize};

/// How a quantized integer becomes the multiplier's operand and how its product becomes a signed
/// term. Every coding gives the exact product for an exact table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coding {
    /// Signed tables, indexed by the integers themselves.
    Signed,
    /// Unsigned tables, indexed by absolute values; the term takes the product of the signs, that of
    /// 0 being plus. Zero points are 0.
    SignMagnitude,
    /// Unsigned tables, indexed by integers quantized to `[0, 255]` with zero points.
    Affine,
}

/// Why a coding cannot be used with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("coding {coding} needs {} table, but {lut} is {}", kind(*.needs), word(*.found))]
pub struct CodingError {
    coding: Coding,
    lut: String,
    needs: Signedness,
    found: Signedness,
}

fn kind(signedness: Signedness) -> &'static str {
    match signedness {
        Signedness::Signed => "a signed",
        Signedness::Unsigned => "an unsigned",
    }
}

fn word(signedness: Signedness) -> &'static str {
    match signedness {
        Signedness::Signed => "signed",
        Signedness::Unsigned => "unsigned",
    }
}

impl Coding {
    /// All codings, in the order that help texts list them.
    pub const ALL: [Coding; 3] = [Coding::Signed, Coding::SignMagnitude, Coding::Affine];

    /// The coding of a table when none is asked for: `signed` for signed ones, else `sign-magnitude`.
    pub fn default_for(signedness: Signedness) -> Coding {
        match signedness {
            Signedness::Signed => Coding::Signed,
            Signedness::Unsigned => Coding::SignMagnitude,
        }
    }

    /// The name that options and reports use.
    pub fn name(self) -> &'static str {
        match self {
            Coding::Signed => "signed",
            Coding::SignMagnitude => "sign-magnitude",
            Coding::Affine => "affine",
        }
    }

    /// The kind of table that this coding indexes.
    pub fn table_signedness(self) -> Signedness {
        match self {
            Coding::Signed => Signedness::Signed,
            Coding::SignMagnitude | Coding::Affine => Signedness::Unsigned,
        }
    }

    /// Fails unless `lut` has the signedness that this coding indexes.
    ///
    /// # Errors
    /// Names the coding and the table.
    pub fn check(self, lut: &Lut) -> Result<(), CodingError> {
        let (needs, found) = (self.table_signedness(), lut.signedness());
        if needs == found {
            Ok(())
        } else {
            Err(CodingError { coding: self, lut: lut.name().to_owned(), needs, found })
        }
    }

    /// The signed terms of `lut` over activation and weight bytes read as `activation` and `weight`.
    ///
    /// # Errors
    /// When the table's signedness is not this coding's.
    ///
    /// # Panics
    /// When `signed` or `affine` is asked for bytes of the other kind; quantization parameters are
    /// brought into a coding's range before its table is made.
    pub fn effective_table(
        self,
        lut: &Lut,
        activation: Signedness,
        weight: Signedness,
    ) -> Result<EffectiveTable, CodingError> {
        self.check(lut)?;
        Ok(EffectiveTable::from_fn(activation, weight, |x, w| match self {
            Coding::Signed | Coding::Affine => lut.product(x, w),
            Coding::SignMagnitude => {
                let magnitude = lut.product(x.abs(), w.abs());
                if (x < 0) == (w < 0) { magnitude } else { -magnitude }
            }
        }))
    }
}

impl std::fmt::Display for Coding {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
