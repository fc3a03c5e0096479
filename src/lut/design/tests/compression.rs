//! Designs that make one bit of several: without carry chains, and in clusters.

use super::*;
use std::ops::{Range, RangeInclusive};

/// The rows of partial products as columns of bits, lowest first: row `i` is the second operand where bit `i` of the first is 1.
fn rows(a: i32, b: i32) -> Vec<Vec<bool>> {
    let cell = |row: usize, column: usize| (row..row + 8).contains(&column) && bit(a, row) & bit(b, column - row) == 1;
    (0..8).map(|row| (0..16).map(|column| cell(row, column)).collect()).collect()
}

fn number(bits: &[bool]) -> i32 {
    bits.iter().rev().fold(0, |number, &bit| 2 * number + i32::from(bit))
}

/// Sum and error signals of the paper's adder, column by column from its truth table: the sum is 1 where one of
/// both bits is, or where both bits of the column below are; the error where both of these hold.
fn approximate_sum(x: &[bool], y: &[bool]) -> (Vec<bool>, Vec<bool>) {
    let cell = |column: usize| {
        let below = column > 0 && x[column - 1] && y[column - 1];
        match (x[column] != y[column], below) {
            (true, true) => (true, true),
            (true, false) | (false, true) => (true, false),
            (false, false) => (false, false),
        }
    };
    (0..16).map(cell).unzip()
}

fn recovered(a: i32, b: i32, columns: usize, accumulate: impl Fn(&[Vec<bool>]) -> Vec<bool>) -> i32 {
    let [r0, r1, r2, r3, r4, r5, r6, r7]: [Vec<bool>; 8] = rows(a, b).try_into().unwrap();
    let ((s0, e0), (s1, e1)) = (approximate_sum(&r0, &r1), approximate_sum(&r2, &r3));
    let ((s2, e2), (s3, e3)) = (approximate_sum(&r4, &r5), approximate_sum(&r6, &r7));
    let ((s4, e4), (s5, e5)) = (approximate_sum(&s0, &s1), approximate_sum(&s2, &s3));
    let (sum, e6) = approximate_sum(&s4, &s5);
    let mut errors = [e0, e1, e2, e3, e4, e5, e6];
    // Nothing is lost for good: the sum and all error signals are the exact product.
    assert_eq!(number(&sum) + errors.iter().map(|error| number(error)).sum::<i32>(), a * b);
    errors.iter_mut().for_each(|error| error[..15 - columns].fill(false));
    number(&sum) + number(&accumulate(&errors))
}

#[test]
fn cr_adds_back_what_its_adders_lose() {
    let any = |errors: &[Vec<bool>]| (0..16).map(|column| errors.iter().any(|error| error[column])).collect();
    check_family("cr", Signedness::Unsigned, |values, a, b| recovered(a, b, values[0], any));
    let added = |e: &[Vec<bool>]| {
        let sum = |x: &[bool], y: &[bool]| approximate_sum(x, y).0;
        sum(&sum(&sum(&e[0], &e[1]), &sum(&e[2], &e[3])), &sum(&sum(&e[4], &e[5]), &e[6]))
    };
    check_family("cr-am2", Signedness::Unsigned, |values, a, b| recovered(a, b, values[0], added));
}

#[test]
fn cr_by_hand() {
    // 3 * 3: rows 011 and 110 give 101 for 1001, and the error signal 100.
    let cases = [("cr-0", 5), ("cr-12", 5), ("cr-13", 9), ("cr-am2-13", 9)];
    for_each_case(cases, |(name, expected)| assert_eq!(lut(name).product(3, 3), expected));
    // 15 * 15: rows 15 and 30 give 29 and the error 16, rows 60 and 120 four times that; 29 and 116 give 105 and the
    // error 40. No two of the errors 16, 64 and 40 share a column.
    for_each_case([("cr-0", 105), ("cr-13", 225), ("cr-am2-13", 225), ("cr-10", 105 + 64 + 32)], |(name, expected)| {
        assert_eq!(lut(name).product(15, 15), expected);
    });
}

#[test]
fn more_recovery_is_no_worse() {
    for family in ["cr", "cr-am2"] {
        let errors: Vec<f64> = (0..=13).map(|columns| metrics(&format!("{family}-{columns}")).mae).collect();
        assert!(errors.is_sorted_by(|coarser, finer| coarser >= finer), "{family}: {errors:?}");
    }
}

/// The table that ApproxFlow publishes of CR with six columns.
#[test]
fn cr_is_the_published_table() {
    let Some(cases) = std::env::var_os("APPROX_EVAL_CASES").map(std::path::PathBuf::from) else { return };
    let path = cases.join("approxflow/CR_C6.npy");
    let published = crate::lut::open(path.to_str().unwrap(), &crate::lut::OpenOptions::default()).unwrap();
    assert!(published == lut("cr-6"));
}

/// The rows of a cluster, and the columns in which its bits become one.
type Cluster = (Range<usize>, RangeInclusive<usize>);

/// The columns in which each cluster's bits become one, by the rows of a cluster.
const CLUSTERS: [(usize, &[Cluster]); 3] = [
    (2, &[(0..2, 1..=7), (2..4, 3..=8), (4..6, 5..=9), (6..8, 7..=10)]),
    (3, &[(0..3, 1..=8), (3..6, 4..=10), (6..8, 7..=11)]),
    (4, &[(0..4, 1..=9), (4..8, 5..=12)]),
];

#[test]
fn sdlc_loses_all_but_one_bit_of_a_compressed_column() {
    for (depth, clusters) in CLUSTERS {
        check(&format!("sdlc-{depth}"), |a, b| {
            let rows = rows(a, b);
            let lost = clusters.iter().flat_map(|(members, columns)| {
                let ones = |column: usize| rows[members.clone()].iter().filter(|row| row[column]).count() as i32;
                columns.clone().map(move |column| (ones(column) - 1).max(0) << column).collect::<Vec<_>>()
            });
            a * b - lost.sum::<i32>()
        });
    }
}

#[test]
fn truncated_operands_are_multiplied_exactly() {
    for signedness in [Signedness::Unsigned, Signedness::Signed] {
        check_family("operand-truncation", signedness, |values, a, b| {
            let floor = |operand: i32, bits: usize| operand - operand.rem_euclid(1 << bits);
            floor(a, values[0]) * floor(b, values[1])
        });
    }
}

#[test]
fn gates_of_compressed_arrays() {
    let gates = |name: &str| name.parse::<Design>().unwrap().gates();
    assert_eq!(gates("operand-truncation-a7-b7"), 1);
    assert_eq!(gates("operand-truncation-a4-b4"), 16 + 8 * 7 + 4 * 3);
    // Seven adders of seven columns with two bits: an exclusive or, an and and an or each.
    assert_eq!(gates("cr-0"), 64 + 7 * 7 * 4);
    // With all of their error signals, in 13 columns, an adder of 13 bits and a half adder above it.
    assert_eq!(gates("cr-13"), gates("cr-0") + 49 + (49 - 13) + 13 * 7 + 3);
    assert_eq!(gates("sdlc-2"), 64 + 22 + (42 - 16) * 7 + 8 * 3);
    let cases = [
        ("cr-0", "cr-6"),
        ("cr-6", "cr-13"),
        ("cr-6", "cr-am2-6"),
        ("sdlc-4", "sdlc-3"),
        ("sdlc-3", "sdlc-2"),
        ("sdlc-2", "exact"),
        ("operand-truncation-a2-b2", "operand-truncation-a1-b1"),
    ];
    for_each_case(cases, |(coarser, finer)| {
        assert!(gates(coarser) < gates(finer), "{coarser} {} against {finer} {}", gates(coarser), gates(finer));
    });
}
