//! `--acc-bits` and `--acc-overflow`, against one addition after the other.

use crate::common::cases::for_each_case;
use crate::common::files::Table;
use crate::common::forward::{Accumulated, Activations, Quantized, lenet5};
use crate::common::markdown::{blocks, of_the_project};
use crate::common::network::{TINY, Tiny};
use crate::common::{Folder, integer, number, text};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// A multiplier that is asymmetric, and wrong at zero.
fn rough(a: i32, b: i32) -> i32 {
    a * b + 11 + 2 * a.rem_euclid(16) - b.rem_euclid(8)
}

/// What a layer's accumulators went through: outputs that overflowed, additions that did, outputs, and the range of
/// sums of any width.
#[derive(Debug, Clone, Default, PartialEq)]
struct Seen {
    counts: [u64; 3],
    range: [i64; 2],
}

impl Seen {
    /// Adds an output up.
    fn sum(&mut self, additions: &[i64], bits: Option<u32>, saturates: bool) -> i64 {
        let (mut sum, mut whole, mut overflows) = (0i64, 0i64, 0);
        for term in additions {
            whole += term;
            self.range = [self.range[0].min(whole), self.range[1].max(whole)];
            sum += term;
            let Some(half) = bits.map(|bits| 1i64 << (bits - 1)) else { continue };
            overflows += u64::from(!(-half..half).contains(&sum));
            sum = if saturates { sum.clamp(-half, half - 1) } else { (sum + half).rem_euclid(2 * half) - half };
        }
        let more = [u64::from(overflows > 0), overflows, 1];
        self.counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
        sum
    }

    fn of(layer: &Value) -> Self {
        let found = &layer["accumulator"];
        let count = |name: &str| integer(found, name);
        let end = |i: usize| found["range"][i].as_i64().unwrap();
        Seen { counts: ["/overflows", "/overflowed_additions", "/outputs"].map(count), range: [end(0), end(1)] }
    }
}

fn layers(report: &Value) -> &[Value] {
    report["layers"].as_array().unwrap()
}

/// The logits of a report's run and what its layers' accumulators went through, and both by the definition.
fn compare(tiny: &Tiny, folder: &Folder, options: &str, term: impl Fn(i64, i64) -> i64 + Copy, bits: Option<u32>) {
    let logits = folder.logits(&format!("{TINY} {options} --save-qparams q.json -o report.json"));
    let (qparams, report) = (folder.read_json("q.json"), folder.read_json("report.json"));
    let seen: RefCell<BTreeMap<String, Seen>> = RefCell::default();
    let accumulated = Accumulated {
        layers: Quantized { weights: &tiny.weights, qparams: &qparams, term },
        sum: |layer: &str, additions: &[i64]| {
            let saturates = options.contains("saturate");
            seen.borrow_mut().entry(layer.to_owned()).or_default().sum(additions, bits, saturates)
        },
    };
    let expected: Vec<Vec<u32>> = tiny
        .samples()
        .map(|image| {
            let x = Activations { shape: [Tiny::CHANNELS, Tiny::SIDE, Tiny::SIDE], values: image.to_vec() };
            lenet5(&accumulated, &x).iter().map(|logit| logit.to_bits()).collect()
        })
        .collect();
    assert_eq!(logits, expected, "{options}");
    for layer in layers(&report) {
        assert_eq!(Seen::of(layer), seen.borrow()[text(layer, "/name")], "{options}: {layer}");
        let [low, high] = Seen::of(layer).range;
        let needed = integer(layer, "/accumulator/bits_needed");
        let half = |bits: u64| 1i64 << (bits - 1);
        assert!(-half(needed) <= low && high < half(needed), "{layer}");
        assert!(low < -half(needed - 1) || half(needed - 1) <= high, "{layer}");
        assert!(needed <= integer(layer, "/accumulator/bits_worst_case"), "{layer}");
    }
}

#[test]
fn every_addition_is_checked() {
    let (tiny, folder) = Tiny::folder(140);
    folder.write("signed.safetensors", Table::signed(rough).native("rough"));
    folder.write("unsigned.safetensors", Table::unsigned(rough).native("rough"));
    let rough = |x: i64, w: i64| i64::from(rough(x as i32, w as i32));
    let approx = [
        ("--lut signed.safetensors --acc-bits 15", Some(15)),
        ("--lut signed.safetensors --acc-bits 16 --acc-overflow saturate", Some(16)),
        ("--lut signed.safetensors --act-scheme affine --acc-bits 17 -b 1", Some(17)),
        ("--lut unsigned.safetensors --coding affine --acc-bits 18 --acc-overflow saturate -j 2", Some(18)),
        ("--lut unsigned.safetensors --coding affine --acc-bits 40", Some(40)),
        ("--lut unsigned.safetensors --coding affine --acc-bits auto", None),
    ];
    for_each_case(approx, |(options, bits)| compare(&tiny, &folder, options, rough, bits));
    let quant =
        [("--mode quant --acc-bits 14", Some(14)), ("--mode quant --coding affine --acc-bits 20 -b 3", Some(20))];
    for_each_case(quant, |(options, bits)| compare(&tiny, &folder, options, |x, w| x * w, bits));
}

/// The least width changes nothing, and one bit less overflows.
#[test]
fn the_least_width_is_the_least() {
    let (_, folder) = Tiny::folder(141);
    let run = format!("{TINY} --lut drum-4");
    let plain = folder.logits(&run);
    assert_eq!(folder.logits(&format!("{run} --acc-bits auto")), plain);
    let auto = folder.json(&format!("{run} --acc-bits auto"));
    assert_eq!((&auto["config"]["acc_bits"], &auto["config"]["acc_overflow"]), (&json!("auto"), &Value::Null));
    let widest = |field: &str| layers(&auto).iter().map(|layer| integer(&layer["accumulator"], field)).max().unwrap();
    let (needed, worst) = (widest("/bits_needed"), widest("/bits_worst_case"));
    for bits in [needed, worst, 64] {
        assert_eq!(folder.logits(&format!("{run} --acc-bits {bits}")), plain, "{bits}");
    }
    let report = folder.json(&format!("{run} --acc-bits {needed}"));
    assert_eq!((&report["config"]["acc_bits"], &report["config"]["acc_overflow"]), (&json!(needed), &json!("wrap")));
    for (layer, auto) in layers(&report).iter().zip(layers(&auto)) {
        assert_eq!(layer["accumulator"], auto["accumulator"]);
    }
    let less = folder.json(&format!("{run} --acc-bits {} --acc-overflow saturate", needed - 1));
    let overflows: u64 = layers(&less).iter().map(|layer| integer(layer, "/accumulator/overflows")).sum();
    assert!(overflows > 0);
    // A reference keeps its sums whole.
    let compared = folder.json(&format!("{run} --acc-bits 8 --compare quant"));
    let quant = folder.json(&format!("{TINY} --mode quant --lut drum-4"));
    assert_eq!(number(&compared, "/comparisons/0/reference_top1"), number(&quant, "/accuracy/top1"));
}

#[test]
fn modes_without_accumulators_do_not_use_them() {
    let (_, folder) = Tiny::folder(142);
    for mode in ["base", "noise --noise-std 0.1", "noise --noise-from-lut drum-4"] {
        let plain = folder.logits(&format!("{TINY} --mode {mode}"));
        let run = format!("{TINY} --mode {mode} --acc-bits 4 --acc-overflow saturate");
        assert_eq!(folder.logits(&run), plain, "{mode}");
        let report = folder.json(&run);
        assert_eq!((&report["config"]["acc_bits"], &report["config"]["acc_overflow"]), (&Value::Null, &Value::Null));
        assert!(layers(&report).iter().all(|layer| layer["accumulator"].is_null()), "{mode}");
        assert!(!folder.run_to(0, &run).stdout.contains("acc bits"), "{mode}");
    }
    for_each_case(["1", "65", "0", "-8", "wide", "12.5"], |bits| {
        folder.refuses(&format!("{TINY} --mode base --acc-bits {bits}"), &["--acc-bits", bits, "2 to 64", "auto"]);
    });
    folder.refuses(&format!("{TINY} --acc-bits 8 --acc-overflow clamp"), &["clamp", "--acc-overflow"]);
}

#[test]
fn reports_say_what_overflowed() {
    let (_, folder) = Tiny::folder(143);
    let run = format!("{TINY} --lut drum-4 --acc-bits 14");
    let report = folder.json(&run);
    let overflowed: Vec<&str> = layers(&report)
        .iter()
        .filter(|layer| integer(layer, "/accumulator/overflows") > 0)
        .map(|layer| text(layer, "/name"))
        .collect();
    assert!(!overflowed.is_empty());
    let note = report["notes"].as_array().unwrap().iter().filter_map(Value::as_str);
    let note = note.filter(|note| note.contains("accumulators overflowed")).collect::<Vec<_>>();
    let [note] = note.as_slice() else { panic!("{report:#}") };
    assert!(overflowed.iter().any(|name| note.contains(&format!("{name} in "))), "{note}");
    let text = folder.run_to(0, &run);
    assert!(text.words().contains("14 bits, wrap,") && text.words().contains("acc bits"), "{text:?}");
    assert!(text.stderr.contains("accumulators overflowed"), "{text:?}");
    let csv = folder.run_to(0, &format!("{run} --format csv")).csv();
    let field = |name: &str| csv[1][csv[0].iter().position(|field| field == name).unwrap()].clone();
    let all: u64 = layers(&report).iter().map(|layer| integer(layer, "/accumulator/overflows")).sum();
    assert_eq!(
        [field("acc_bits"), field("acc_overflow"), field("acc_overflows")],
        ["14".into(), "wrap".into(), all.to_string()]
    );
    let widest = layers(&report).iter().map(|layer| integer(layer, "/accumulator/bits_needed")).max().unwrap();
    assert_eq!(field("acc_bits_needed"), widest.to_string());
    // Errors of layers are measured against exact products in sums of any width.
    let errors = folder.json(&format!("{TINY} --mode quant --acc-bits 14 --layer-errors"));
    assert!(layers(&errors).iter().any(|layer| !layer["error"]["snr_db"].is_null()), "{errors:#}");
    let again = folder.json(&format!("{TINY} --mode quant --acc-bits 14"));
    for (layer, again) in layers(&errors).iter().zip(layers(&again)) {
        assert_eq!(layer["accumulator"], again["accumulator"]);
    }
}

/// Files of options have them as others.
#[test]
fn experiment_files_have_them() {
    let (_, folder) = Tiny::folder(144);
    folder.write("run.toml", "lut = \"drum-4\"\nacc-bits = 13\nacc-overflow = \"saturate\"\n");
    let of_file = folder.json(&format!("{TINY} -f run.toml"));
    let of_line = folder.json(&format!("{TINY} --lut drum-4 --acc-bits 13 --acc-overflow saturate"));
    assert_eq!(of_file["layers"], of_line["layers"]);
    folder.write("auto.toml", "lut = \"drum-4\"\nacc-bits = \"auto\"\n");
    assert_eq!(folder.json(&format!("{TINY} -f auto.toml"))["config"]["acc_bits"], "auto");
    folder.write("bad.toml", "acc-bits = 1\n");
    folder.refuses(&format!("{TINY} -f bad.toml"), &["bad.toml", "line 1", "acc-bits", "2 to 64"]);
}

/// The page's output is that of its command, but for what a clock and the processor say.
#[test]
fn the_page_is_true() {
    let page = of_the_project("docs/accumulators.md");
    let commands = blocks(&page, "sh");
    let (command, sample) = (commands[0].lines().next().unwrap(), &blocks(&page, "text")[0]);
    let printed = Folder::new().run_to(0, command.strip_prefix("approx-eval ").unwrap()).stdout;
    let lines = |text: &str| {
        let steady = text.lines().filter(|line| !line.contains("images/s"));
        steady.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(lines(sample), lines(&printed));
}

/// Noise models a multiplier alone.
#[test]
fn noise_has_no_accumulator() {
    let folder = Folder::new();
    let logits = |options: &str| folder.logits(&format!("-m lenet5 --limit 50 {options}"));
    assert_eq!(logits("--mode noise --noise-std 0 --acc-bits 14 --acc-overflow saturate"), logits("--mode quant"));
}
