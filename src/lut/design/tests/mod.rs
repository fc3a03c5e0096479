//! Every design against a derivation written apart from it.

use super::*;
use crate::cases::for_each_case;
use rayon::prelude::*;

mod arrays;
mod compression;
mod logarithms;
mod segments;
mod trees;

fn lut(name: &str) -> Lut {
    resolve(name, None).unwrap_or_else(|error| panic!("{error}"))
}

/// Compares a design with `expected` over all pairs of operands.
fn check(name: &str, expected: impl Fn(i32, i32) -> i32) {
    for (a, b, product) in lut(name).products() {
        assert_eq!(product, expected(a, b), "{name}: {a} x {b}");
    }
}

/// Compares every member of a family, for operands of `signedness`, with what `expected` gives under its
/// parameters.
fn check_family(name: &str, signedness: Signedness, expected: impl Fn(&[usize], i32, i32) -> i32 + Sync) {
    let family = FAMILIES.find(name).unwrap_or_else(|error| panic!("{error}"));
    let members: Vec<Design> = family.designs().filter(|design| design.signedness() == signedness).collect();
    assert!(!members.is_empty(), "{name} is not defined for these operands");
    members.par_iter().for_each(|design| {
        let values: Vec<usize> = design.values().iter().map(|&value| value as usize).collect();
        for (a, b, product) in design.lut().products() {
            assert_eq!(product, expected(&values, a, b), "{design}: {a} x {b}");
        }
    });
}

fn metrics(name: &str) -> ErrorMetrics {
    ErrorMetrics::compute(&lut(name))
}

fn bit(operand: i32, position: usize) -> i32 {
    operand >> position & 1
}

#[test]
fn exact_is_exact() {
    check("exact", |a, b| a * b);
    check("exact-signed", |a, b| a * b);
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
    let cases = [
        ("exact", None, "exact"),
        ("exact", Some(Signedness::Signed), "exact-signed"),
        ("exact", Some(Signedness::Unsigned), "exact"),
        ("exact-signed", Some(Signedness::Unsigned), "exact-signed"),
        ("mitchell", Some(Signedness::Signed), "mitchell"),
    ];
    for_each_case(cases, |(name, wanted, expected)| {
        assert_eq!(resolve(name, wanted).unwrap().name(), expected);
    });
}

#[test]
fn unknown_names_are_answered_with_near_ones() {
    let message = |name: &str| name.parse::<Design>().unwrap_err().to_string();
    assert!(message("drumm-4").contains("drum-4"));
    assert!(message("mitchel").contains("mitchell"));
    assert!(message("drum-99").contains("drum-<3..7>"));
    assert!(message("broken-array").contains("broken-array-h<0..7>-v<0..14>"));
    assert!(message("zzz").contains("mitchell"));
}

#[test]
fn unit_gates_count_circuits() {
    let gates = |name: &str| name.parse::<Design>().unwrap().gates();
    // 64 ands, 48 full adders and 8 half adders.
    assert_eq!(gates("exact"), 64 + 48 * 7 + 8 * 3);
    // Nothing left out is the whole array; the last column alone is one and gate.
    assert_eq!(gates("broken-array-h0-v0"), gates("exact"));
    assert_eq!(gates("broken-array-h7-v14"), 1);
    // The array of two halves, 15 gates that scan and choose, and 16 multiplexers.
    assert_eq!(gates("etm"), (16 + 8 * 7 + 4 * 3) + 15 + 16 * 3);
    // Leading ones and their fractions of 7 bits, the array of fractions of 4, two adders and the shifter of the product.
    assert_eq!(gates("tosam-h3-t7"), 2 * (3 * 8 + 3 * 7 * 3) + (16 + 8 * 7 + 4 * 3) + 2 * 7 * 7 + 3 * 16 * 4);
    let cases = [
        ("truncated-8", "truncated-4"),
        ("truncated-8", "truncated-corrected-8"),
        ("perforated-j0-k4", "perforated-j0-k2"),
        ("dadda-akbari-7", "dadda-momeni-7"),
        ("dadda-momeni-15", "dadda-momeni-7"),
        ("alm-soa-5", "alm-soa-2"),
        ("alm-maa-6", "mitchell"),
        ("drum-3", "drum-5"),
        ("ssm-4", "ssm-6"),
        ("r4abm2-8", "r4abm1-8"),
        ("tosam-h0-t2", "tosam-h3-t7"),
        ("drum-4", "drum-4-signed"),
    ];
    for_each_case(cases, |(coarser, finer)| {
        assert!(gates(coarser) < gates(finer), "{coarser} {} against {finer} {}", gates(coarser), gates(finer));
    });
}
