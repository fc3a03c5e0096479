//! Values of an operand whose products are far worse than all others', as those of -128 where its magnitude did not fit.

use super::finding::{Finding, operand_name};
use crate::lut::{Lut, Operand};

/// How many times the error of all other values that of a bad one is, at least.
const FAR: f64 = 8.0;
/// Of so many values one may be bad: in smaller tables a single row is a large part.
const VALUES: usize = 64;
/// The least error of a bad value, in parts of the mean absolute exact product.
const LEAST: f64 = 1.0 / 256.0;

/// The mean absolute error of each value of the first operand over the second's.
pub(super) fn errors_by_value(lut: &Lut) -> Vec<(i32, f64)> {
    let [first, second] = Operand::ALL.map(|operand| lut.operand_range(operand));
    let others = f64::from(*second.end() - *second.start() + 1);
    let mae = |a: i32| second.clone().map(|b| f64::from(lut.product(a, b).abs_diff(a * b))).sum::<f64>() / others;
    first.map(|a| (a, mae(a))).collect()
}

/// The bad values of either operand.
pub(super) fn findings(lut: &Lut) -> Vec<Finding> {
    let entries = lut.products().count() as f64;
    let mean = lut.products().map(|(a, b, _)| f64::from((a * b).unsigned_abs())).sum::<f64>() / entries;
    let finding = |operand: Operand| {
        let mut errors = errors_by_value(&operand.select([lut.clone(), lut.transposed()]));
        errors.sort_by(|x, y| y.1.total_cmp(&x.1));
        let is_gap = |bad: &usize| errors[bad - 1].1 > FAR * errors[*bad].1 && errors[bad - 1].1 >= LEAST * mean;
        let bad = (1..=errors.len() / VALUES).rev().find(is_gap)?;
        let (mae, others) = (errors[bad - 1].1, errors[bad].1);
        let mut values: Vec<i32> = errors[..bad].iter().map(|(value, _)| *value).collect();
        values.sort_unstable();
        Some(Finding::OperandFarWorse { operand: operand_name(operand), values, mae, others })
    };
    Operand::ALL.into_iter().filter_map(finding).collect()
}
