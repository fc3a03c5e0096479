//! Files of quantization parameters: one run's calibration serves another.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::network::{TINY, Tiny};
use serde_json::{Value, json};

#[test]
fn saved_parameters_give_the_same_bits() {
    let (_, folder) = Tiny::folder(80);
    let cases = [
        "--mode quant",
        "--mode quant --weight-scheme per-tensor",
        "--mode quant --coding affine --act-bits 5",
        "--mode approx --lut drum-4",
        "--mode approx --lut drum-4 --coding affine --act-scheme symmetric",
        "--mode approx --lut mitchell --calib percentile:99",
        "--mode noise --noise-std 0.2",
    ];
    for_each_case(cases, |options| {
        let saved = folder.logits(&format!("{TINY} {options} --save-qparams q.json"));
        assert_eq!(folder.logits(&format!("{TINY} {options} --qparams q.json")), saved, "{options}");
        // Nothing is observed: no calibration set is needed.
        let report = folder.json(&format!("{TINY} {options} --qparams q.json --save-qparams again.json"));
        assert_eq!(report["config"]["quantization"]["source"], "qparams");
        assert_eq!(folder.read_json("again.json"), folder.read_json("q.json"), "{options}");
    });
}

#[test]
fn base_mode_can_save_them_too() {
    let (_, folder) = Tiny::folder(81);
    folder.run_to(0, &format!("{TINY} --mode base --save-qparams base.json"));
    folder.run_to(0, &format!("{TINY} --mode quant --save-qparams quant.json"));
    assert_eq!(folder.read_json("base.json"), folder.read_json("quant.json"));
}

#[test]
fn the_schema_is_the_documented_one() {
    let (_, folder) = Tiny::folder(82);
    folder.run_to(0, &format!("{TINY} --mode quant --save-qparams q.json"));
    let file = folder.read_json("q.json");
    assert_eq!(file["schema"], 1);
    let layers: Vec<&String> = file["layers"].as_object().unwrap().keys().collect();
    assert_eq!(layers, ["conv1", "conv2", "fc1", "fc2", "fc3"]);
    for (layer, outputs) in [("conv1", 6), ("conv2", 16), ("fc1", 120), ("fc2", 84), ("fc3", 7)] {
        let Value::Object(layer) = &file["layers"][layer] else { panic!("{file}") };
        let (input, weight) = (&layer["input"], &layer["weight"]);
        assert!(input["scale"].as_f64().unwrap() > 0.0);
        assert_eq!((&input["zero_point"], &input["q_min"], &input["q_max"]), (&json!(0), &json!(-127), &json!(127)));
        assert_eq!((weight["scale"].as_array().unwrap().len(), &weight["axis"]), (outputs, &json!(0)));
        assert_eq!((&weight["q_min"], &weight["q_max"]), (&json!(-127), &json!(127)));
    }
}

/// Integer-only inference has grids of the values between layers: saved, they give the same bits without a calibration
/// set, and an observer finds them as it finds those of layers.
#[test]
fn integers_between_layers_are_saved_too() {
    let folder = Folder::new();
    let run = "-m resnet8 -n 20 --mode quant --requantize once";
    let found = folder.logits(&format!("{run} --save-qparams q.json"));
    let values = folder.read_json("q.json")["values"].clone();
    assert!(values["fc"]["scale"].as_f64().unwrap() > 0.0, "{values}");
    assert_eq!(folder.logits(&format!("{run} --qparams q.json")), found);
    folder.run_to(0, &format!("{run} --calib moving-average --save-qparams average.json"));
    let average = folder.read_json("average.json")["values"].clone();
    let scale = |values: &Value| values["fc"]["scale"].as_f64().unwrap();
    assert!(scale(&average) < scale(&values), "an average of extremes is below the largest: {average}");
}

/// A folder with good parameters as a value to spoil, and what refuses them.
fn spoil(seed: u64, options: &str) -> (Folder, Value, String) {
    let (_, folder) = Tiny::folder(seed);
    folder.run_to(0, &format!("{TINY} {options} --save-qparams good.json"));
    let good = folder.read_json("good.json");
    (folder, good, format!("{TINY} {options} --qparams q.json -o report.json"))
}

#[test]
fn wrong_parameters_name_the_file_and_the_layer() {
    let (folder, good, args) = spoil(83, "--mode quant");
    let cases = [
        ("/layers/fc2/input/scale", json!(0.0), &["fc2", "scale"][..]),
        ("/layers/fc2/input/scale", json!(-0.1), &["fc2", "scale"]),
        ("/layers/fc2/input/scale", json!(1e300), &[]),
        ("/layers/conv2/weight/scale", json!([0.1, 0.2]), &["conv2", "16"]),
        ("/layers/conv2/weight/scale", json!([]), &["conv2"]),
        ("/layers/conv2/weight/scale", json!(vec![0.0; 16]), &["conv2", "scale"]),
        ("/layers/conv2/weight/zero_point", json!(vec![0; 15]), &["conv2"]),
        ("/layers/conv2/weight/axis", json!(1), &["conv2", "axis"]),
        ("/layers/fc1/input/zero_point", json!(200), &["fc1", "zero point"]),
        ("/layers/fc1/input/q_max", json!(300), &["fc1", "300"]),
        ("/layers/fc1/input/q_min", json!(127), &["fc1"]),
        ("/layers/fc1/input/scale", json!("wide"), &[]),
        ("/layers/fc1/input", Value::Null, &[]),
        ("/schema", json!(2), &["schema"]),
        ("/layers", json!([]), &[]),
    ];
    for_each_case(cases, |(pointer, value, needles)| {
        let mut file = good.clone();
        *file.pointer_mut(pointer).unwrap() = value;
        folder.write("q.json", file.to_string());
        folder.refuses(&args, &[&["q.json"], needles].concat());
    });
    for text in ["", "{", "[]", "\u{1}\u{2}", r#"{"schema":1}"#] {
        folder.write("q.json", text);
        folder.refuses(&args, &["q.json"]);
    }
}

#[test]
fn missing_layers_are_named() {
    let (folder, mut file, args) = spoil(84, "--mode quant");
    file["layers"].as_object_mut().unwrap().remove("conv2");
    file["layers"].as_object_mut().unwrap().remove("fc3");
    folder.write("q.json", file.to_string());
    folder.refuses(&args, &["--qparams", "q.json", "conv2", "fc3"]);
}

#[test]
fn layers_that_are_not_there_are_noted() {
    let (folder, mut file, _) = spoil(85, "--mode quant");
    file["layers"]["fc9"] = file["layers"]["fc1"].clone();
    folder.write("q.json", file.to_string());
    let run = folder.run_to(0, &format!("{TINY} --mode quant --qparams q.json --format json"));
    assert!(run.json()["notes"].to_string().contains("fc9"), "{run:?}");
    assert!(run.stderr.contains("fc9"), "{run:?}");
}

#[test]
fn sign_magnitude_has_no_zero_points() {
    let (folder, good, args) = spoil(86, "--mode approx --lut exact");
    for pointer in ["/layers/fc2/input/zero_point", "/layers/fc2/weight/zero_point/3"] {
        let mut file = good.clone();
        *file.pointer_mut(pointer).unwrap() = json!(3);
        folder.write("q.json", file.to_string());
        folder.refuses(&args, &["q.json", "fc2", "sign-magnitude"]);
    }
}

/// Operands of the other half of the byte move by 128 with their zero points, which changes nothing.
#[test]
fn ranges_shift_by_128_into_the_coding() {
    let (_, folder) = Tiny::folder(87);
    folder.run_to(0, &format!("{TINY} --mode quant --coding affine --save-qparams affine.json"));
    folder.run_to(0, &format!("{TINY} --mode quant --coding signed --act-scheme affine --save-qparams signed.json"));
    for (file, lut, coding) in [("affine.json", "exact-signed", "signed"), ("signed.json", "exact", "affine")] {
        let plain = folder.logits(&format!("{TINY} --mode quant --qparams {file}"));
        for mode in ["quant", "approx"] {
            let args = format!("{TINY} --mode {mode} --lut {lut} --coding {coding} --qparams {file}");
            assert_eq!(folder.logits(&args), plain, "{args}");
            let report = folder.json(&args);
            assert!(report["notes"].to_string().contains("128"), "{args}: {}", report["notes"]);
            assert_eq!(report["layers"][0]["shifted"], true);
        }
        let report = folder.json(&format!("{TINY} --mode quant --qparams {file}"));
        assert_eq!((&report["notes"], &report["layers"][0]["shifted"]), (&json!([]), &json!(false)));
    }
}

/// A single scale stands for all channels.
#[test]
fn one_scale_is_per_tensor() {
    let (folder, mut file, _) = spoil(88, "--mode quant --weight-scheme per-tensor");
    let expected = folder.logits(&format!("{TINY} --mode quant --qparams good.json"));
    for layer in file["layers"].as_object_mut().unwrap().values_mut() {
        let scale = layer["weight"]["scale"][0].clone();
        layer["weight"]["scale"] = scale;
        layer["weight"]["zero_point"] = json!(0);
    }
    folder.write("q.json", file.to_string());
    assert_eq!(folder.logits(&format!("{TINY} --mode quant --qparams q.json")), expected);
}

/// Parameters that reach past a narrow multiplier's operands cannot be looked up.
#[test]
fn parameters_wider_than_the_lut_are_refused() {
    let (folder, good, _) = spoil(89, "--mode quant --coding sign-magnitude");
    let rows = (0..16).map(|a| (0..16).map(|b| (a * b).to_string()).collect::<Vec<_>>().join(",") + "\n");
    folder.write("mul4.csv", rows.collect::<String>());
    folder.write("q.json", good.to_string());
    folder.run_to(0, &format!("{TINY} --mode approx --lut mul4.csv"));
    folder.refuses(&format!("{TINY} --mode approx --lut mul4.csv --qparams q.json"), &["q.json", "conv1"]);
}

/// Integers of 4 bits are operands of a 4x4 multiplier, moved by half of what 4 bits hold where they must be.
#[test]
fn four_bits_meet_a_narrow_multiplier() {
    let (_, folder) = Tiny::folder(91);
    let table = |low: i32| -> String {
        let row = |a: i32| (low..low + 16).map(|b| (a * b).to_string()).collect::<Vec<_>>().join(",") + "\n";
        (low..low + 16).map(row).collect()
    };
    folder.write("mul4.csv", table(0));
    folder.write("mul4s.csv", table(-8));
    let cases = [
        // As they are; unsigned activations moved to where TensorFlow Lite has them; under the coding of other tables.
        ("sign-magnitude", "sign-magnitude", "mul4.csv", 0),
        ("sign-magnitude", "sign-magnitude", "mul4.csv", -8),
        ("affine", "affine", "mul4.csv", 0),
        ("affine", "signed", "mul4s.csv", 0),
        ("signed", "signed", "mul4s.csv", 0),
        ("signed", "affine", "mul4.csv", 0),
    ];
    for_each_case(cases, |(found, used, lut, by)| {
        let bits = "--act-bits 4 --weight-bits 4 --save-qparams q.json";
        folder.run_to(0, &format!("{TINY} --mode quant --coding {found} {bits}"));
        let mut file = folder.read_json("q.json");
        let mut moved = false;
        for layer in file["layers"].as_object_mut().unwrap().values_mut() {
            let input = layer["input"].as_object_mut().unwrap();
            if input["q_min"] == json!(0) && by != 0 {
                let integers = input.values_mut().filter(|value| value.is_i64());
                integers.for_each(|value| *value = json!(value.as_i64().unwrap() + by));
                moved = true;
            }
        }
        assert_eq!(moved, by != 0, "{file}");
        folder.write("q.json", file.to_string());
        let quant = folder.logits(&format!("{TINY} --mode quant --qparams q.json"));
        let args = format!("{TINY} --lut {lut} --coding {used} --qparams q.json");
        assert_eq!(folder.logits(&args), quant, "{args}");
        let report = folder.json(&args);
        assert_eq!(report["luts"][0]["wce"], 0, "{report:#}");
        let layers = report["layers"].as_array().unwrap();
        let is_shifted = layers.iter().any(|layer| layer["shifted"] == json!(true));
        assert_eq!(is_shifted, found != used || by != 0, "{report:#}");
    });
}

/// Integers of one coding under another are as many, but not the ranges that calibration would give.
#[test]
fn parameters_of_another_coding_are_noted_both_ways() {
    let (_, folder) = Tiny::folder(90);
    let save = |options: &str, file: &str| folder.run_to(0, &format!("{TINY} {options} --save-qparams {file}"));
    save("--mode quant", "signed.json");
    save("--mode quant --coding sign-magnitude", "sign-magnitude.json");
    save("--mode quant --coding affine --act-scheme symmetric", "affine.json");
    assert_eq!(folder.read_json("signed.json")["layers"]["conv1"]["coding"], "signed");
    let codings = [("signed", "exact-signed"), ("sign-magnitude", "exact"), ("affine", "exact")];
    for (found, _) in codings {
        for (used, lut) in codings {
            for mode in ["approx", "quant"] {
                let args = format!("{TINY} --mode {mode} --lut {lut} --coding {used} --qparams {found}.json");
                let run = folder.run_to(0, &format!("{args} --format json"));
                let notes = run.json()["notes"].to_string();
                let expected = format!("5 layers were found under coding {found} and are used under {used}");
                assert_eq!(notes.contains(&expected), found != used, "{args}: {notes}");
                assert_eq!(run.stderr.contains(&expected), found != used, "{args}: {run:?}");
            }
        }
        // Without a multiplier they are used as they are, and the report says of which coding they are.
        let report = folder.json(&format!("{TINY} --mode quant --qparams {found}.json"));
        assert_eq!((&report["config"]["coding"], &report["notes"]), (&json!(found), &json!([])));
        // Saved again, they still say so.
        folder.run_to(0, &format!("{TINY} --mode quant --qparams {found}.json --save-qparams again.json"));
        assert_eq!(folder.read_json("again.json"), folder.read_json(&format!("{found}.json")));
    }
    // Only the layers that it concerns.
    let args = format!("{TINY} --mode quant --qparams signed.json --set fc*:lut=exact --set fc1:mode=base");
    assert!(folder.json(&args)["notes"].to_string().contains("2 layers were found under coding signed"));
    // Files that do not say it, and codings that nobody knows.
    let mut file = folder.read_json("signed.json");
    file["layers"].as_object_mut().unwrap().values_mut().for_each(|layer| layer["coding"] = Value::Null);
    folder.write("silent.json", file.to_string());
    assert_eq!(folder.json(&format!("{TINY} --lut exact --qparams silent.json"))["notes"], json!([]));
    // Used as they are, nobody knows of which coding they are, and what is saved does not claim one.
    let report = folder.json(&format!("{TINY} --mode quant --qparams silent.json --save-qparams again.json"));
    assert_eq!((&report["config"]["coding"], &report["layers"][0]["coding"]), (&Value::Null, &Value::Null));
    let mut again = folder.read_json("again.json");
    again["layers"].as_object_mut().unwrap().values_mut().for_each(|layer| {
        assert_eq!(layer.as_object_mut().unwrap().insert("coding".to_owned(), Value::Null), None);
    });
    assert_eq!(again, file);
    let shown = folder.run_to(0, &format!("{TINY} --mode quant --qparams silent.json"));
    assert!(!shown.stdout.contains("coding"), "{shown:?}");
    file["layers"]["fc1"]["coding"] = json!("unary");
    folder.write("unary.json", file.to_string());
    folder.refuses(&format!("{TINY} --lut exact --qparams unary.json"), &["unary.json", "'unary'"]);
}
