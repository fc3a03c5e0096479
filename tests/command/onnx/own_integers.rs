//! The scales and integers of a file that is quantized already: they stay, layer by layer, and are what multipliers see.

use super::operators::{both, case};
use super::quantized::IMAGE;
use super::quantized_forms::conv;
use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::{float_set, read_logits};
use crate::common::onnx::{Attr, Onnx};
use crate::common::qdq::{integers, rounded, weight};
use crate::common::random::Random;
use Attr::Int;
use rten_onnx::onnx::DataType;
use serde_json::{Value, json};

const OPTIONS: &str = "--model net.onnx --data set.safetensors --layout nchw --logits l.safetensors";

/// A convolution of the file's own integers, of `zero_point` and `ty`.
fn own(net: &mut Onnx, ty: DataType, zero_point: i32) {
    rounded(net, "x", "x8", ty, 1.0 / 64.0, zero_point);
    weight(net, "conv.weight", &[3, 2, 3, 3], 0, 0.001);
    conv(net, &["x8", "conv.weight"], "c");
}

/// A weight of unsigned integers of zero point 128, as the value `name`.
fn unsigned_weight(net: &mut Onnx, name: &str, shape: &[usize], scale: f32) {
    let mut random = Random::new(3);
    let mut values: Vec<i32> = (0..shape.iter().product()).map(|_| random.below(256) as i32).collect();
    // The range of a constant is that of its integers.
    values[..2].copy_from_slice(&[0, 255]);
    let [ints, scales, zero] = ["_quantized", "_scale", "_zero"].map(|part| format!("{name}{part}"));
    integers(net, &ints, DataType::UINT8, shape, &values);
    integers(net, &zero, DataType::UINT8, &[], &[128]);
    net.scalar(&scales, scale).op("DequantizeLinear", &[&ints, &scales, &zero], name, &[]);
}

fn largest(numbers: &[f32]) -> f32 {
    numbers.iter().fold(0f32, |max, x| max.max(x.abs()))
}

/// Whether the logits written last are `expected` within rounding.
fn gives(folder: &Folder, expected: &[f32]) -> bool {
    let found = read_logits(&folder.read("l.safetensors")).concat();
    let differs = |(a, b): (&f32, &f32)| (a - b).abs() > 1e-5 * largest(expected);
    found.len() == expected.len() && !found.iter().zip(expected).any(differs)
}

/// A convolution of the file's integers, then a layer that the file leaves in floating point.
fn partial(net: &mut Onnx) {
    own(net, DataType::UINT8, 120);
    net.op("Flatten", &["c"], "f", &[]).random("fc.weight", &[5, 12]);
    net.op("Gemm", &["f", "fc.weight"], "y", &[("transB", Int(1))]);
}

/// Only layers without scales are calibrated; the file's stay to the bit.
#[test]
fn calibration_fills_the_gaps() {
    let folder = Folder::new();
    let alone = |net: &mut Onnx| {
        own(net, DataType::UINT8, 120);
        net.op("Identity", &["c"], "y", &[]);
    };
    let (_, inputs) = both(&folder, &case("the layer before", IMAGE, alone)).unwrap();
    let (_, expected) = both(&folder, &case("partial", IMAGE, partial)).unwrap();
    let run = folder
        .run_to(0, &format!("{OPTIONS} --mode quant --calib-data set.safetensors --save-qparams q.json --format json"));
    let (report, params) = (run.json(), folder.read_json("q.json"));
    let sources: Vec<&Value> = report["layers"].as_array().unwrap().iter().map(|layer| &layer["scales"]).collect();
    assert_eq!(sources, ["model-file", "calib-data"]);
    let quantization = &report["config"]["quantization"];
    assert_eq!((&quantization["source"], &quantization["path"]), (&json!("model-file"), &json!("net.onnx")));
    assert_eq!(quantization["calibrated"]["path"], "set.safetensors");
    let note = "scales of 1 of 2 quantized layers are those of the model's own file; 'fc' was calibrated";
    assert!(report["notes"].to_string().contains(note) && !run.stderr.contains(note), "{run:?}");
    let input = |layer: &str| &params["layers"][layer]["input"];
    assert_eq!(input("conv"), &json!({"scale": 1.0 / 64.0, "zero_point": 120, "q_min": 0, "q_max": 255}));
    // What calibration sees is what the file's own rounding leaves.
    let scale = input("fc")["scale"].as_f64().unwrap() as f32;
    assert!((scale * 127.0 / largest(&inputs) - 1.0).abs() < 1e-5, "{scale}, {}", largest(&inputs));
    let found = read_logits(&folder.read("l.safetensors")).concat();
    let furthest = found.iter().zip(&expected).fold(0f32, |max, (a, b)| max.max((a - b).abs()));
    assert!(furthest > 0.0 && furthest < 0.02 * largest(&expected), "{furthest} {expected:?}");
    // Widths change the layer that is calibrated, which the report says of the other.
    let report = folder.json(&format!("{OPTIONS} --mode quant --calib-data set.safetensors --act-bits 6"));
    let ranges: Vec<&Value> = report["layers"].as_array().unwrap().iter().map(|layer| &layer["input_range"]).collect();
    assert_eq!(ranges, [&json!([0, 255]), &json!([-31, 31])]);
    let note = "scales of 1 of 2 layers are those of the model's own file, which act_bits did not change";
    assert!(report["notes"].to_string().contains(note), "{report:#}");
    let table = folder.run_to(0, &format!("{OPTIONS} --mode quant --calib-data set.safetensors")).words();
    for part in ["parameters from net.onnx; other layers calibrated on", "model-file", "calib-data"] {
        assert!(table.contains(part), "{part}: {table}");
    }
}

/// Parameters that were given are used in place of the file's, which its nodes round to all the same.
#[test]
fn given_parameters_win_and_what_they_replace_is_said() {
    let folder = Folder::new();
    both(&folder, &case("partial", IMAGE, partial)).unwrap();
    folder.run_to(0, &format!("{OPTIONS} --mode quant --calib-data set.safetensors --save-qparams q.json"));
    let quant = folder.logits(&format!("{OPTIONS} --mode quant --calib-data set.safetensors"));
    let args = format!("{OPTIONS} --mode quant --qparams q.json");
    assert_eq!(folder.logits(&args), quant);
    assert!(!folder.run_to(0, &args).stderr.contains("rounded twice"));
    let mut params = folder.read_json("q.json");
    let own = params["layers"].as_object_mut().unwrap().remove("conv").unwrap();
    folder.write("q.json", params.to_string());
    // The file's own beside them.
    assert_eq!(folder.logits(&args), quant);
    params["layers"]["conv"] = own;
    params["layers"]["conv"]["input"]["scale"] = json!(0.1);
    folder.write("q.json", params.to_string());
    let run = folder.run_to(0, &args);
    assert!(
        run.stderr.contains("q.json has other quantization parameters") && run.stderr.contains("'conv'"),
        "{run:?}"
    );
}

/// The message names the layers, the option and the rule.
#[test]
fn layers_without_scales_need_data_or_a_rule() {
    let folder = Folder::new();
    let (_, expected) = both(&folder, &case("partial", IMAGE, partial)).unwrap();
    let needles = ["net.onnx", "1 of 2 layers, 'fc'", "'fc:mode=base'", "--calib-data", "--qparams", "--set"];
    folder.refuses(&format!("{OPTIONS} --mode quant"), &needles);
    folder.run_to(0, &format!("{OPTIONS} --mode quant --set fc:mode=base"));
    assert!(gives(&folder, &expected));
    // Nothing is calibrated for a layer that stays in base.
    let report = folder.json(&format!("{OPTIONS} --mode quant --set fc:mode=base --calib-data set.safetensors"));
    let notes = report["notes"].to_string();
    assert!(notes.contains("scales are those of the model's own file, which calib_data did not change"), "{notes}");
    assert!(gives(&folder, &expected));
}

/// One decision a file: where no operand is negative, unsigned multipliers take the integers as they are.
#[test]
fn unsigned_files_are_multiplied_as_they_are() {
    let folder = Folder::new();
    let network = |net: &mut Onnx| {
        rounded(net, "x", "x8", DataType::UINT8, 1.0 / 64.0, 100);
        unsigned_weight(net, "conv.weight", &[3, 2, 3, 3], 0.002);
        conv(net, &["x8", "conv.weight"], "y");
    };
    let (_, expected) = both(&folder, &case("unsigned", IMAGE, network)).unwrap();
    let run = folder.run_to(0, &format!("{OPTIONS} --lut exact --format json -o r.csv -o r.md"));
    let report = run.json();
    assert!(gives(&folder, &expected));
    let layer = &report["layers"][0];
    assert_eq!((&report["config"]["coding"], &layer["shifted"]), (&json!("affine"), &json!(false)));
    assert_eq!((&layer["weight_range"], &layer["weight_zero_points"]), (&json!([0, 255]), &json!([128, 128])));
    assert!(!run.stderr.contains("shifted"), "{run:?}");
    let [csv, markdown] = ["r.csv", "r.md"].map(|name| String::from_utf8(folder.read(name)).unwrap());
    assert!(csv.contains("weight_integers") && csv.contains("0 to 255, zero point 128"), "{csv}");
    assert!(markdown.contains("weight zero point"), "{markdown}");
    let table = folder.run_to(0, &format!("{OPTIONS} --lut exact")).words();
    assert!(table.contains("weights 0 to 255, zero point 128"), "{table}");
    let quant = folder.logits(&format!("{OPTIONS} --mode quant"));
    assert_eq!(folder.logits(&format!("{OPTIONS} --lut exact")), quant);
    // Signed multipliers multiply others, which is said with the coding that does not.
    let run = folder.run_to(0, &format!("{OPTIONS} --lut exact-signed"));
    for part in ["1 layer, 'conv', were shifted by 128", "other zero points than 0", "coding 'affine'"] {
        assert!(run.stderr.contains(part), "{part}: {run:?}");
    }
    assert_eq!(folder.logits(&format!("{OPTIONS} --lut exact-signed")), quant);
}

/// A file of which any integer may be negative keeps sign-magnitude; shifts to zero points of 0 are only noted.
#[test]
fn shifts_are_noted_or_warned_of() {
    // Type and zero point of activations, the coding, what the note says, and whether it is a warning.
    let (to_zero, signed) =
        ("shifted by 128 for their coding: their zero points are 0 now", "coding 'signed', of signed");
    let cases = [
        (DataType::INT8, -128, "", to_zero, false),
        (DataType::UINT8, 0, "", "", false),
        (DataType::UINT8, 0, "--coding affine", "coding 'sign-magnitude'", true),
        (DataType::UINT8, 7, "--coding affine", "no coding takes all of them as they are", true),
        (DataType::INT8, 5, "--coding affine", signed, true),
    ];
    for_each_case(cases, |(ty, zero_point, options, needle, is_warning)| {
        let folder = Folder::new();
        let mut net = Onnx::new(18, &IMAGE);
        own(&mut net, ty, zero_point);
        net.op("Flatten", &["c"], "out", &[]);
        folder.write("net.onnx", net.bytes("out"));
        let images = Random::new(9).floats(3 * 32, -2.0, 2.0);
        folder.write("set.safetensors", float_set([3, 2, 4, 4], &images, &[0; 3]));
        let quant = folder.logits(&format!("{OPTIONS} --mode quant"));
        let args = format!("{OPTIONS} --lut exact {options}");
        assert_eq!(folder.logits(&args), quant);
        let run = folder.run_to(0, &format!("{args} --format json"));
        let (notes, warned) = (run.json()["notes"].to_string(), run.stderr.contains("shifted by"));
        assert_eq!(warned, is_warning, "{run:?}");
        assert_eq!(notes.contains("shifted by"), !needle.is_empty(), "{notes}");
        assert!(notes.contains(needle) && run.stderr.contains(if is_warning { needle } else { "" }), "{notes}");
    });
}

/// Mode quant multiplies exactly, whatever the multiplier beside it could take.
#[test]
fn a_multiplier_that_is_not_looked_up_stops_nothing() {
    let folder = Folder::new();
    both(
        &folder,
        &case("zero points", IMAGE, |net| {
            own(net, DataType::UINT8, 120);
            net.op("Identity", &["c"], "y", &[]);
        }),
    )
    .unwrap();
    let rows = (0..16).map(|a| (0..16).map(|b| (a * b).to_string()).collect::<Vec<_>>().join(",") + "\n");
    folder.write("mul4.csv", rows.collect::<String>());
    let quant = folder.logits(&format!("{OPTIONS} --mode quant"));
    for lut in ["exact", "exact --coding affine", "exact-signed", "mul4.csv", "drum-4"] {
        assert_eq!(folder.logits(&format!("{OPTIONS} --mode quant --lut {lut}")), quant, "{lut}");
    }
    folder.refuses(&format!("{OPTIONS} --lut exact"), &["net.onnx", "'conv'", "sign-magnitude", "'affine'"]);
    folder.run_to(0, &format!("{OPTIONS} --lut exact --set conv:mode=base"));
}
