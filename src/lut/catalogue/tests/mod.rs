use super::*;
use crate::cases::for_each_case;
use crate::kernel::Signedness;
use crate::lut::design::{Design, FAMILIES, resolve};
use crate::lut::{Bits, ErrorMetrics, Lut, LutFormat, OpenOptions, PartialReading, StatedMetric, open};
use rayon::prelude::*;
use std::path::PathBuf;

mod names;

/// The names of a circuit, the older one first, and its product.
type ClosedForm = (&'static str, &'static str, fn(i32, i32) -> i32);

/// The signed circuits that have closed forms, by the older of their names and the other; `>>` is arithmetic.
const CLOSED_FORMS: [ClosedForm; 7] = [
    ("mul8s_1KV8", "mul8s_1KV6", |a, b| a * b),
    ("mul8s_1KR8", "mul8s_1KVM", |a, b| 2 * (a >> 1) * b),
    ("mul8s_1KTY", "mul8s_1KXF", |a, b| 8 * (a >> 3) * b),
    ("mul8s_1KR3", "mul8s_1L12", |a, b| 64 * (a >> 6) * b),
    ("mul8s_1L2H", "mul8s_1L2J", |a, b| 4 * (a >> 1) * (b >> 1)),
    ("mul8s_1L2D", "mul8s_1L2L", |a, b| 16 * (a >> 2) * (b >> 2)),
    ("mul8s_1L1G", "mul8s_1L2N", |a, b| 64 * (a >> 3) * (b >> 3)),
];

fn signed(name: &str, product: impl FnMut(i32, i32) -> i32) -> Lut {
    Lut::from_fn(name, Signedness::Signed, product)
}

fn names(found: &[&Entry]) -> Vec<(String, Release)> {
    found.iter().map(|entry| (entry.name.clone(), entry.release)).collect()
}

fn both(older: &str, newer: &str) -> Vec<(String, Release)> {
    vec![(older.to_owned(), Release::Master), (newer.to_owned(), Release::V2022)]
}

fn noted(lut: &Lut) -> Vec<String> {
    notes(lut, &ErrorMetrics::compute(lut), Recognized::find(lut).as_ref())
}

/// The circuits that `lut` is with its operands exchanged alone.
fn recognize_exchanged(lut: &Lut) -> Vec<&'static Entry> {
    let (found, is_exchanged) = recognize_either(lut);
    if is_exchanged { found } else { Vec::new() }
}

#[test]
fn closed_forms_are_recognized_whatever_they_are_called() {
    for_each_case(CLOSED_FORMS, |(older, newer, product)| {
        let lut = signed("somebody-s", product);
        assert_eq!(names(&recognize(&lut)), both(older, newer));
        let flipped = signed("somebody-s", |a, b| product(a, b) ^ i32::from((a, b) == (17, -90)));
        assert!(recognize(&flipped).is_empty() && recognize_exchanged(&flipped).is_empty(), "{older}");
    });
    let exact = Lut::from_fn("e", Signedness::Unsigned, |a, b| a * b);
    assert_eq!(names(&recognize(&exact)), both("mul8u_1JFF", "mul8u_1JJQ"));
}

/// In every format, order of rows and columns and width of entries that holds them.
#[test]
fn what_a_file_is_like_does_not_matter() {
    let directory = tempfile::tempdir().unwrap();
    let layouts = [
        "bin",
        "bin-i16",
        "bin-i32",
        "bin-i64",
        "bin-i16-twos-complement",
        "bin-i32-twos-complement",
        "npy",
        "npy-i16",
        "npy-i64-twos-complement",
        "csv",
        "csv-twos-complement",
        "text",
        "memh",
        "c",
        "c-twos-complement",
        "safetensors",
    ];
    let cases: Vec<_> = CLOSED_FORMS.into_iter().flat_map(|form| layouts.map(|layout| (form, layout))).collect();
    cases.par_iter().for_each(|((older, newer, product), layout)| {
        let path = directory.path().join(format!("{older}-{layout}.table"));
        let layout: LutFormat = layout.parse().unwrap();
        signed("nameless", product).write(&path, &layout).unwrap();
        // A hexadecimal text does not say its words' meaning by its contents alone.
        let options = OpenOptions {
            format: Some(LutFormat { stated: PartialReading::default(), ..layout }),
            ..OpenOptions::default()
        };
        let read = open(path.to_str().unwrap(), &options).unwrap();
        assert_eq!(names(&recognize(&read)), both(older, newer), "{layout}");
    });
}

#[test]
fn exchanged_operands_are_another_table_of_the_same_circuit() {
    let exchanged = signed("t", |a, b| 2 * a * (b >> 1));
    assert!(recognize(&exchanged).is_empty());
    assert_eq!(names(&recognize_exchanged(&exchanged)), both("mul8s_1KR8", "mul8s_1KVM"));
    let found = Recognized::find(&exchanged).unwrap();
    assert_eq!(
        found.to_string(),
        "EvoApproxLib mul8s_1KR8, release master; mul8s_1KVM, release v2022; operands exchanged"
    );
    assert!(noted(&exchanged)[0].contains("mul8s_1KR8 with operands exchanged"));
    // A symmetric table is the circuit's either way, and nothing is said.
    let symmetric = signed("t", |a, b| 4 * (a >> 1) * (b >> 1));
    assert!(recognize_exchanged(&symmetric).is_empty() && noted(&symmetric).is_empty());
}

/// Tables of the same bytes over other operands are not the same table.
#[test]
fn operands_count() {
    let narrow = Lut::from_fn_sized("n", Signedness::Unsigned, [Bits::EIGHT, Bits::try_from(4).unwrap()], |a, b| a * b);
    assert!(recognize(&narrow).iter().all(|entry| entry.bits == [8, 4] && entry.wce == 0));
    assert!(!recognize(&narrow).is_empty());
    let exact = Lut::from_fn_sized("n", Signedness::Unsigned, [Bits::try_from(4).unwrap(), Bits::EIGHT], |a, b| a * b);
    assert!(recognize(&exact).is_empty() && !recognize_exchanged(&exact).is_empty());
    let seven = Lut::from_fn_sized("n", Signedness::Unsigned, [Bits::try_from(7).unwrap(); 2], |a, b| a * b);
    assert!(recognize(&seven).iter().all(|entry| entry.name.starts_with("mul7u_")) && !recognize(&seven).is_empty());
}

#[test]
fn the_file_is_whole() {
    assert_eq!(entries().len(), 673);
    let tables = entries().iter().filter(|entry| entry.table_hash.is_some()).count();
    assert_eq!(tables, 489);
    for entry in entries() {
        let has_table = entry.bits.iter().all(|&bits| bits <= 8);
        assert_eq!(entry.table_hash.is_some(), has_table, "{}", entry.name);
        let kind = if entry.signed() { 's' } else { 'u' };
        let [a, b] = entry.bits;
        let operands = if a == b { format!("mul{a}{kind}_") } else { format!("mul{a}x{b}{kind}_") };
        assert!(entry.name.starts_with(&operands), "{}", entry.name);
    }
    let exact = by_name("mul8u_17KS")[0].exact().unwrap();
    assert_eq!((exact.name.as_str(), exact.power_mw), ("mul8u_1JFF", 0.391));
    assert_eq!(by_name("mul8s_1L2J")[0].exact().unwrap().name, "mul8s_1KV6");
}

/// Every design of every family against the library: the list of what is made misses none and has none too many.
#[test]
fn the_designs_that_are_circuits_are_listed() {
    let designs: Vec<Design> = FAMILIES.iter().flat_map(|family| family.designs()).collect();
    let found = designs.par_iter().map(|design| (design.to_string(), recognize(&design.lut())));
    let found: Vec<_> = found.filter(|(_, found)| !found.is_empty()).collect();
    let expected: Vec<(String, String)> =
        found.iter().map(|(design, found)| (found[0].name.clone(), design.clone())).collect();
    // Of several designs that are one circuit, one is listed.
    for (circuit, design) in &expected {
        let listed = by_name(circuit)[0].design();
        assert!(listed.is_some(), "not listed: {expected:?}");
        assert!(resolve(design, None).unwrap() == listed.unwrap().lut(), "{circuit} {design}");
    }
    for (circuit, design) in made::MADE {
        assert!(expected.iter().any(|(name, other)| name == circuit && other == design), "{circuit} is not {design}");
    }
    for (older, ..) in CLOSED_FORMS {
        assert!(by_name(older)[0].design().is_some(), "{older}");
    }
}

#[test]
fn what_is_published_is_what_is_measured() {
    for (circuit, design) in made::MADE {
        let entry = by_name(circuit)[0];
        let errors = ErrorMetrics::compute(&resolve(design, None).unwrap());
        // Large figures are published with two or three digits, some cut to whole numbers and not rounded.
        let holds = |published: f64, measured: f64| {
            let digits = StatedMetric::from(published);
            digits.holds(measured) || (published - measured).abs() < 1.0 || (published / measured - 1.0).abs() < 0.01
        };
        assert_eq!(entry.wce, u64::from(errors.wce), "{circuit}");
        assert!(holds(entry.mae, errors.mae) && holds(entry.mse, errors.mse), "{circuit}: {errors:?}");
        assert!(
            (entry.mre - errors.mre).abs() <= 1e-4 && (entry.ep - errors.ep).abs() <= 1e-4,
            "{circuit}: {errors:?}"
        );
    }
}

/// The tables that tf-approximate ships: all but 96D are in the library.
#[test]
fn published_tables_are_recognized() {
    let Some(cases) = std::env::var_os("APPROX_EVAL_CASES").map(PathBuf::from) else { return };
    let files = cases.join("luts").read_dir().unwrap().map(|file| file.unwrap().path());
    let mut unknown = Vec::new();
    for path in files {
        let lut = open(path.to_str().unwrap(), &OpenOptions::default()).unwrap();
        let found = recognize(&lut);
        if found.is_empty() {
            unknown.push(lut.name().to_owned());
        } else {
            assert!(found.iter().any(|entry| entry.name == lut.name()), "{}", lut.name());
            let errors = ErrorMetrics::compute(&lut);
            assert_eq!(found[0].wce, u64::from(errors.wce), "{}", lut.name());
            assert!((found[0].mae - errors.mae).abs() <= 0.5, "{}", lut.name());
        }
        assert!(mismatch(&lut).is_none(), "{}", lut.name());
    }
    assert_eq!(unknown, ["mul8u_96D"]);
}
