//! Every design against a derivation written apart from it.

use super::*;
use crate::lut::ErrorMetrics;

fn lut(name: &str) -> Lut {
    resolve(name, None).unwrap_or_else(|error| panic!("{error}"))
}

/// Compares a design with `expected` over all pairs of operands.
fn check(name: &str, expected: impl Fn(i32, i32) -> i32) {
    for (a, b, product) in lut(name).products() {
        assert_eq!(product, expected(a, b), "{name}: {a} x {b}");
    }
}

fn bit(operand: i32, position: usize) -> i32 {
    operand >> position & 1
}

#[test]
fn exact_is_exact() {
    check("exact", |a, b| a * b);
    check("exact-signed", |a, b| a * b);
}

/// A carry-save array, cell by cell: `omitted(i, j)` cells have no partial product and no adder, and
/// the final row ripples.
fn carry_save_array(a: i32, b: i32, omitted: impl Fn(usize, usize) -> bool) -> i32 {
    let (mut sums, mut carries) = ([0; 17], [0; 17]);
    for i in 0..8 {
        let mut next = [0; 17];
        for j in 0..8 {
            let column = i + j;
            if omitted(i, j) {
                next[column] |= carries[column];
                continue;
            }
            let inputs = [bit(a, j) & bit(b, i), sums[column], carries[column]];
            let ones: i32 = inputs.iter().sum();
            sums[column] = ones & 1;
            next[column + 1] |= ones >> 1;
        }
        carries = next;
    }
    let number = |bits: &[i32]| bits.iter().rev().fold(0, |number, bit| number << 1 | bit);
    number(&sums) + number(&carries)
}

#[test]
fn broken_array_is_a_carry_save_array_without_the_omitted_cells() {
    for (h, v) in [(0, 0), (0, 8), (2, 6), (3, 0), (4, 11), (7, 14)] {
        check(&format!("broken-array-h{h}-v{v}"), |a, b| carry_save_array(a, b, |i, j| i < h || i + j < v));
    }
}

#[test]
fn truncation_loses_the_low_columns() {
    for columns in [1, 4, 8, 14] {
        check(&format!("truncated-{columns}"), |a, b| {
            let cells = (0..8).flat_map(|i| (0..8).map(move |j| (i, j)));
            let lost: i32 =
                cells.filter(|(i, j)| i + j < columns).map(|(i, j)| (bit(a, j) & bit(b, i)) << (i + j)).sum();
            a * b - lost
        });
    }
}

#[test]
fn the_mean_error_of_truncation_is_a_quarter_of_the_lost_weights() {
    // Each partial product is 1 for a quarter of the pairs; column c < 8 has c + 1 of them.
    for columns in 1..=8u32 {
        let lost: u32 = (0..columns).map(|c| (c + 1) << c).sum();
        let metrics = ErrorMetrics::of(&lut(&format!("truncated-{columns}")));
        assert!((metrics.bias + f64::from(lost) / 4.0).abs() < 1e-9);
        assert_eq!(metrics.wce, lost);
    }
}

#[test]
fn drum_keeps_the_leading_digits() {
    let segment = |kept: usize, operand: i32| {
        let digits = format!("{operand:b}");
        if digits.len() <= kept {
            return operand;
        }
        let segment = digits[..kept - 1].to_owned() + "1" + &"0".repeat(digits.len() - kept);
        i32::from_str_radix(&segment, 2).unwrap()
    };
    for kept in 3..=7 {
        check(&format!("drum-{kept}"), |a, b| segment(kept, a) * segment(kept, b));
        check(&format!("drum-{kept}-signed"), |a, b| {
            a.signum() * b.signum() * segment(kept, a.abs()) * segment(kept, b.abs())
        });
    }
}

#[test]
fn mitchell_adds_piecewise_linear_logarithms() {
    // All quantities are dyadic and short, so that f64 is exact.
    let log = |x: i32| f64::from(x.ilog2()) + f64::from(x) / f64::from(x.ilog2()).exp2() - 1.0;
    let antilog = |l: f64| l.floor().exp2() * (1.0 + l - l.floor());
    check("mitchell", |a, b| if a * b == 0 { 0 } else { antilog(log(a) + log(b)) as i32 });
}

#[test]
fn mitchell_errs_downwards_by_a_ninth_at_most() {
    // The relative error is largest at x = y = 1/2: 1 - 2 / (3/2)^2 = 1/9.
    let metrics = ErrorMetrics::of(&lut("mitchell"));
    assert!((metrics.wcre - 1.0 / 9.0).abs() < 1e-12);
    assert!((metrics.bias + metrics.mae).abs() < 1e-9);
}

#[test]
fn udm_loses_two_for_each_pair_of_digits_three() {
    check("udm", |a, b| {
        let threes = |operand: i32| {
            (0..4).filter(|digit| operand >> (2 * digit) & 3 == 3).map(|digit| 1 << (2 * digit)).sum::<i32>()
        };
        a * b - 2 * threes(a) * threes(b)
    });
}

#[test]
fn names_round_trip_and_are_unique() {
    let mut names = std::collections::HashSet::new();
    for design in FAMILIES.iter().flat_map(|family| family.designs()) {
        let name = design.to_string();
        let parsed: Design = name.parse().unwrap();
        assert_eq!((parsed.values(), parsed.signedness()), (design.values(), design.signedness()));
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
        assert!(names.insert(name));
    }
}

#[test]
fn exact_takes_the_sign_of_its_use() {
    for (name, wanted, expected) in [
        ("exact", None, "exact"),
        ("exact", Some(Signedness::Signed), "exact-signed"),
        ("exact", Some(Signedness::Unsigned), "exact"),
        ("exact-signed", Some(Signedness::Unsigned), "exact-signed"),
        ("mitchell", Some(Signedness::Signed), "mitchell"),
    ] {
        assert_eq!(resolve(name, wanted).unwrap().name(), expected);
    }
}

#[test]
fn unknown_names_are_answered_with_near_ones() {
    let message = |name: &str| name.parse::<Design>().unwrap_err().to_string();
    assert!(message("drumm-4").contains("drum-4"));
    assert!(message("mitchel").contains("mitchell"));
    assert!(message("drum-99").contains("drum-<3..7>"));
    assert!(message("zzz").contains("broken-array-h<0..7>-v<0..14>"));
}
