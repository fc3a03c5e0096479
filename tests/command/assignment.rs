//! Layers of their own modes, multipliers, codings, noise and widths.

use crate::common::cases::for_each_case;
use crate::common::files::Table;
use crate::common::forward::{Activations, Layers, Quantized, lenet5};
use crate::common::network::{TINY, Tiny};
use crate::common::{Folder, csv_rows, integer, number, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The term of each layer, by its name.
type Terms = BTreeMap<&'static str, Box<dyn Fn(i64, i64) -> i64>>;

/// The network of which each layer has its own term for a product of quantized operands.
struct Mixed<'a> {
    tiny: &'a Tiny,
    qparams: Value,
    terms: Terms,
}

impl Mixed<'_> {
    fn layer(&self, name: &str) -> Quantized<'_, &dyn Fn(i64, i64) -> i64> {
        Quantized { weights: &self.tiny.weights, qparams: &self.qparams, term: self.terms[name].as_ref() }
    }

    fn logits(&self) -> Vec<Vec<u32>> {
        let sample = |image: &[f32]| {
            let x = Activations { shape: [Tiny::CHANNELS, Tiny::SIDE, Tiny::SIDE], values: image.to_vec() };
            lenet5(self, &x).iter().map(|logit| logit.to_bits()).collect()
        };
        self.tiny.samples().map(sample).collect()
    }
}

impl Layers<f32> for Mixed<'_> {
    fn conv(&self, name: &str, x: &Activations<f32>, padding: usize) -> Activations<f32> {
        self.layer(name).conv(name, x, padding)
    }

    fn linear(&self, name: &str, x: &[f32]) -> Vec<f32> {
        self.layer(name).linear(name, x)
    }
}

#[test]
fn each_layer_computes_what_it_was_told() {
    let (tiny, folder) = Tiny::folder(140);
    let (unsigned, signed) = (Table::unsigned(|a, b| a * b + a % 8), Table::signed(|a, b| a * b - (b & 3)));
    folder.write("unsigned.safetensors", unsigned.native("unsigned"));
    folder.write("signed.safetensors", signed.native("signed"));
    let args = "--mode quant --coding signed --save-qparams q.json --set conv2:lut=signed.safetensors \
                --set fc*:lut=unsigned.safetensors,coding=affine --set fc2:mode=quant,act_bits=5,weight_bits=3";
    let logits = folder.logits(&format!("{TINY} {args}"));
    let qparams = folder.read_json("q.json");
    let range = |layer: &str, operand: &str| {
        let operand = &qparams["layers"][layer][operand];
        (operand["q_min"].as_i64().unwrap(), operand["q_max"].as_i64().unwrap())
    };
    assert_eq!((range("fc1", "input"), range("fc2", "input"), range("fc2", "weight")), ((0, 255), (0, 31), (0, 7)));
    let mut terms = Terms::new();
    terms.insert("conv1", Box::new(|x, w| x * w));
    terms.insert("conv2", Box::new(move |x, w| signed.product(x as i32, w as i32).into()));
    terms.insert("fc2", Box::new(|x, w| x * w));
    for name in ["fc1", "fc3"] {
        let table = unsigned.clone();
        terms.insert(name, Box::new(move |x, w| table.product(x as i32, w as i32).into()));
    }
    assert_eq!(logits, Mixed { tiny: &tiny, qparams, terms }.logits());
}

#[test]
fn a_rule_for_all_layers_is_the_global_option() {
    let (_, folder) = Tiny::folder(141);
    let cases = [
        ("--lut drum-4", "*:lut=drum-4"),
        ("--mode quant --coding affine", "*:mode=quant,coding=affine"),
        ("--mode noise --noise-std 0.1 --noise-mean 0.5", "*:mode=noise,noise_std=0.1,noise_mean=0.5"),
        ("--mode base", "*:mode=base"),
    ];
    for_each_case(cases, |(global, rule)| {
        let plain = folder.logits(&format!("{TINY} {global} --seed 3"));
        assert_eq!(folder.logits(&format!("{TINY} --seed 3 --set {rule}")), plain, "{rule}");
    });
}

/// fp32 layers beside approximate ones need no scales.
#[test]
fn exact_layers_need_no_scales() {
    let (_, folder) = Tiny::folder(142);
    folder.run_to(0, &format!("{TINY} --mode quant --coding affine --save-qparams q.json"));
    let mut qparams = folder.read_json("q.json");
    qparams["layers"].as_object_mut().unwrap().remove("conv1");
    folder.write("q.json", qparams.to_string());
    let args = format!("{TINY} --lut drum-4 --coding affine --qparams q.json");
    folder.refuses(&args, &["conv1"]);
    let report = folder.json(&format!("{args} --set conv1:mode=base"));
    assert_eq!(report["layers"][0]["input_scale"], Value::Null);
    assert_eq!((text(&report, "/layers/0/mode"), text(&report, "/layers/1/mode")), ("base", "approx"));
}

const LENET5: [u64; 5] = [117_600, 240_000, 48_000, 10_080, 840];

#[test]
fn multiplications_are_counted_by_multiplier() {
    let folder = Folder::new();
    let args =
        "-n 20 --calib-samples 20 --lut drum-4 --set conv1:mode=base --set fc*:mode=quant --set fc1:lut=mitchell";
    let report = folder.json(args);
    let [conv1, conv2, fc1, fc2, fc3] = LENET5;
    let by: BTreeMap<String, u64> = serde_json::from_value(report["opcount"]["by_multiplier"].clone()).unwrap();
    let expected =
        [("drum-4", conv2), ("exact", fc2 + fc3), ("fp32", conv1), ("mitchell", fc1)].map(|(name, n)| (name, 20 * n));
    assert_eq!(by, expected.map(|(name, n)| (name.to_owned(), n)).into());
    let luts: Vec<&Value> = report["layers"].as_array().unwrap().iter().map(|layer| &layer["lut"]).collect();
    assert_eq!(luts, [&Value::Null, &json!("drum-4"), &json!("mitchell"), &Value::Null, &Value::Null]);
    let names: Vec<&str> = report["luts"].as_array().unwrap().iter().map(|lut| text(lut, "/name")).collect();
    assert_eq!((names, text(&report, "/lut/name")), (vec!["drum-4", "mitchell"], "drum-4"));
    let table = folder.run_to(0, args).stdout;
    for part in ["drum-4", "mitchell", "fp32", "exact", "2,352,000 fp32"] {
        assert!(table.contains(part), "{part}: {table}");
    }
}

/// By hand: a table of costs in which `half` takes half the energy of `exact`.
#[test]
fn energy_is_that_of_the_layers_with_figures() {
    let folder = Folder::new();
    // `unknown` is nobody's circuit.
    let tables =
        [Table::unsigned(|a, b| a * b), Table::unsigned(|a, b| a * b), Table::unsigned(|a, b| a * b + (a & b & 1))];
    for (name, table) in ["half", "tenth", "unknown"].iter().zip(tables) {
        folder.write(&format!("{name}.safetensors"), table.native(name));
    }
    folder.write("costs.csv", "multiplier,energy,source\nexact,0.4,lab\nhalf,0.2,lab\ntenth,0.04,lab\n");
    let [_, conv2, fc1, _, fc3] = LENET5;
    let args = "-n 5 --calib-samples 20 --costs costs.csv --lut half.safetensors --set conv1:mode=base \
                --set fc1:lut=tenth.safetensors --set fc2:lut=unknown.safetensors --set fc3:mode=quant";
    let report = folder.json(args);
    let energy = &report["opcount"]["energy"];
    assert_eq!(integer(energy, "/opcount"), conv2 + fc1 + fc3);
    let by_hand = (0.5 * conv2 as f64 + 0.1 * fc1 as f64 + fc3 as f64) / (conv2 + fc1 + fc3) as f64;
    assert!((number(energy, "/relative") - by_hand).abs() < 1e-12, "{energy}");
    assert_eq!(text(energy, "/sources/half/note"), "lab");
    // The same in the run's cost, whose energy is that of a sample: the picojoules of the file, summed.
    let cost = &report["cost"];
    let covered = (conv2 + fc1 + fc3) as f64;
    let picojoules = 0.2 * conv2 as f64 + 0.04 * fc1 as f64 + 0.4 * fc3 as f64;
    assert!((number(cost, "/relative_energy") - by_hand).abs() < 1e-12, "{cost}");
    assert!((number(cost, "/energy_pj") - picojoules / covered).abs() < 1e-12, "{cost}");
    assert!((number(cost, "/energy_uj_per_sample") - picojoules * 1e-6).abs() < 1e-12, "{cost}");
    let all = number(&report["opcount"], "/per_sample");
    assert!((number(cost, "/coverage") - covered / all).abs() < 1e-12, "{cost}");
    assert_eq!((text(cost, "/source"), text(cost, "/basis"), &cost["relative_power"]), ("csv", "lab", &Value::Null));
    assert_eq!(number(cost, "/by_multiplier/half/coverage"), conv2 as f64 / all);
    // Figures of gates beside measured ones are said to be mixed.
    let mixed = |lut: &str| {
        let args = format!("-n 5 --calib-samples 20 --costs costs.csv --lut half.safetensors --set fc1:lut={lut}");
        folder.json(&args)["notes"].to_string().contains("different kinds of sources")
    };
    assert_eq!((mixed("tenth.safetensors"), mixed("drum-4")), (false, true));
    // Nobody's figures, no energy.
    assert!(folder.json("-n 5 --lut unknown.safetensors --calib-samples 20")["opcount"]["energy"].is_null());
    assert!(folder.json("-n 5 --mode quant --calib-samples 20")["opcount"]["energy"].is_null());
    folder.refuses("-n 5 --costs nowhere.csv", &["--costs", "nowhere.csv"]);
}

#[test]
fn files_and_reports_say_it_again() {
    let (_, folder) = Tiny::folder(143);
    let rules = json!({ "schema": 1, "rules": [
        { "layers": "conv*", "mode": "quant", "act_bits": 6 },
        { "layers": "fc?", "lut": "mitchell", "coding": "affine" },
        { "layers": "fc2", "mode": "noise", "noise_std": 0.25 },
    ]});
    folder.write("assign.json", rules.to_string());
    let by_file = folder.logits(&format!("{TINY} --lut drum-4 --assign assign.json -o report.json"));
    let set =
        "--set conv*:mode=quant,act_bits=6 --set fc?:lut=mitchell,coding=affine --set fc2:mode=noise,noise_std=0.25";
    assert_eq!(folder.logits(&format!("{TINY} --lut drum-4 {set}")), by_file);
    // The report decides every layer by itself.
    assert_eq!(folder.logits(&format!("{TINY} --assign report.json")), by_file);
    let assignment = folder.read_json("report.json")["config"]["assignment"].to_string();
    folder.write("again.json", assignment);
    assert_eq!(folder.logits(&format!("{TINY} --assign again.json")), by_file);
    // What is set comes after what is read.
    let exact = folder.logits(&format!("{TINY} --mode base"));
    assert_eq!(folder.logits(&format!("{TINY} --set *:mode=base --assign assign.json --set *:mode=base")), exact);
    // So does that of a run without rules.
    for args in
        ["--lut drum-4 --swap-operands", "--mode noise --noise-std 0.1", "--mode quant --act-bits 5", "--mode base"]
    {
        let plain = folder.logits(&format!("{TINY} {args} -o plain.json"));
        assert_eq!(folder.logits(&format!("{TINY} --assign plain.json")), plain, "{args}");
    }
}

#[test]
fn rules_that_cannot_be_meant() {
    let (_, folder) = Tiny::folder(144);
    folder.write("bad.json", r#"{"schema":1,"rules":[{"layers":"conv1","mode":"slow"}]}"#);
    let cases = [
        ("--set conv3:mode=quant", &["'conv3'", "conv1", "conv2"][..]),
        ("--set fc1.*:mode=quant", &["'fc1.*'", "fc1"]),
        ("--set conv1:mode=approx", &["conv1", "multiplier"]),
        ("--set conv1:lut=dram-4", &["conv1", "dram-4", "drum-4"]),
        ("--lut drum-4 --set conv1:coding=signed --set fc1:coding=signed,lut=udm", &["signed"]),
        ("--set conv1:lut=drum-4,mode=quant,act_bits=9", &["--set", "act_bits", "9"]),
        ("--set conv1:mode=fast", &["--set", "fast", "approx"]),
        ("--set conv1", &["--set", "PATTERN:key=value"]),
        ("--set conv1:modes=quant", &["--set", "'modes'", "'mode'"]),
        ("--assign nowhere.json", &["--assign", "nowhere.json"]),
        ("--assign bad.json", &["--assign", "bad.json", "rule 1", "slow"]),
        ("--assign tiny/config.json", &["--assign", "tiny/config.json", "rules"]),
    ];
    for_each_case(cases, |(args, needles)| {
        let run = folder.refuses(&format!("{TINY} {args}"), &[]);
        for needle in needles {
            assert!(run.stderr.contains(needle), "{args}: no '{needle}' in {}", run.stderr);
        }
    });
}

/// A layer without a multiplier of its own has the coding `signed`: where that differs from the others',
/// every format shows coding and integers.
#[test]
fn codings_that_differ_are_shown_layer_by_layer() {
    let (_, folder) = Tiny::folder(145);
    let args = format!("{TINY} --mode quant --set fc*:lut=drum-4");
    let report = folder.json(&format!("{args} -o r.md -o r.csv"));
    assert_eq!(text(&report, "/config/coding"), "sign-magnitude");
    let layers = report["layers"].as_array().unwrap();
    let codings: Vec<&str> = layers.iter().map(|layer| text(layer, "/coding")).collect();
    assert_eq!(codings, ["signed", "signed", "sign-magnitude", "sign-magnitude", "sign-magnitude"]);
    let ranges: Vec<&Value> = layers.iter().map(|layer| &layer["input_range"]).collect();
    assert_eq!(ranges[..2], [&json!([-127, 127]); 2]);
    assert_eq!(ranges[2..], [&json!([0, 255]); 3]);
    let csv = csv_rows(&folder.read("r.csv"));
    let other = csv[0].iter().position(|name| name == "other_codings").unwrap();
    let expected = "conv1: signed, -127 to 127, weights -127 to 127; conv2: signed, -127 to 127, weights -127 to 127";
    assert_eq!(csv[1][other], expected);
    let table = folder.run_to(0, &args).stdout;
    for shown in [table, String::from_utf8(folder.read("r.md")).unwrap()] {
        assert!(shown.contains("sign-magnitude, another in 2 of 5 quantized layers"), "{shown}");
        // Columns that do not fit follow below.
        let row = |name: &str| shown.lines().filter(|line| line.contains(name)).collect::<String>();
        assert!(row("conv2").contains("signed") && row("conv2").contains("-127 to 127"), "{shown}");
        let row = row("fc2");
        assert!(row.contains("sign-magnitude") && row.contains("0 to 255"), "{shown}");
    }
    // Said for all layers, the multiplier is that of the exact ones too.
    let args = format!("{TINY} --lut drum-4 --set conv*:mode=quant");
    let report = folder.json(&format!("{args} -o r.csv"));
    assert!(report["layers"].as_array().unwrap().iter().all(|layer| layer["coding"] == "sign-magnitude"), "{report:#}");
    assert_eq!(csv_rows(&folder.read("r.csv"))[1][other], "");
    assert!(!folder.run_to(0, &args).stdout.contains("another in 2 of 5 quantized"));
    // Or by a rule for all layers, the exact ones included.
    let rule = format!("{TINY} --set *:lut=drum-4 --set conv*:mode=quant");
    assert_eq!(folder.logits(&rule), folder.logits(&args));
}
