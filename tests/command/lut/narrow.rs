//! Multipliers narrower than a byte, square or not, in an evaluation.

use crate::common::files::{safetensors_with, stored};
use crate::common::network::{TINY, Tiny};
use crate::common::{Folder, integer};
use safetensors::Dtype;

/// A native table of `product` over operands of `bits`.
fn native(bits: [u32; 2], signed: bool, product: impl Fn(i32, i32) -> i32) -> Vec<u8> {
    let values = |bits: u32| if signed { -(1 << (bits - 1))..1 << (bits - 1) } else { 0..1 << bits };
    let products = values(bits[0]).flat_map(|a| values(bits[1]).map(move |b| (a, b)));
    let bytes = products.flat_map(|(a, b)| product(a, b).to_le_bytes()).collect();
    let tensor = stored("lut", Dtype::I32, &bits.map(|bits| 1 << bits), bytes);
    safetensors_with(&[tensor], &[("name", "narrow"), ("signed", if signed { "true" } else { "false" })])
}

const WIDTHS: [[u32; 2]; 5] = [[4, 4], [6, 3], [8, 2], [2, 8], [7, 7]];

#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn the_quantizer_keeps_to_the_operands() {
    let (_, folder) = Tiny::folder(70);
    for [a, b] in WIDTHS {
        for (signed, codings) in [(true, &["signed"][..]), (false, &["sign-magnitude", "affine"])] {
            folder.write("narrow.safetensors", native([a, b], signed, |x, w| x * w));
            for coding in codings {
                let args = format!("{TINY} --lut narrow.safetensors --coding {coding}");
                // With exact products they are the quantized network of those widths.
                let quant = format!("{TINY} --mode quant --coding {coding} --act-bits {a} --weight-bits {b}");
                assert_eq!(folder.logits(&args), folder.logits(&format!("{args} --mode quant")), "{a}x{b} {coding}");
                assert_eq!(folder.logits(&args), folder.logits(&quant), "{a}x{b} {coding}");
                let report = folder.json(&args);
                assert_eq!(integer(&report, "/config/quantization/act_bits"), u64::from(a));
                assert_eq!(integer(&report, "/config/quantization/weight_bits"), u64::from(b));
                for layer in report["layers"].as_array().unwrap() {
                    let [low, high] = [0, 1].map(|end| layer["input_range"][end].as_i64().unwrap());
                    assert!(high - low < 1 << a, "{a}x{b} {coding}: {low} to {high}");
                }
            }
        }
    }
}

#[test]
fn wider_operands_are_refused() {
    let (_, folder) = Tiny::folder(71);
    folder.write("narrow.safetensors", native([6, 3], false, |x, w| x * w));
    folder.refuses(&format!("{TINY} --lut narrow.safetensors --act-bits 7"), &["--act-bits", "7", "6 bits"]);
    folder.refuses(&format!("{TINY} --lut narrow.safetensors --weight-bits 4"), &["--weight-bits", "4", "3 bits"]);
    // Narrower ones fit, and exchanged operands have exchanged widths.
    folder.run_to(0, &format!("{TINY} --lut narrow.safetensors --act-bits 4 --weight-bits 2"));
    let swapped = folder.json(&format!("{TINY} --lut narrow.safetensors --swap-operands"));
    assert_eq!(integer(&swapped, "/config/quantization/act_bits"), 3);
}

#[test]
fn narrow_tables_pass_through_every_format() {
    let folder = Folder::new();
    for signed in [true, false] {
        folder.write("start.safetensors", native([6, 3], signed, |a, b| a * (b & !1)));
        folder.run_to(0, "lut convert start.safetensors start.csv --name narrow");
        let mut last = "start.csv".to_owned();
        for extension in ["h", "npy", "txt", "safetensors", "bin", "csv"] {
            let next = format!("next.{extension}");
            // A raw file has no shape.
            let stated = if last == "next.bin" { "--lut-format 6x3" } else { "" };
            folder.run_to(0, &format!("lut convert {last} {next} {stated}"));
            last = next;
        }
        assert!(folder.read("next.csv") == folder.read("start.csv"));
    }
}
