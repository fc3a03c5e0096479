//! Values of an operand whose products are far worse than all others', as those of -128 where its magnitude did not fit.

use super::finding::{Finding, operand_name};
use crate::lut::{Lut, Operand};

/// How many times the error of all other values that of a bad one is, at least.
const FAR: f64 = 8.0;
/// Of so many values one may be bad: in smaller tables a single row is a large part.
const VALUES: usize = 64;
/// The least error of a bad value in parts of its own mean absolute exact product: -128 may be as far off as 130 is from it.
const LEAST: f64 = 1.0 / 8.0;
/// The same in parts of the mean over all values, for those whose products are small.
const LEAST_OF_ALL: f64 = 1.0 / 256.0;

/// The mean absolute error of each value of the first operand over the second's.
pub(super) fn errors_by_value(lut: &Lut) -> Vec<(i32, f64)> {
    let [first, second] = Operand::ALL.map(|operand| lut.operand_range(operand));
    let others = f64::from(*second.end() - *second.start() + 1);
    let mae = |a: i32| second.clone().map(|b| f64::from(lut.product(a, b).abs_diff(a * b))).sum::<f64>() / others;
    first.map(|a| (a, mae(a))).collect()
}

/// The bad values of either operand.
pub(super) fn findings(lut: &Lut) -> Vec<Finding> {
    let exact = |operand: Operand| {
        let range = lut.operand_range(operand);
        let values = f64::from(*range.end() - *range.start() + 1);
        range.map(|value| f64::from(value.unsigned_abs())).sum::<f64>() / values
    };
    let [first, second] = Operand::ALL.map(exact);
    let finding = |operand: Operand| {
        let others = operand.select([second, first]);
        let is_large = |value: i32, mae: f64| {
            mae >= (LEAST * f64::from(value.unsigned_abs()) * others).max(LEAST_OF_ALL * first * second)
        };
        let mut errors = errors_by_value(&operand.select([lut.clone(), lut.transposed()]));
        errors.sort_by(|x, y| y.1.total_cmp(&x.1));
        let is_gap = |bad: &usize| {
            let (worst, next) = (&errors[..*bad], errors[*bad].1);
            worst.iter().all(|&(value, mae)| mae > FAR * next && is_large(value, mae))
        };
        let bad = (1..=errors.len() / VALUES).rev().find(is_gap)?;
        let (mae, others) = (errors[bad - 1].1, errors[bad].1);
        let mut values: Vec<i32> = errors[..bad].iter().map(|(value, _)| *value).collect();
        values.sort_unstable();
        Some(Finding::OperandFarWorse { operand: operand_name(operand), values, mae, others })
    };
    Operand::ALL.into_iter().filter_map(finding).collect()
}
