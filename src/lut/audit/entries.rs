//! A few products that alone keep a table from being one that is known.

use super::finding::{Finding, ProductError};
use crate::lut::catalogue;
use crate::lut::design::{Design, FAMILIES};
use crate::lut::{Bits, Lut};
use std::ops::ControlFlow;

/// A few products are at most one of so many.
const FEW: usize = 1024;

/// The finding, where `lut` is exact or a design but for a few products; nothing where it is one of these.
pub(super) fn finding(lut: &Lut) -> Option<Finding> {
    let products: Vec<(i32, i32, i32)> = lut.products().collect();
    let few = products.len() / FEW;
    if few == 0 {
        return None;
    }
    let mut nearest: Option<(Vec<ProductError>, String)> = None;
    let mut consider = |name: &dyn Fn() -> String, product: &dyn Fn(i32, i32) -> i32| {
        let most = nearest.as_ref().map_or(few, |(errors, _)| errors.len() - 1);
        match differences(&products, most, product) {
            Some(errors) if errors.is_empty() => ControlFlow::Break(()),
            Some(errors) => {
                nearest = Some((errors, name()));
                ControlFlow::Continue(())
            }
            None => ControlFlow::Continue(()),
        }
    };
    let mut known = consider(&|| "exact".to_owned(), &|a, b| a * b);
    if lut.bits() == [Bits::EIGHT; 2] {
        let designs = FAMILIES.iter().flat_map(|family| family.designs());
        for design in designs.filter(|design| design.signedness() == lut.signedness()) {
            let is_swapped = lut.provenance().swapped;
            let product = |a, b| if is_swapped { design.product(b, a) } else { design.product(a, b) };
            known = if known.is_break() { known } else { consider(&|| named(&design), &product) };
        }
    }
    if known.is_break() {
        return None;
    }
    let (mut errors, reference) = nearest?;
    let all = errors.len();
    errors.sort_by_key(|error| (error.first, error.second));
    errors.truncate(ProductError::LISTED);
    Some(Finding::FewEntriesDiffer { reference, products: all, entries: errors })
}

/// The products that are not what `product` gives, unless there are more than `most`. They are compared far apart, so that another
/// design is soon known to be one.
fn differences(
    products: &[(i32, i32, i32)],
    most: usize,
    product: &dyn Fn(i32, i32) -> i32,
) -> Option<Vec<ProductError>> {
    /// Odd, so that it meets each of a power of two of products once.
    const STEP: usize = 40_503;
    let mut errors = Vec::new();
    for i in 0..products.len() {
        let (first, second, found) = products[i * STEP % products.len()];
        let expected = product(first, second);
        if found != expected {
            if errors.len() == most {
                return None;
            }
            errors.push(ProductError { first, second, found, expected });
        }
    }
    Some(errors)
}

/// A design as findings name it, with the circuit that it is.
fn named(design: &Design) -> String {
    let circuit = catalogue::circuit_of(&design.to_string()).map(|circuit| format!(", {circuit}"));
    format!("design '{design}'{}", circuit.unwrap_or_default())
}
