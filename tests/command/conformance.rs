//! Small cases of everything that quantized networks do, against an implementation in numpy that shares nothing with
//! this crate (`tests/conformance`).

use crate::common::python::{conformance, has_numpy};
use assert_cmd::cargo::cargo_bin;

#[test]
fn numpy_computes_the_same() {
    if has_numpy() {
        let (is_right, text) = conformance("run.py", cargo_bin!("approx-eval"), &[]);
        assert!(is_right && text.contains(" 0 differences"), "{text}");
    }
}

/// Operands in the wrong order are found in the first layer, in mode approx alone.
#[test]
fn numpy_sees_what_differs() {
    if has_numpy() {
        let options = ["--only", "rough-found-plain", "--swap-operands"];
        let (is_right, text) = conformance("run.py", cargo_bin!("approx-eval"), &options);
        assert!(!is_right && text.contains("approx: conv1/sums: "), "{text}");
        assert!(!text.contains("quant: "), "{text}");
    }
}
