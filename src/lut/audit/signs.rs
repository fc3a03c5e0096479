//! Products of the wrong sign.

use super::finding::{Finding, ProductError};
use crate::lut::{Lut, Quadrant};

/// A product of the wrong sign is a finding where its error is over so many times the largest of products of the right
/// sign: approximate designs round small products over zero, and are no further off there than elsewhere.
const FAR: u32 = 2;

/// Quadrants that have lost their signs, and products of the wrong sign in the others.
pub(super) fn findings(lut: &Lut, quadrants: &[Quadrant]) -> Vec<Finding> {
    let lost: Vec<&Quadrant> = quadrants.iter().filter(|quadrant| quadrant.has_lost_signs()).collect();
    let finding = |quadrant: &&Quadrant| Finding::SignsLost { signs: quadrant.signs, products: quadrant.wrong_signs };
    let mut findings: Vec<Finding> = lost.iter().map(finding).collect();
    let is_lost = |a: i32, b: i32| {
        let signs = [a, b].map(|operand| if operand > 0 { '+' } else { '-' });
        a != 0 && b != 0 && lost.iter().any(|quadrant| quadrant.signs == signs)
    };
    let others = lut.products().filter(|&(a, b, _)| !quadrants.is_empty() && !is_lost(a, b));
    let error = |(a, b, product): (i32, i32, i32)| {
        let is_wrong = product.signum() == -(a * b).signum() && product != 0;
        (is_wrong, ProductError { first: a, second: b, found: product, expected: a * b })
    };
    let (wrong, right): (Vec<_>, Vec<_>) = others.map(error).partition(|(is_wrong, _)| *is_wrong);
    let distance = |error: &ProductError| error.found.abs_diff(error.expected);
    let worst = right.iter().map(|(_, error)| distance(error)).max().unwrap_or(0);
    let far = wrong.iter().map(|(_, error)| *error).filter(|error| distance(error) > FAR * worst);
    let examples: Vec<ProductError> = far.take(ProductError::LISTED).collect();
    if !examples.is_empty() {
        findings.push(Finding::WrongSigns { products: wrong.len(), examples });
    }
    findings
}
