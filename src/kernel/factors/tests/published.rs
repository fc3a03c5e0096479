//! Multipliers of the literature, with the products of bytes that their tables are known to take.

use super::*;
use crate::cases::for_each_case;
use crate::lut::{Coding, Lut, OpenOptions, open};
use std::path::PathBuf;

/// Where the operands of a layer come from.
#[derive(Debug, Clone, Copy)]
enum Operands {
    /// Signed ones.
    Signed,
    /// Magnitudes of signed activations.
    Magnitudes,
    /// Magnitudes of activations that are never negative.
    Positive,
    /// With zero points.
    Affine,
}

impl Operands {
    /// The table, and the bytes of weights and of activations that quantizers make.
    fn of(self, lut: &Lut) -> (EffectiveTable, Vec<u8>, Vec<u8>) {
        let (coding, [activation, weight]) = match self {
            Operands::Signed => (Coding::Signed, [Signedness::Signed; 2]),
            Operands::Magnitudes => (Coding::SignMagnitude, [Signedness::Signed; 2]),
            Operands::Positive => (Coding::SignMagnitude, [Signedness::Unsigned, Signedness::Signed]),
            Operands::Affine => (Coding::Affine, [Signedness::Unsigned; 2]),
        };
        let (weights, activations) = match self {
            Operands::Signed => (-127..=127, -128..=127),
            Operands::Magnitudes => (-127..=127, -127..=127),
            Operands::Positive => (-127..=127, 0..=255),
            Operands::Affine => (1..=255, 0..=255),
        };
        let table = coding.effective_table(lut, activation, weight).unwrap();
        (table, bytes_of(weights), bytes_of(activations))
    }
}

fn check(name: &str, operands: Operands, products: [Option<usize>; 2]) {
    let (table, weights, activations) = operands.of(&open(name, &OpenOptions::default()).unwrap());
    assert_eq!(counts(&table, &weights, &activations), products);
}

#[test]
fn signed_circuits() {
    let cases = [
        ("mul8s_1KR3", 1),
        ("mul8s_1KR8", 1),
        ("mul8s_1KTY", 1),
        ("mul8s_1KV8", 1),
        ("mul8s_1L1G", 1),
        ("mul8s_1L2D", 1),
        ("mul8s_1L2H", 1),
        ("mul8s_1KR6", 3),
        ("mul8s_1KVA", 3),
        ("mul8s_1KRC", 4),
        ("mul8s_1KVB", 4),
        ("mul8s_1KVL", 4),
        ("mul8s_1KX2", 5),
    ];
    for_each_case(cases, |(name, products)| check(name, Operands::Signed, [Some(products); 2]));
}

#[test]
fn designs() {
    use Operands::{Affine, Magnitudes, Positive, Signed};
    let cases = [
        ("exact", Positive, 1, 1),
        ("drum-3", Positive, 1, 1),
        ("drum-4", Magnitudes, 1, 1),
        ("drum-6", Positive, 1, 1),
        ("essm", Positive, 1, 1),
        ("perforated-j0-k2", Positive, 1, 1),
        ("operand-truncation-a6-b0-signed", Signed, 1, 1),
        ("udm", Positive, 2, 2),
        ("roba", Positive, 2, 2),
        ("truncated-4", Positive, 5, 5),
        ("truncated-8", Positive, 6, 6),
        ("truncated-8", Magnitudes, 5, 5),
        ("broken-array-h0-v6", Positive, 7, 7),
        ("broken-array-h3-v8", Positive, 4, 4),
        ("r4abm1-8", Signed, 5, 5),
        // One more product of bytes than of words, for weights above 127; none where that needs a scale only.
        ("drum-4", Affine, 2, 1),
        ("perforated-j0-k2", Affine, 1, 1),
        ("roba", Affine, 3, 2),
    ];
    for_each_case(cases, |(name, operands, bytes, words)| check(name, operands, [Some(bytes), Some(words)]));
}

#[test]
fn tables_that_are_no_short_sums() {
    let designs = ["mitchell", "mbm", "etm", "dadda-momeni-7", "dadda-yang-10", "recursive-loa-6"];
    for_each_case(designs, |name| check(name, Operands::Positive, [None; 2]));
}

/// The tables that tf-approximate ships.
#[test]
fn unsigned_circuits() {
    let Some(cases) = std::env::var_os("APPROX_EVAL_CASES").map(PathBuf::from) else { return };
    let found = [
        ("mul8u_1JFF", 1),
        ("mul8u_1446", 2),
        ("mul8u_Y48", 2),
        ("mul8u_JQQ", 4),
        ("mul8u_125K", 5),
        ("mul8u_18DU", 5),
        ("mul8u_GS2", 8),
    ];
    let path = |name: &str| cases.join("luts").join(name).with_extension("bin").to_str().unwrap().to_owned();
    for_each_case(found, |(name, products)| {
        let (table, weights, activations) = Operands::Positive.of(&open(&path(name), &OpenOptions::default()).unwrap());
        let [bytes, words] = counts(&table, &weights, &activations);
        assert_eq!(bytes, Some(products));
        assert!(words.is_some_and(|words| words <= products));
    });
    for_each_case(["mul8u_17KS", "mul8u_2AC", "mul8u_2HH", "mul8u_DM1", "mul8u_L40"], |name| {
        check(&path(name), Operands::Positive, [None; 2]);
    });
}
