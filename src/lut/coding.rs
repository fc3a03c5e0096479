//! Operand codings: how quantized integers become a multiplier's operands, and its products terms.

use super::Lut;
use crate::kernel::{EffectiveTable, Signedness};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

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

    /// The integers that the first (0, activation) or second (1, weight) operand of `lut` can stand
    /// for: what a quantizer must keep to. Narrower than a byte's for a multiplier of fewer bits.
    ///
    /// # Panics
    /// When `operand` is neither.
    pub fn operand_range(self, lut: &Lut, operand: usize) -> RangeInclusive<i32> {
        let range = lut.operand_range(operand);
        match self {
            Coding::Signed | Coding::Affine => range,
            Coding::SignMagnitude => -range.end()..=*range.end(),
        }
    }

    /// The signed terms of `lut` over activation and weight bytes read as `activation` and `weight`.
    /// Bytes outside [`operand_range`](Coding::operand_range) never occur: a quantizer keeps to it.
    /// Their terms are 0, or the exact product where the whole table is exact.
    ///
    /// # Errors
    /// When the table's signedness is not this coding's.
    pub fn effective_table(
        self,
        lut: &Lut,
        activation: Signedness,
        weight: Signedness,
    ) -> Result<EffectiveTable, CodingError> {
        self.check(lut)?;
        let is_exact = lut.is_exact();
        Ok(EffectiveTable::from_fn(activation, weight, |x, w| {
            let outside = if is_exact { x * w } else { 0 };
            match self {
                Coding::Signed | Coding::Affine => lut.get(x, w).unwrap_or(outside),
                Coding::SignMagnitude => match lut.get(x.abs(), w.abs()) {
                    Some(magnitude) if (x < 0) == (w < 0) => magnitude,
                    Some(magnitude) => -magnitude,
                    None => outside,
                },
            }
        }))
    }
}

impl std::fmt::Display for Coding {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lut::Bits;

    #[test]
    fn terms_take_their_signs_and_ranges_from_the_coding() {
        let unsigned = Lut::from_fn("u", Signedness::Unsigned, |a, b| 3 * a + 7 * b + 1);
        let signed = Lut::from_fn("s", Signedness::Signed, |a, b| 3 * a + 7 * b + 1);
        for (coding, lut, bytes, term, range) in [
            (Coding::SignMagnitude, &unsigned, (-5, -2), 30, -255..=255),
            (Coding::SignMagnitude, &unsigned, (-5, 2), -30, -255..=255),
            // The sign of 0 is plus.
            (Coding::SignMagnitude, &unsigned, (-5, 0), -16, -255..=255),
            (Coding::SignMagnitude, &unsigned, (0, 0), 1, -255..=255),
            (Coding::Signed, &signed, (-5, 2), 0, -128..=127),
            (Coding::Affine, &unsigned, (5, 2), 30, 0..=255),
        ] {
            let kind = if coding == Coding::Affine { Signedness::Unsigned } else { Signedness::Signed };
            let table = coding.effective_table(lut, kind, kind).unwrap();
            assert_eq!(table.term(bytes.0 as u8, bytes.1 as u8), term, "{coding} {bytes:?}");
            assert_eq!(coding.operand_range(lut, 0), range);
        }
        assert!(Coding::Signed.check(&unsigned).is_err());
    }

    #[test]
    fn a_narrow_multiplier_has_terms_for_its_own_operands_only() {
        let bits = [Bits::try_from(4).unwrap(), Bits::try_from(3).unwrap()];
        let table = |product: fn(i32, i32) -> i32| {
            let lut = Lut::from_fn_sized("narrow", Signedness::Unsigned, bits, product);
            assert_eq!(Coding::SignMagnitude.operand_range(&lut, 1), -7..=7);
            Coding::SignMagnitude.effective_table(&lut, Signedness::Signed, Signedness::Signed).unwrap()
        };
        let rough = table(|a, b| (a * b) & !3);
        assert_eq!((rough.term(-15i8 as u8, 7), rough.term(16, 1), rough.term(1, 8)), (-104, 0, 0));
        assert!(table(|a, b| a * b).is_exact());
    }
}

// TEMPORARY until the layer branch is merged.
impl std::str::FromStr for Coding {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Coding::ALL
            .into_iter()
            .find(|c| c.name() == text)
            .ok_or_else(|| "one of signed, sign-magnitude, affine".to_owned())
    }
}
