//! Signed multipliers by the signs of their operands.
//!
//! A table converted without its minus signs is right for positive operands and wrong for half of the
//! others; measured over all pairs it only looks like a bad multiplier.

use super::Lut;
use crate::kernel::Signedness;
use serde::Serialize;

/// The products of operands of given signs, 0 counting as neither.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quadrant {
    /// The signs of the first and second operand.
    pub signs: [char; 2],
    /// How many pairs there are.
    pub pairs: u32,
    /// Mean absolute error.
    pub mae: f64,
    /// Mean error.
    pub bias: f64,
    /// Pairs whose product is not 0 and has the wrong sign.
    pub wrong_signs: u32,
    /// How the products are made from those of the operands' absolute values.
    pub relation: Relation,
}

/// How a quadrant's products compare with the positive one's, as far as that reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// They are the positive ones with the sign that the operands give.
    Signed,
    /// They are the positive ones without that sign.
    Mirrored,
    /// They are others.
    Different,
}

impl Quadrant {
    /// The four quadrants of a signed multiplier; none of an unsigned one.
    pub fn all(lut: &Lut) -> Vec<Quadrant> {
        match lut.signedness() {
            Signedness::Unsigned => Vec::new(),
            Signedness::Signed => [[1, 1], [1, -1], [-1, 1], [-1, -1]].map(|signs| quadrant(lut, signs)).to_vec(),
        }
    }

    /// Whether the quadrant's products have the wrong sign as a rule.
    ///
    /// Approximate designs may round a small product over zero; most of a quadrant they do not turn.
    pub fn has_lost_signs(&self) -> bool {
        self.relation == Relation::Mirrored && self.wrong_signs > 0 || self.wrong_signs > self.pairs / 2
    }
}

fn quadrant(lut: &Lut, signs: [i32; 2]) -> Quadrant {
    let (mut pairs, mut absolute, mut signed, mut wrong_signs) = (0u32, 0u64, 0i64, 0u32);
    let (mut as_signed, mut mirrored) = (true, true);
    for (a, b, product) in lut.products().filter(|(a, b, _)| [a.signum(), b.signum()] == signs) {
        let error = i64::from(product) - i64::from(a * b);
        pairs += 1;
        absolute += error.unsigned_abs();
        signed += error;
        wrong_signs += u32::from(product.signum() == -(a * b).signum());
        if let Some(positive) = lut.get(a.abs(), b.abs()) {
            as_signed &= product == positive * signs[0] * signs[1];
            mirrored &= product == positive;
        }
    }
    let relation = match (as_signed, mirrored) {
        (true, _) => Relation::Signed,
        (false, true) => Relation::Mirrored,
        (false, false) => Relation::Different,
    };
    #[expect(clippy::cast_precision_loss, reason = "sums of at most 2^14 numbers below 2^33 are below 2^53")]
    let (mae, bias) = (absolute as f64 / f64::from(pairs), signed as f64 / f64::from(pairs));
    let signs = signs.map(|sign| if sign > 0 { '+' } else { '-' });
    Quadrant { signs, pairs, mae, bias, wrong_signs, relation }
}
