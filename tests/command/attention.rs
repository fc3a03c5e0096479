//! Products of two activations as layers: what they compute, how they are named, and what reports say of them.

use crate::common::cases::for_each_case;
use crate::common::files::{Table, float_set, read_logits};
use crate::common::markdown::{blocks, of_the_project};
use crate::common::network::Array;
use crate::common::onnx::{Attr, Onnx};
use crate::common::random::Random;
use crate::common::{Folder, integer, number, text};
use Attr::{Int, Ints};
use serde_json::{Value, json};

const SAMPLES: usize = 12;
const TOKENS: usize = 5;
const WIDTH: usize = 6;
const CLASSES: usize = 3;

const QK: &str = "blocks.0.attn.qk";
const AV: &str = "blocks.0.attn.av";

/// One head of attention, as exporters write it: tokens times gains by tokens, a softmax, its weights by tokens,
/// and a linear layer.
struct Attention {
    gains: Array,
    head: Array,
    images: Vec<f32>,
}

const NET: &str = "--model net.onnx --data set.safetensors --calib-data set.safetensors";

impl Attention {
    /// The network and its set, in a folder.
    fn folder() -> (Self, Folder) {
        let mut random = Random::new(190);
        let gains = Array { shape: vec![WIDTH], values: random.floats(WIDTH, 0.3, 1.5) };
        let head =
            Array { shape: vec![TOKENS * WIDTH, CLASSES], values: random.floats(TOKENS * WIDTH * CLASSES, -1.0, 1.0) };
        let images = random.floats(SAMPLES * TOKENS * WIDTH, -1.5, 1.0);
        let mut net = Onnx::new(17, &[1, TOKENS, WIDTH]);
        net.ints("tokens", &[0, TOKENS as i64, WIDTH as i64]).op("Reshape", &["x", "tokens"], "t", &[]);
        net.tensor("gains", &gains).op("Mul", &["t", "gains"], "q", &[]);
        net.op("Transpose", &["t"], "k", &[("perm", Ints(&[0, 2, 1]))]);
        net.node("/blocks/blocks.0/attn/MatMul", "MatMul", &["q", "k"], &["scores"], &[]);
        net.op("Softmax", &["scores"], "weights", &[("axis", Int(-1))]);
        net.node("/blocks/blocks.0/attn/MatMul_1", "MatMul", &["weights", "t"], &["mix"], &[]);
        net.op("Flatten", &["mix"], "flat", &[]).tensor("head.weight", &head);
        net.node("/head/MatMul", "MatMul", &["flat", "head.weight"], &["logits"], &[]);
        let folder = Folder::new();
        folder.write("net.onnx", net.bytes("logits"));
        let labels: Vec<u8> = (0..SAMPLES).map(|i| (i % CLASSES) as u8).collect();
        folder.write("set.safetensors", float_set([SAMPLES, 1, TOKENS, WIDTH], &images, &labels));
        (Attention { gains, head, images }, folder)
    }

    /// The logits where both products are of quantized integers and each has `term`, the rest in real numbers.
    fn logits(&self, qparams: &Value, term: impl Fn(i64, i64) -> i64) -> Vec<Vec<f64>> {
        let product = |layer: &str, a: &[Vec<f64>], b: &[Vec<f64>]| -> Vec<Vec<f64>> {
            let operand = |key: &str| {
                let of = |field: &str| {
                    let value = &qparams["layers"][layer][key][field];
                    value.as_f64().or_else(|| value[0].as_f64()).unwrap()
                };
                (of("scale"), of("zero_point"), of("q_min"), of("q_max"))
            };
            let quantize = |x: &f64, (scale, zero, low, high): (f64, f64, f64, f64)| {
                ((x / scale).round_ties_even() + zero).clamp(low, high) as i64
            };
            let (first, second) = (operand("input"), operand("weight"));
            let (z_a, z_b) = (first.1 as i64, second.1 as i64);
            let row = |a: &Vec<f64>| {
                let column = |j: usize| {
                    let terms = a.iter().zip(b).map(|(a, b)| {
                        let (a, b) = (quantize(a, first), quantize(&b[j], second));
                        term(a, b) - z_b * a - z_a * b + z_a * z_b
                    });
                    terms.sum::<i64>() as f64 * first.0 * second.0
                };
                (0..b[0].len()).map(column).collect()
            };
            a.iter().map(row).collect()
        };
        let sample = |image: &[f32]| {
            let tokens: Vec<Vec<f64>> =
                image.chunks(WIDTH).map(|row| row.iter().map(|&x| f64::from(x)).collect()).collect();
            let scaled =
                |row: &Vec<f64>| row.iter().zip(&self.gains.values).map(|(x, &g)| f64::from(*x as f32 * g)).collect();
            let queries: Vec<Vec<f64>> = tokens.iter().map(scaled).collect();
            let keys: Vec<Vec<f64>> = (0..WIDTH).map(|j| tokens.iter().map(|row| row[j]).collect()).collect();
            let softmax = |row: &Vec<f64>| {
                let exp: Vec<f64> = row.iter().map(|x| x.exp()).collect();
                exp.iter().map(|x| x / exp.iter().sum::<f64>()).collect()
            };
            let weights: Vec<Vec<f64>> = product(QK, &queries, &keys).iter().map(softmax).collect();
            let flat = product(AV, &weights, &tokens).concat();
            let head = |class: usize| {
                flat.iter().enumerate().map(|(i, x)| x * f64::from(self.head.values[i * CLASSES + class])).sum()
            };
            (0..CLASSES).map(head).collect()
        };
        self.images.chunks(TOKENS * WIDTH).map(sample).collect()
    }
}

/// A multiplier that tells its operands apart.
fn crooked(a: i32, b: i32) -> i32 {
    a * b + 2 * a - 3 * b - (a & 7) * (b & 3) + 20
}

/// `lut[first][second]` in the graph's order, under every coding, with the scales that the command says it used.
#[test]
fn products_are_looked_up_in_the_order_of_the_graph() {
    let (net, folder) = Attention::folder();
    folder.write("unsigned.safetensors", Table::unsigned(crooked).native("unsigned"));
    folder.write("signed.safetensors", Table::signed(crooked).native("signed"));
    let plain = |a: i64, b: i64| i64::from(crooked(a as i32, b as i32));
    let magnitude =
        |a: i64, b: i64| if (a < 0) == (b < 0) { plain(a.abs(), b.abs()) } else { -plain(a.abs(), b.abs()) };
    let term = |options: &str, a: i64, b: i64| {
        let is_magnitude = options.contains("unsigned") && !options.contains("affine");
        if is_magnitude { magnitude(a, b) } else { plain(a, b) }
    };
    let cases = [
        "--lut signed.safetensors",
        "--lut signed.safetensors --act-scheme affine",
        "--lut unsigned.safetensors",
        "--lut unsigned.safetensors --coding affine",
        "--lut unsigned.safetensors --coding affine --act-scheme symmetric --act-bits 6",
    ];
    for_each_case(cases, |options| {
        let run = format!("{NET} --mode base --attention approx {options}");
        let args = format!("{run} --save-qparams q.json --logits l.safetensors");
        folder.run_to(0, &args);
        let found = read_logits(&folder.read("l.safetensors"));
        let expected = net.logits(&folder.read_json("q.json"), |a, b| term(options, a, b));
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((f64::from(*found) - expected).abs() < 2e-4, "{found}, expected {expected}");
        }
        // The operands exchanged are another multiplier.
        assert!(folder.logits(&format!("{run} --swap-operands")) != folder.logits(&run));
    });
}

#[test]
fn exact_tables_and_noise_of_nothing_equal_quant() {
    let (_, folder) = Attention::folder();
    for_each_case(["--coding signed --lut exact-signed", "--lut exact", "--lut exact --coding affine"], |options| {
        let quant = folder.logits(&format!("{NET} --mode quant --attention quant {options}"));
        for modes in
            ["--mode approx --attention approx", "--mode noise --attention noise", "--mode quant --attention approx"]
        {
            assert_eq!(folder.logits(&format!("{NET} {modes} {options}")), quant, "{modes}");
        }
        let threads = folder.logits(&format!("{NET} --mode approx --attention approx {options} -j 3 -b 5"));
        assert_eq!(threads, quant);
        assert_ne!(folder.logits(&format!("{NET} --mode quant {options}")), quant, "attention in fp32");
    });
}

/// Mode of each layer, by name.
fn modes(report: &Value) -> Vec<(String, String)> {
    let layers = report["layers"].as_array().unwrap().iter();
    layers.map(|layer| (text(layer, "/name").to_owned(), text(layer, "/mode").to_owned())).collect()
}

#[test]
fn products_stay_in_fp32_until_they_are_named() {
    let (_, folder) = Attention::folder();
    let cases = [
        ("--lut drum-4", ["base", "base", "approx"]),
        ("--mode quant", ["base", "base", "quant"]),
        ("--set *:lut=drum-4", ["base", "base", "approx"]),
        ("--lut drum-4 --attention quant", ["quant", "quant", "approx"]),
        ("--lut drum-4 --attention approx", ["approx", "approx", "approx"]),
        ("--attention noise --noise-std 0.1", ["noise", "noise", "base"]),
        ("--set *.qk:lut=drum-4", ["approx", "base", "base"]),
        ("--lut drum-4 --set blocks.0.attn.*:mode=quant", ["quant", "quant", "approx"]),
        ("--lut drum-4 --attention approx --set *.av:mode=base", ["approx", "base", "approx"]),
        ("--lut drum-4 --set *:attention=quant", ["quant", "quant", "approx"]),
    ];
    for_each_case(cases, |(options, expected)| {
        folder.run_to(0, &format!("{NET} {options} -o report.json"));
        let report = folder.read_json("report.json");
        let expected: Vec<(String, String)> =
            [QK, AV, "head"].iter().zip(expected).map(|(name, mode)| ((*name).to_owned(), mode.to_owned())).collect();
        assert_eq!(modes(&report), expected, "{options}");
        // What the report says of attention, it says wherever some of it stays in fp32 alone.
        let notes = report["notes"].to_string();
        let alone = expected[..2].iter().filter(|(_, mode)| mode == "base").count();
        assert_eq!(notes.contains(&format!("{alone} products of two activations")), alone > 0, "{options}: {notes}");
        assert_eq!(notes.contains("stay in fp32"), alone > 0, "{options}: {notes}");
        // A saved report runs the same layers again, to the bit.
        assert_eq!(folder.logits(&format!("{NET} --assign report.json")), folder.logits(&format!("{NET} {options}")));
    });
    let notes = folder.json(&format!("{NET} --mode base"))["notes"].to_string();
    assert!(!notes.contains("products of two activations"), "all is in fp32: {notes}");
}

#[test]
fn reports_count_products_with_what_multiplies_them() {
    let (_, folder) = Attention::folder();
    let report = folder.json(&format!("{NET} --lut drum-4 --set *.qk:mode=quant"));
    let products = (TOKENS * TOKENS * WIDTH) as u64;
    let head = (TOKENS * WIDTH * CLASSES) as u64;
    let total = |per_sample: u64| json!(per_sample * SAMPLES as u64);
    let expected = json!({"drum-4": total(head), "exact": total(products), "fp32": total(products)});
    assert_eq!(report["opcount"]["by_multiplier"], expected);
    let [qk, av] = [0, 1].map(|i| &report["layers"][i]);
    assert_eq!((text(qk, "/kind"), integer(qk, "/fan_in"), &qk["weight_shape"]), ("matmul", WIDTH as u64, &json!([])));
    assert_eq!((integer(av, "/fan_in"), &av["output_shape"]), (TOKENS as u64, &json!([TOKENS, WIDTH])));
    assert!(number(qk, "/second_scale") > 0.0 && number(qk, "/input_scale") > 0.0);
    assert_eq!((&qk["second_zero_point"], &av["second_scale"]), (&json!(0), &Value::Null));
    assert_eq!((&qk["weight_range"], &report["layers"][2]["second_scale"]), (&json!([-127, 127]), &Value::Null));
    // Against exact products, attention that is in fp32 stays there.
    let compared = folder.json(&format!("{NET} --lut exact --compare quant"));
    assert_eq!(integer(&compared, "/comparisons/0/flips"), 0);
}

#[test]
fn parameters_are_saved_and_read() {
    let (_, folder) = Attention::folder();
    for_each_case(["--lut drum-4", "--lut drum-4 --coding affine", "--mode quant"], |options| {
        let saved = folder.logits(&format!("{NET} {options} --attention quant --save-qparams q.json"));
        let qparams = folder.read_json("q.json");
        for name in [QK, AV] {
            let weight = &qparams["layers"][name]["weight"];
            assert_eq!((weight["scale"].as_array().unwrap().len(), &weight["axis"]), (1, &Value::Null), "{name}");
        }
        assert_eq!(qparams["layers"]["head"]["weight"]["axis"], 0);
        let known = "--model net.onnx --data set.safetensors --qparams q.json";
        assert_eq!(folder.logits(&format!("{known} {options} --attention quant")), saved, "{options}");
    });
    let mut qparams = folder.read_json("q.json");
    qparams["layers"][QK]["weight"]["scale"] = json!([0.1, 0.2]);
    qparams["layers"][QK]["weight"]["zero_point"] = json!([0, 0]);
    folder.write("two.json", qparams.to_string());
    let known = "--model net.onnx --data set.safetensors --mode quant --attention quant";
    folder.refuses(&format!("{known} --qparams two.json"), &[QK, "two.json", "2 weight scales"]);
    // A product that is named needs its own, and one that is not, none.
    qparams["layers"].as_object_mut().unwrap().remove(QK);
    folder.write("without.json", qparams.to_string());
    folder.refuses(&format!("{known} --qparams without.json"), &[QK, "--qparams"]);
    folder.run_to(0, "--model net.onnx --data set.safetensors --mode quant --qparams without.json");
}

#[test]
fn errors_and_noise_are_those_of_products_too() {
    let (_, folder) = Attention::folder();
    let measured = folder.json(&format!("{NET} --mode quant --attention approx --lut drum-3 --layer-errors"));
    let args = format!("{NET} --mode quant --attention noise --noise-from-lut drum-3 --coding sign-magnitude");
    let noisy = folder.json(&args);
    for i in 0..2 {
        let (error, noise) = (&measured["layers"][i]["error"], &noisy["layers"][i]["noise"]);
        assert!(number(error, "/relative_std") > 0.0);
        assert_eq!(number(noise, "/stdev"), number(error, "/relative_std"));
        assert_eq!(number(noise, "/mean"), number(error, "/mean"));
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let (_, folder) = Attention::folder();
    folder.refuses(&format!("{NET} --attention approx"), &["approx", "LUT"]);
    folder.refuses(&format!("{NET} --set *.qk:mode=approx"), &[QK, "multiplier"]);
    folder.refuses(&format!("{NET} --attention exact"), &["--attention", "exact"]);
    folder.refuses(&format!("{NET} --set *:attention=on"), &["attention", "quant"]);
    // A network without any.
    let notes = folder.json("--mode quant --attention quant --limit 20")["notes"].to_string();
    assert!(notes.contains("no products of two activations"), "{notes}");
}

/// Layers of the zoo's transformers are called by the modules of their libraries.
#[test]
fn transformers_of_the_zoo_name_their_products() {
    let folder = Folder::new();
    let cases = [
        ("vit_b_16", "encoder.layers.encoder_layer_11.self_attention", [12 * 197 * 197 * 64, 197]),
        ("deit_tiny", "blocks.11.attn", [3 * 197 * 197 * 64, 197]),
        ("vit_micro", "blocks.2.attn", [3 * 17 * 17 * 16, 17]),
    ];
    for_each_case(cases, |(name, module, [opcount, tokens])| {
        let info = folder.json(&format!("model info {name}"));
        let layers = info["layers"].as_array().unwrap();
        let find = |part: &str| layers.iter().find(|layer| text(layer, "/name") == format!("{module}.{part}")).unwrap();
        for (part, fan_in) in
            [("qk", opcount / (tokens * tokens * if name == "vit_b_16" { 12 } else { 3 })), ("av", tokens)]
        {
            let layer = find(part);
            let found = (text(layer, "/kind"), integer(layer, "/opcount"), integer(layer, "/fan_in"));
            assert_eq!(found, ("matmul", opcount as u64, fan_in as u64), "{part}");
        }
    });
}

#[cfg(unix)]
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn every_command_of_the_page_runs() {
    let folder = Folder::new();
    let commands = blocks(&of_the_project("docs/attention.md"), "sh").concat();
    assert!(commands.lines().count() >= 3, "{commands}");
    for command in commands.lines() {
        let output = folder.shell(command).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
