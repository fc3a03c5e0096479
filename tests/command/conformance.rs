//! Small cases of everything that quantized networks do, against an implementation in numpy that shares nothing with
//! this crate (`tests/conformance`).

use crate::common::python::{conformance, has_numpy};

#[test]
fn numpy_computes_the_same() {
    if has_numpy() {
        let (is_right, text) = conformance("run.py", assert_cmd::cargo::cargo_bin!("approx-eval"));
        assert!(is_right && text.contains(" 0 differences"), "{text}");
    }
}
