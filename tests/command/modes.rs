//! How the four modes relate, and what results do not depend on.

use crate::common::cases::for_each_case;
use crate::common::files::Table;
use crate::common::network::{TINY, Tiny};
use crate::common::{Folder, integer, number, text};
use serde_json::Value;
use std::path::Path;

/// Files and names of exact multipliers, and the codings that take them.
fn exact_multipliers(folder: &Folder) -> [(&'static [&'static str], &'static [&'static str]); 2] {
    let (unsigned, signed) = (Table::unsigned(|a, b| a * b), Table::signed(|a, b| a * b));
    folder.write("u16.bin", unsigned.u16_bin());
    folder.write("u.npy", unsigned.npy());
    folder.write("u.csv", unsigned.csv());
    folder.write("u.safetensors", unsigned.native("u"));
    folder.write("i16.bin", signed.i16_bin());
    folder.write("pattern.bin", signed.i16_bin_by_pattern());
    folder.write("i32.bin", signed.i32_bin());
    folder.write("s.npy", signed.npy());
    folder.write("s.csv", signed.csv());
    folder.write("s.safetensors", signed.native("s"));
    [
        (&["u16.bin", "u.npy", "u.csv", "u.safetensors", "exact"], &["sign-magnitude", "affine"]),
        (&["i16.bin", "pattern.bin", "i32.bin", "s.npy", "s.csv", "s.safetensors", "exact-signed"], &["signed"]),
    ]
}

#[test]
fn approx_with_an_exact_lut_is_quant() {
    let folder = Folder::new();
    for (luts, codings) in exact_multipliers(&folder) {
        for coding in codings {
            let args = |mode: &str, lut: &str, rest: &str| {
                format!("--mode {mode} --lut {lut} --coding {coding} --calib-samples 64 {rest}")
            };
            let quant = folder.logits(&args("quant", luts[0], "-n 64"));
            for lut in luts {
                assert_eq!(folder.logits(&args("approx", lut, "-n 64")), quant, "{lut} {coding}");
            }
            for rest in ["-m resnet8 -n 24", "-m lenet5 -n 64 --act-bits 6 --weight-scheme per-tensor"] {
                let [quant, approx] = ["quant", "approx"].map(|mode| folder.logits(&args(mode, luts[0], rest)));
                assert_eq!(approx, quant, "{coding} {rest}");
            }
        }
    }
    // Signed operands with zero points.
    let args = |mode| format!("-n 64 --mode {mode} --lut exact-signed --act-scheme affine --calib-samples 64");
    assert_eq!(folder.logits(&args("approx")), folder.logits(&args("quant")));
}

/// The whole embedded set, as a user runs it.
#[test]
fn the_shipped_network_on_its_test_set() {
    let folder = Folder::new();
    folder.write("mul8u_exact.bin", Table::unsigned(|a, b| a * b).u16_bin());
    let quant = folder.logits("--mode quant --lut mul8u_exact.bin");
    assert_eq!(quant.len(), 10_000);
    assert_eq!(folder.logits("--mode approx --lut mul8u_exact.bin"), quant);
    // Without any option.
    let report = folder.json("");
    assert_eq!((text(&report, "/model/name"), text(&report, "/config/mode")), ("lenet5", "base"));
    assert_eq!((text(&report, "/dataset/name"), integer(&report, "/accuracy/total")), ("fashion-mnist", 10_000));
}

/// What a shipped network's provenance claims is what it does.
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn claimed_accuracies() {
    let folder = Folder::new();
    for_each_case([("lenet5", 0.90), ("resnet8", 0.92), ("ds_cnn", 0.915), ("vit_micro", 0.885)], |(name, least)| {
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(name).join("config.json");
        let config: Value = serde_json::from_slice(&std::fs::read(config).unwrap()).unwrap();
        let found = number(&folder.json(&format!("--model {name}")), "/accuracy/top1");
        assert!(found >= least, "{name}: {found}");
        // Rounding may move a sample or two.
        assert!((found - number(&config, "/provenance/top1")).abs() <= 2e-4, "{name}: {found}");
    });
}

#[test]
fn noise_of_no_size_is_quant() {
    let (_, folder) = Tiny::folder(20);
    for options in ["", "--lut drum-4", "--lut exact --coding affine"] {
        let quant = folder.logits(&format!("{TINY} --mode quant {options}"));
        assert_eq!(folder.logits(&format!("{TINY} --mode noise {options}")), quant, "{options}");
        let seeded = format!("{TINY} --mode noise --noise-std 0 --noise-mean 0 --seed 9 {options}");
        assert_eq!(folder.logits(&seeded), quant, "{options}");
        assert_ne!(folder.logits(&format!("{TINY} --mode noise --noise-std 0.1 {options}")), quant, "{options}");
        assert_ne!(folder.logits(&format!("{TINY} --mode noise --noise-mean -0.1 {options}")), quant, "{options}");
    }
}

#[test]
fn noise_depends_on_the_seed_alone() {
    let (_, folder) = Tiny::folder(21);
    let noisy = |rest: &str| folder.logits(&format!("{TINY} --mode noise --noise-std 0.2 {rest}"));
    let first = noisy("--seed 1 -j 1");
    assert_eq!(noisy("--seed 1 -j 2"), first);
    assert_eq!(noisy("--seed 1 -j 5"), first);
    assert_ne!(noisy("--seed 2"), first);
    // Alone in its batch or not, a sample has its own draws; its logits need the batch's spread.
    assert_ne!(first[0], first[1]);
}

#[test]
fn threads_and_batches_change_no_bit() {
    let (_, folder) = Tiny::folder(22);
    folder.write("lut.safetensors", Table::unsigned(|a, b| a * b + a % 4).native("rough"));
    for mode in ["--mode quant", "--mode approx --lut lut.safetensors", "--mode approx --lut drum-3 --coding affine"] {
        for (network, batches) in [(TINY, [1, 3, 64]), ("--model lenet5 -n 150 --calib-samples 100", [7, 64, 150])] {
            let first = folder.logits(&format!("{network} {mode} -j 1"));
            for batch in batches {
                for threads in [1, 2, 3] {
                    let args = format!("{network} {mode} -j {threads} -b {batch}");
                    assert_eq!(folder.logits(&args), first, "{args}");
                }
            }
        }
    }
    let base = |threads| folder.logits(&format!("-n 150 --mode base -j {threads}"));
    assert_eq!(base(1), base(3));
}

#[test]
fn a_limit_takes_the_first_samples() {
    let (_, folder) = Tiny::folder(23);
    for mode in ["--mode quant", "--lut mitchell"] {
        let all = folder.logits(&format!("{TINY} {mode}"));
        for limit in [1, 4, Tiny::SAMPLES, 1000] {
            let some = folder.logits(&format!("{TINY} {mode} -n {limit}"));
            assert_eq!(some, all[..limit.min(Tiny::SAMPLES)], "{mode} {limit}");
        }
    }
}

#[test]
fn modes_have_long_names_and_a_default() {
    let (_, folder) = Tiny::folder(24);
    let mode = |args: &str| text(&folder.json(&format!("{TINY} {args}")), "/config/mode").to_owned();
    let cases = [
        ("", "base"),
        ("--lut exact", "approx"),
        ("--mode baseline", "base"),
        ("--mode quantized", "quant"),
        ("--mode approximate --lut exact", "approx"),
        ("--mode quant --lut exact", "quant"),
        ("--mode noise", "noise"),
    ];
    for_each_case(cases, |(args, expected)| {
        assert_eq!(mode(args), expected, "{args}");
    });
}

/// A multiplier's name without a sign follows the coding.
#[test]
fn a_designs_sign_follows_the_coding() {
    let (_, folder) = Tiny::folder(25);
    let cases = [
        ("--lut exact", false),
        ("--lut exact --coding signed", true),
        ("--lut exact-signed", true),
        ("--lut exact --coding affine", false),
    ];
    for_each_case(cases, |(args, signed)| {
        assert_eq!(folder.json(&format!("{TINY} {args}"))["lut"]["signed"], signed, "{args}");
    });
    folder.refuses(&format!("{TINY} --lut exact-signed --coding affine"), &["--coding", "affine"]);
}

#[test]
fn folding_batch_normalisation_is_a_choice() {
    let folder = Folder::new();
    let [folded, apart] = ["", "--no-fold-bn"].map(|option| folder.json(&format!("-m resnet8 -n 100 {option}")));
    assert_eq!((&folded["config"]["fold_bn"], &apart["config"]["fold_bn"]), (&true.into(), &false.into()));
    assert_eq!(folded["accuracy"]["correct"], apart["accuracy"]["correct"]);
    let difference = number(&folded, "/accuracy/loss") - number(&apart, "/accuracy/loss");
    assert!(difference.abs() < 1e-4, "{difference}");
}
