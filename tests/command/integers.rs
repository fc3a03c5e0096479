//! Quantized modes to the bit, against integer layers written here from the definition.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::Table;
use crate::common::forward::{Activations, Quantized, lenet5};
use crate::common::network::{TINY, Tiny};
use serde_json::{Value, json};

/// A multiplier that would show swapped operands, that is wrong at zero (padding counts), and that
/// is wrong for every operand.
fn rough(a: i32, b: i32) -> i32 {
    a * b + 11 + 2 * (a.rem_euclid(16)) - b.rem_euclid(8)
}

/// Logits computed here, as bits.
fn expected(tiny: &Tiny, qparams: &Value, term: impl Fn(i64, i64) -> i64) -> Vec<Vec<u32>> {
    let layers = Quantized { weights: &tiny.weights, qparams, term };
    let samples = tiny.samples().map(|image| {
        let x = Activations { shape: [Tiny::CHANNELS, Tiny::SIDE, Tiny::SIDE], values: image.to_vec() };
        lenet5(&layers, &x).iter().map(|logit| logit.to_bits()).collect()
    });
    samples.collect()
}

/// The term of a coding for a table.
fn coded(coding: &str, table: &Table) -> impl Fn(i64, i64) -> i64 {
    let (sign_magnitude, table) = (coding == "sign-magnitude", table.clone());
    move |x, w| {
        let (x, w) = (x as i32, w as i32);
        i64::from(match sign_magnitude {
            true if (x < 0) == (w < 0) => table.product(x.abs(), w.abs()),
            true => -table.product(x.abs(), w.abs()),
            false => table.product(x, w),
        })
    }
}

/// The table that a coding takes, as `lut.safetensors`.
fn write_table(folder: &Folder, coding: &str) -> Table {
    let table = if coding == "signed" { Table::signed(rough) } else { Table::unsigned(rough) };
    folder.write("lut.safetensors", table.native("rough"));
    table
}

const CODINGS: [&str; 3] = ["signed", "sign-magnitude", "affine"];

#[test]
fn every_coding_computes_what_the_definition_says() {
    let (tiny, folder) = Tiny::folder(10);
    for coding in CODINGS {
        let table = write_table(&folder, coding);
        let schemes: &[&str] = if coding == "sign-magnitude" { &["symmetric"] } else { &["symmetric", "affine"] };
        for scheme in schemes {
            for weights in ["per-channel", "per-tensor"] {
                let options = format!(
                    "{TINY} --lut lut.safetensors --coding {coding} --act-scheme {scheme} --weight-scheme {weights}"
                );
                let approx = folder.logits(&format!("{options} --mode approx --save-qparams q.json"));
                let qparams = folder.read_json("q.json");
                assert_eq!(approx, expected(&tiny, &qparams, coded(coding, &table)), "{options}");
                let quant = folder.logits(&format!("{options} --mode quant"));
                assert_eq!(quant, expected(&tiny, &qparams, |x, w| x * w), "{options}, exact");
                assert_ne!(approx, quant);
            }
        }
    }
}

/// Zero points of inputs and of weights that are not 0, in every layer and different in every
/// channel; the first layer is padded with them.
#[test]
fn zero_points_and_padding() {
    let (tiny, folder) = Tiny::folder(11);
    for coding in ["affine", "signed"] {
        let table = write_table(&folder, coding);
        let options = format!("{TINY} --lut lut.safetensors --coding {coding} --act-scheme affine");
        folder.run_to(0, &format!("{options} --mode quant --save-qparams q.json"));
        let mut qparams = folder.read_json("q.json");
        let shift = if coding == "affine" { 0 } else { -128 };
        for (i, layer) in qparams["layers"].as_object_mut().unwrap().values_mut().enumerate() {
            layer["input"]["zero_point"] = json!(40 + 9 * i as i64 + shift);
            let weight = &mut layer["weight"];
            (weight["q_min"], weight["q_max"]) = (json!(shift), json!(255 + shift));
            let channels = weight["scale"].as_array().unwrap().len() as i64;
            weight["zero_point"] = (0..channels).map(|o| 100 + 5 * (o % 11) + shift).collect();
        }
        folder.write("q.json", qparams.to_string());
        for (mode, expected) in [
            ("approx", expected(&tiny, &qparams, coded(coding, &table))),
            ("quant", expected(&tiny, &qparams, |x, w| x * w)),
        ] {
            assert_eq!(
                folder.logits(&format!("{options} --mode {mode} --qparams q.json")),
                expected,
                "{coding} {mode}"
            );
        }
    }
}

#[test]
fn without_a_lut_products_are_exact() {
    let (tiny, folder) = Tiny::folder(12);
    for options in ["", "--coding affine", "--coding sign-magnitude", "--act-bits 5 --weight-bits 3"] {
        let logits = folder.logits(&format!("{TINY} --mode quant {options} --save-qparams q.json"));
        assert_eq!(logits, expected(&tiny, &folder.read_json("q.json"), |x, w| x * w), "{options}");
    }
}

/// The widest sums: every product is 65,535, so that a few of them leave `i16` and many `u24`.
#[test]
fn extreme_tables() {
    let (tiny, folder) = Tiny::folder(13);
    for (name, table) in [
        ("largest", Table::unsigned(|_, _| 65_535)),
        ("striped", Table::unsigned(|a, b| if (a + b) % 2 == 0 { 65_535 } else { 0 })),
    ] {
        folder.write("lut.safetensors", table.native(name));
        for coding in ["affine", "sign-magnitude"] {
            // Stated, for such tables resemble no multiplier.
            let lut = "--lut lut.safetensors --lut-format i32-unsigned";
            let options = format!("{TINY} --mode approx {lut} --coding {coding} --save-qparams q.json");
            let logits = folder.logits(&options);
            assert_eq!(logits, expected(&tiny, &folder.read_json("q.json"), coded(coding, &table)), "{name} {coding}");
        }
    }
}

#[test]
fn swapped_operands_are_the_transposed_table() {
    let (tiny, folder) = Tiny::folder(14);
    for coding in CODINGS {
        let table = write_table(&folder, coding);
        folder.write("transposed.safetensors", table.transposed().native("transposed"));
        let options = format!("{TINY} --mode approx --coding {coding}");
        let plain = folder.logits(&format!("{options} --lut lut.safetensors"));
        let swapped = folder.logits(&format!("{options} --lut lut.safetensors --swap-operands"));
        assert_ne!(plain, swapped, "{coding}");
        assert_eq!(swapped, folder.logits(&format!("{options} --lut transposed.safetensors --save-qparams q.json")));
        let qparams = folder.read_json("q.json");
        assert_eq!(swapped, expected(&tiny, &qparams, coded(coding, &table.transposed())), "{coding}");
    }
}

/// A multiplier of 4 bits quantizes to 4 bits, and every product is its own, under every scheme.
#[test]
fn narrow_multipliers() {
    let (tiny, folder) = Tiny::folder(15);
    let product = |a: i64, b: i64| (a * b) & !3;
    let row = |a| (0..16).map(|b| product(a, b).to_string()).collect::<Vec<_>>().join(",") + "\n";
    folder.write("mul4.csv", (0..16).map(row).collect::<String>());
    let cases = [
        ("--coding sign-magnitude", false),
        ("--coding affine", true),
        ("--coding affine --act-scheme symmetric", true),
        ("--coding affine --act-bits 3 --weight-bits 2", true),
    ];
    for_each_case(cases, |(options, is_affine)| {
        let logits = folder.logits(&format!("{TINY} --lut mul4.csv {options} --save-qparams q.json"));
        let term = |x: i64, w: i64| {
            assert!((0..16).contains(&x.abs()) && (0..16).contains(&w.abs()), "{options}: {x} * {w}");
            if is_affine { product(x, w) } else { x.signum() * w.signum() * product(x.abs(), w.abs()) }
        };
        assert_eq!(logits, expected(&tiny, &folder.read_json("q.json"), term), "{options}");
    });
}

/// All kernels that this processor runs give the bits of the definition.
#[test]
fn every_kernel() {
    let (tiny, folder) = Tiny::folder(16);
    let run = folder.refuses(&format!("{TINY} --kernel no-such"), &["--kernel", "scalar"]);
    let names = run.stderr.trim().rsplit_once("can run ").map(|(_, names)| names.to_owned()).unwrap();
    for coding in CODINGS {
        let table = write_table(&folder, coding);
        for name in names.split(", ") {
            let args = |mode| format!("{TINY} --lut lut.safetensors --coding {coding} --kernel {name} --mode {mode}");
            let approx = folder.logits(&format!("{} --save-qparams q.json", args("approx")));
            let qparams = folder.read_json("q.json");
            assert_eq!(approx, expected(&tiny, &qparams, coded(coding, &table)), "{name} {coding}");
            assert_eq!(folder.logits(&args("quant")), expected(&tiny, &qparams, |x, w| x * w), "{name} {coding}");
            assert_eq!(folder.json(&args("quant"))["timing"]["kernel"], name);
        }
    }
}
