//! Operand codings: how quantized integers become a multiplier's operands, and its products terms.
//!
//! Codings differ in a few facts, listed in one table. Everything that depends on a coding, from the
//! integers of quantizers to the terms that kernels sum, is a method of [`Coding`].

use super::{Bits, Lut, Operand};
use crate::kernel::{EffectiveTable, Signedness};
use crate::registry::{Named, Registry, by_name};
use crate::sabotage::{self, Fault};
use std::ops::RangeInclusive;

/// How a quantized integer becomes the multiplier's operand and how its product becomes a signed
/// term. Every coding yields the exact product for an exact table.
///
/// ```
/// use approx_eval::kernel::Signedness;
/// use approx_eval::lut::{Coding, Lut};
///
/// let truncated = Lut::from_fn("truncated", Signedness::Unsigned, |a, b| (a & !3) * b);
/// let coding: Coding = "sign-magnitude".parse()?;
/// let table = coding.effective_table(&truncated, Signedness::Signed, Signedness::Signed)?;
/// assert_eq!(table.term((-7i8).cast_unsigned(), 5), -20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// Signed tables, indexed by the integers themselves.
    Signed,
    /// Unsigned tables, indexed by absolute values; the term takes the product of the signs, that of
    /// 0 being plus. Zero points are 0.
    SignMagnitude,
    /// Unsigned tables, indexed by integers quantized to `[0, 255]` with zero points.
    Affine,
}

/// Every coding. The first of a signedness is the default for tables of that signedness.
pub static CODINGS: Registry<Coding> =
    Registry::new("coding", &[Coding::Signed, Coding::SignMagnitude, Coding::Affine]);

by_name!(Coding, CODINGS);

/// What distinguishes a coding.
struct Facts {
    name: &'static str,
    summary: &'static str,
    /// Signedness of the tables that it indexes.
    table: Signedness,
    /// How integers index a table.
    index: Index,
}

/// How integers index a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Index {
    /// As they are, read with this signedness.
    Value(Signedness),
    /// By absolute value; the sign goes to the product, so that zero points are 0.
    Magnitude,
}

impl Coding {
    const fn facts(self) -> &'static Facts {
        match self {
            Coding::Signed => &Facts {
                name: "signed",
                summary: "Signed LUTs, indexed by the integers",
                table: Signedness::Signed,
                index: Index::Value(Signedness::Signed),
            },
            Coding::SignMagnitude => &Facts {
                name: "sign-magnitude",
                summary: "Unsigned LUTs, indexed by absolute values",
                table: Signedness::Unsigned,
                index: Index::Magnitude,
            },
            Coding::Affine => &Facts {
                name: "affine",
                summary: "Unsigned LUTs, indexed by integers with zero points",
                table: Signedness::Unsigned,
                index: Index::Value(Signedness::Unsigned),
            },
        }
    }
}

impl Named for Coding {
    fn name(&self) -> &'static str {
        self.facts().name
    }

    fn summary(&self) -> &'static str {
        self.facts().summary
    }
}

/// Why a coding cannot be used with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("coding '{coding}' needs {} table, but '{lut}' is {}", with_article(*.needs), word(*.found))]
#[non_exhaustive]
pub struct CodingError {
    /// The coding.
    pub coding: Coding,
    /// The table's name.
    pub lut: String,
    /// The signedness of the tables that the coding indexes.
    pub needs: Signedness,
    /// The table's signedness.
    pub found: Signedness,
}

impl CodingError {
    /// The settings that fix it.
    pub fn keys(&self) -> &'static [&'static str] {
        &["coding", "lut"]
    }
}

fn with_article(signedness: Signedness) -> &'static str {
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

/// What a coding requires of tables, and the terms that products become.
impl Coding {
    /// The default coding of a table: `signed` for signed ones, else `sign-magnitude`.
    pub fn default_for(signedness: Signedness) -> Coding {
        let default = CODINGS.iter().find(|coding| coding.table_signedness() == signedness);
        *default.expect("there are codings for both kinds of tables")
    }

    /// The default coding of a table for a network that brings integers of its own, none of them negative: an
    /// unsigned table multiplies these as they are.
    pub fn default_for_unsigned_integers(signedness: Signedness) -> Coding {
        let takes_them = |coding: &&Coding| {
            coding.table_signedness() == signedness && coding.facts().index == Index::Value(signedness)
        };
        CODINGS.iter().find(takes_them).copied().unwrap_or_else(|| Coding::default_for(signedness))
    }

    /// The kind of table that this coding indexes.
    pub fn table_signedness(self) -> Signedness {
        self.facts().table
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

    /// The operands of the table whose product the integers `x` and `w` take.
    pub fn table_operands(self, x: i32, w: i32) -> (i32, i32) {
        match self.facts().index {
            Index::Value(_) => (x, w),
            Index::Magnitude => (x.abs(), w.abs()),
        }
    }

    /// The integers that an operand of `lut` can represent: what a quantizer must keep to. Narrower
    /// than a byte's for a multiplier of fewer bits.
    pub fn operand_range(self, lut: &Lut, operand: Operand) -> RangeInclusive<i32> {
        let range = lut.operand_range(operand);
        match self.facts().index {
            Index::Value(_) => range,
            Index::Magnitude => -range.end()..=*range.end(),
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
            let (x, w) = if sabotage::is(Fault::SwappedOperands) { (w, x) } else { (x, w) };
            self.term(lut, x, w).unwrap_or(if is_exact { x * w } else { 0 })
        }))
    }

    /// The signed term of the integers `x` and `w`, by a table that [`check`](Coding::check) accepts; `None` where it
    /// has no product for them.
    pub(super) fn term(self, lut: &Lut, x: i32, w: i32) -> Option<i32> {
        let (a, b) = self.table_operands(x, w);
        let product = lut.get(a, b)?;
        let is_negated = self.facts().index == Index::Magnitude && (x < 0) != (w < 0);
        Some(if is_negated { -product } else { product })
    }
}

/// What a coding requires of quantizers.
impl Coding {
    /// Whether integers may have zero points other than 0.
    pub fn has_zero_points(self) -> bool {
        self.facts().index != Index::Magnitude
    }

    /// Whether activations have zero points by default.
    pub fn prefers_zero_points(self) -> bool {
        self.is_unsigned()
    }

    /// How the bytes of integers of signedness `range`, which the coding accepts, are read.
    pub fn operand_signedness(self, range: Signedness) -> Signedness {
        match self.facts().index {
            Index::Value(signedness) => signedness,
            Index::Magnitude => range,
        }
    }

    /// The integers of activations quantized symmetrically, and the one that represents 0.
    /// `is_non_negative`: no activation is below 0.
    pub fn symmetric_activations(self, bits: Bits, is_non_negative: bool) -> (RangeInclusive<i32>, i32) {
        let largest = *bits.range(Signedness::Signed).end();
        if is_non_negative && self.facts().index == Index::Magnitude {
            (bits.range(Signedness::Unsigned), 0)
        } else {
            let zero_point = self.middle(bits);
            (zero_point - largest..=zero_point + largest, zero_point)
        }
    }

    /// The integers of activations quantized with a zero point.
    pub fn affine_activations(self, bits: Bits) -> RangeInclusive<i32> {
        bits.range(if self.is_unsigned() { Signedness::Unsigned } else { Signedness::Signed })
    }

    /// The integers of weights, and the one that represents 0.
    pub fn weights(self, bits: Bits) -> (RangeInclusive<i32>, i32) {
        if self.is_unsigned() {
            (bits.range(Signedness::Unsigned), self.middle(bits))
        } else {
            self.symmetric_activations(bits, false)
        }
    }

    /// How far integers in `range` with these zero points must move to become operands that a table takes from
    /// `takes`: 0 where they are already, else half of what their bits hold. Without zero points they move to where
    /// those are 0.
    pub fn shift(self, range: &RangeInclusive<i32>, zero_points: &[i32], takes: &RangeInclusive<i32>) -> i32 {
        let half = half_of(range);
        let is_half = |zero_point: i32| zero_point.abs() == half;
        match (self.facts().index, zero_points) {
            (Index::Value(Signedness::Signed), _) if *range.start() >= 0 && range.end() > takes.end() => -half,
            (Index::Value(Signedness::Unsigned), _) if *range.start() < 0 => half,
            (Index::Magnitude, &[first, ref others @ ..])
                if is_half(first) && others.iter().all(|&other| other == first) =>
            {
                -first
            }
            _ => 0,
        }
    }

    /// Whether operands are never negative.
    fn is_unsigned(self) -> bool {
        self.facts().index == Index::Value(Signedness::Unsigned)
    }

    /// The operand that represents 0 where a range has as many integers below it as above.
    fn middle(self, bits: Bits) -> i32 {
        if self.is_unsigned() { 1 << (bits.get() - 1) } else { 0 }
    }
}

/// Half of the integers of the fewest bits that hold `range`: 8 of `[-8, 7]` and of `[0, 15]`.
fn half_of(range: &RangeInclusive<i32>) -> i32 {
    let (start, end) = (*range.start(), *range.end());
    if start < 0 {
        // As many integers below zero as from zero on.
        (end.max(!start) + 1).cast_unsigned().next_power_of_two().cast_signed()
    } else {
        ((end + 1).cast_unsigned().next_power_of_two() / 2).cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn terms_take_their_signs_and_ranges_from_the_coding() {
        let unsigned = Lut::from_fn("u", Signedness::Unsigned, |a, b| 3 * a + 7 * b + 1);
        let signed = Lut::from_fn("s", Signedness::Signed, |a, b| 3 * a + 7 * b + 1);
        let cases = [
            (Coding::SignMagnitude, &unsigned, (-5, -2), 30, -255..=255),
            (Coding::SignMagnitude, &unsigned, (-5, 2), -30, -255..=255),
            // The sign of 0 is plus.
            (Coding::SignMagnitude, &unsigned, (-5, 0), -16, -255..=255),
            (Coding::SignMagnitude, &unsigned, (0, 0), 1, -255..=255),
            (Coding::Signed, &signed, (-5, 2), 0, -128..=127),
            (Coding::Affine, &unsigned, (5, 2), 30, 0..=255),
        ];
        for_each_case(cases, |(coding, lut, bytes, term, range)| {
            let kind = if coding == Coding::Affine { Signedness::Unsigned } else { Signedness::Signed };
            let table = coding.effective_table(lut, kind, kind).unwrap();
            assert_eq!(table.term(bytes.0 as u8, bytes.1 as u8), term, "{coding} {bytes:?}");
            assert_eq!(coding.operand_range(lut, Operand::Activation), range);
        });
        assert!(Coding::Signed.check(&unsigned).is_err());
    }

    /// Worked by hand: half of what the bits hold, or nothing.
    #[test]
    fn integers_move_by_half_of_their_bits() {
        use Coding::{Affine, SignMagnitude, Signed};
        let (byte, nibble) = (-128..=127, -8..=7);
        let cases = [
            (Signed, 0..=255, 100, &byte, -128),
            (Signed, 0..=15, 8, &byte, 0),
            (Signed, 0..=15, 8, &nibble, -8),
            (Signed, -8..=7, 3, &nibble, 0),
            (Affine, -128..=127, 0, &(0..=255), 128),
            (Affine, -127..=127, 0, &(0..=255), 128),
            (Affine, -8..=7, 0, &(0..=15), 8),
            (Affine, -7..=7, 0, &(0..=255), 8),
            (Affine, 0..=255, 128, &(0..=255), 0),
            (SignMagnitude, 0..=255, 128, &(-255..=255), -128),
            (SignMagnitude, -128..=127, -128, &(-255..=255), 128),
            (SignMagnitude, -8..=7, -8, &(-15..=15), 8),
            (SignMagnitude, 0..=15, 8, &(-15..=15), -8),
            // Not where the zero point would be another than 0.
            (SignMagnitude, -128..=127, -127, &(-255..=255), 0),
            (SignMagnitude, -128..=127, -8, &(-255..=255), 0),
            (SignMagnitude, 0..=255, 0, &(-255..=255), 0),
        ];
        for_each_case(cases, |(coding, range, zero_point, takes, shift)| {
            assert_eq!(coding.shift(&range, &[zero_point; 2], takes), shift, "{coding} {range:?} {zero_point}");
        });
        assert_eq!(SignMagnitude.shift(&(0..=255), &[128, 0], &(-255..=255)), 0);
        assert_eq!(Coding::default_for_unsigned_integers(Signedness::Unsigned), Affine);
        assert_eq!(Coding::default_for_unsigned_integers(Signedness::Signed), Signed);
    }

    #[test]
    fn a_narrow_multiplier_has_terms_for_its_own_operands_only() {
        let bits = [Bits::try_from(4).unwrap(), Bits::try_from(3).unwrap()];
        let table = |product: fn(i32, i32) -> i32| {
            let lut = Lut::from_fn_sized("narrow", Signedness::Unsigned, bits, product);
            assert_eq!(Coding::SignMagnitude.operand_range(&lut, Operand::Weight), -7..=7);
            Coding::SignMagnitude.effective_table(&lut, Signedness::Signed, Signedness::Signed).unwrap()
        };
        let rough = table(|a, b| (a * b) & !3);
        assert_eq!((rough.term(-15i8 as u8, 7), rough.term(16, 1), rough.term(1, 8)), (-104, 0, 0));
        assert!(table(|a, b| a * b).is_exact());
    }
}
