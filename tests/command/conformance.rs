//! Small cases of everything that quantized networks do, against an implementation in numpy that shares nothing with
//! this crate (`tests/conformance`).

use crate::common::python::{conformance, has_numpy};
use std::path::Path;

/// The program that is tested.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_approx-eval"))
}

#[test]
fn numpy_computes_the_same() {
    if has_numpy() {
        let (is_right, text) = conformance("run.py", program(), &[]);
        assert!(is_right && text.contains(" 0 differences"), "{text}");
    }
}

/// Operands in the wrong order are found in the first layer, in mode approx alone.
#[test]
fn numpy_sees_what_differs() {
    if has_numpy() {
        let options = ["--only", "rough-found-plain", "--swap-operands"];
        let (is_right, text) = conformance("run.py", program(), &options);
        assert!(!is_right && text.contains("approx: conv1/sums: "), "{text}");
        assert!(!text.contains("quant: "), "{text}");
    }
}
