//! CR: rows added without carry chains, and the errors of that added back from a column on.
//!
//! The rows of partial products, one for each bit of the first operand, are added in pairs, three times over, by adders
//! whose carries end in the next column. With `p = x xor y` and `g` the carries `x and y` one column up, such
//! an adder gives `p or g`; what it loses, `p and g`, is an error signal of the same column. The seven
//! error vectors are accumulated into one, of which the `n` highest of columns 14 to 0 are added to the sum exactly.
//!
//! `cr-6` is to the last product the table that Chen et al. (ApproxFlow) publish as CR(C.6).

use super::{Family, Parameter, UNSIGNED, gates};

const PAPER: &str = "C. Liu, J. Han, F. Lombardi: A low-power, high-performance approximate multiplier with configurable \
                     partial error recovery, DATE 2014";

const RECOVERED: &[Parameter] =
    &[Parameter { prefix: "", meaning: "columns of error recovery", least: 0, greatest: 13 }];

/// Error vectors are accumulated by or gates.
pub(super) static OR: Family = Family {
    name: "cr",
    summary: "approximate adders with error recovery by or gates (CR, AM1)",
    paper: PAPER,
    parameters: RECOVERED,
    admits: |_, _| true,
    gates: |values, _| {
        tree_gates(values[0], |errors| (errors.iter().fold(0, |all, error| all | error), or_gates(errors)))
    },
    signedness: UNSIGNED,
    product: |values, _, a, b| product(values[0], a, b, |x, y| x | y),
};

/// Error vectors are accumulated by the same approximate adders, in pairs and in the order in which they arise, those
/// adders' own errors being lost. The paper leaves open which of the vectors meet: this is the reading here.
pub(super) static ADD: Family = Family {
    name: "cr-am2",
    summary: "approximate adders with error recovery by approximate adders (CR, AM2)",
    paper: PAPER,
    parameters: RECOVERED,
    admits: |_, _| true,
    gates: |values, _| tree_gates(values[0], adder_gates),
    signedness: UNSIGNED,
    product: |values, _, a, b| product(values[0], a, b, |x, y| add(x, y).0),
};

/// The sum of an adder without carry chain, and its error signals.
fn add(x: i32, y: i32) -> (i32, i32) {
    let (propagated, carries) = (x ^ y, (x & y) << 1);
    (propagated | carries, propagated & carries)
}

/// The columns whose errors are recovered.
fn recovered(columns: u32) -> i32 {
    let below = 15 - columns;
    ((1 << 15) - 1) >> below << below
}

/// Combines `values` in pairs until one is left; what has no partner waits for the next round.
fn in_pairs(mut values: Vec<i32>, mut combine: impl FnMut(i32, i32) -> i32) -> i32 {
    while values.len() > 1 {
        values = values
            .chunks(2)
            .map(|pair| pair.iter().copied().reduce(&mut combine).expect("chunks are not empty"))
            .collect();
    }
    values[0]
}

fn product(columns: u32, a: i32, b: i32, accumulate: impl Fn(i32, i32) -> i32) -> i32 {
    let rows = (0..8).map(|row| if a >> row & 1 == 1 { b << row } else { 0 }).collect();
    let mut errors = Vec::with_capacity(7);
    let sum = in_pairs(rows, |x, y| {
        let (sum, error) = add(x, y);
        errors.push(error & recovered(columns));
        sum
    });
    sum + in_pairs(errors, accumulate)
}

/// The gates of the tree, of the error signals of `columns`, of what accumulates them, and of the final addition. Vectors
/// are the columns that can have a bit.
fn tree_gates(columns: u32, accumulate: impl Fn(&[i32]) -> (i32, u32)) -> u32 {
    let mut total = 64;
    let mut errors = Vec::new();
    in_pairs((0..8).map(|row| 0xff << row).collect(), |x, y| {
        let (sum, error) = wired(x, y, &mut total);
        let error = error & recovered(columns);
        total += error.count_ones();
        errors.push(error);
        sum
    });
    let (error, gates) = accumulate(&errors);
    // From the lowest recovered column to the highest an adder, then one column for its carry.
    let added = if error == 0 { 0 } else { gates::adder(15 - error.trailing_zeros()) + 3 };
    total + gates + added
}

/// The columns of sum and error signals of an approximate adder of the columns `x` and `y`, whose exclusive ors, ands and
/// ors are added to `total`.
fn wired(x: i32, y: i32, total: &mut u32) -> (i32, i32) {
    let (both, any) = (x & y, x | y);
    let carries = both << 1;
    *total += 2 * both.count_ones() + both.count_ones() + (any & carries).count_ones();
    (any | carries, any & carries)
}

/// The or gates that make one vector of all.
fn or_gates(errors: &[i32]) -> u32 {
    let signals: u32 = errors.iter().map(|error| error.count_ones()).sum();
    signals - errors.iter().fold(0, |all, error| all | error).count_ones()
}

fn adder_gates(errors: &[i32]) -> (i32, u32) {
    let mut total = 0;
    let all = in_pairs(errors.to_vec(), |x, y| wired(x, y, &mut total).0);
    (all, total)
}
