//! What texts select.

use super::*;
use crate::cases::for_each_case;
use crate::printable::with_causes;
use std::fs;

/// As bash expands them, but for what bash leaves as it is.
#[test]
fn braces_are_those_of_shells() {
    let cases: [(&str, &[&str]); 11] = [
        ("drum-6", &["drum-6"]),
        ("drum-{3..5}", &["drum-3", "drum-4", "drum-5"]),
        ("t-{5..3}", &["t-5", "t-4", "t-3"]),
        ("t-{0..8..4}x", &["t-0x", "t-4x", "t-8x"]),
        ("t-{8..1..3}", &["t-8", "t-5", "t-2"]),
        ("t{-1..1}", &["t-1", "t0", "t1"]),
        ("{a,b}{1,2}", &["a1", "a2", "b1", "b2"]),
        ("a{b,}c", &["abc", "ac"]),
        ("{a,b{1..2}c,d}", &["a", "b1c", "b2c", "d"]),
        ("h{0..1}-v{6..7}", &["h0-v6", "h0-v7", "h1-v6", "h1-v7"]),
        ("{7..7}", &["7"]),
    ];
    for_each_case(cases, |(text, expected)| assert_eq!(select(text).unwrap(), expected));
    for text in ["{", "a}", "{a", "{}", "{a}", "{1..}", "{1..2..0}", "{a..c}", "{1..2..3..4}", "{1..99999}", "{{1}}"] {
        let error = select(text).unwrap_err();
        assert!(with_causes(&error).contains(text) && with_causes(&error).contains('{'), "{error}");
    }
    let bomb = "{1..100}".repeat(8);
    assert!(with_causes(&select(&bomb).unwrap_err()).contains("more than"));
}

#[test]
fn lists_are_those_that_lut_list_has() {
    assert_eq!(select("shipped").unwrap().len(), SHIPPED.iter().count());
    let designs = select("designs").unwrap();
    assert!(designs.len() > 100 && designs.contains(&"drum-4-signed".to_owned()));
    let made = select("catalogue").unwrap();
    assert!(made.contains(&"mul8s_1L2H".to_owned()) && made.contains(&"mul8u_1JFF".to_owned()), "{made:?}");
    assert_eq!(select("catalogue:8u").unwrap(), ["mul8u_1JFF"]);
    assert!(select("catalogue:1KV*").unwrap().iter().all(|name| name.starts_with("mul8s_1KV")));
    assert!(with_causes(&select("catalogue:nothing").unwrap_err()).contains("catalogue:nothing"));
    assert_eq!(select("nothing").unwrap(), ["nothing"], "opening it says what is wrong");
}

#[test]
fn globs_are_over_files_first() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a/mul_2.bin", "a/mul_10.bin", "a/mul_2.json", "b/mul_3.npy", ".mul_4.bin", "mul_5.bin"] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let root = folder.path().display().to_string();
    let selected = |text: &str| {
        let found = select(&format!("{root}/{text}"));
        found.map(|found| found.iter().map(|path| path[root.len() + 1..].to_owned()).collect::<Vec<_>>())
    };
    let cases: [(&str, &[&str]); 9] = [
        ("a", &["a/mul_10.bin", "a/mul_2.bin"]),
        ("b/", &["b/mul_3.npy"]),
        ("a/mul_*.bin", &["a/mul_10.bin", "a/mul_2.bin"]),
        ("a/*", &["a/mul_10.bin", "a/mul_2.bin"]),
        ("a/*.json", &["a/mul_2.json"]),
        ("*/mul_[23].*", &["a/mul_2.bin", "b/mul_3.npy"]),
        ("{b,a}/mul_?.*", &["b/mul_3.npy", "a/mul_2.bin"]),
        ("*.bin", &["mul_5.bin"]),
        ("mul_5.bin", &["mul_5.bin"]),
    ];
    for_each_case(cases, |(text, expected)| assert_eq!(selected(text).unwrap(), expected));
    for text in ["c/*.bin", "*.txt", "a/[", "*/x"] {
        assert!(with_causes(&selected(text).unwrap_err()).contains(text), "{text}");
    }
    assert_eq!(select("drum-[34]").unwrap(), ["drum-3", "drum-4"]);
    assert!(select("drum-*-signed").unwrap().contains(&"drum-4-signed".to_owned()));
    let error = with_causes(&select("dram-*").unwrap_err());
    assert!(error.contains("'dram-*'") && error.contains("did you mean 'drum-"), "{error}");
}
