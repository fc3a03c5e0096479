//! Model directories, state dicts, quantization parameters, rules, costs, and reports that are read again.

use super::{damaged, each_content_is_refused};
use crate::common::cases::for_each_case;
use crate::common::files::{f32_bytes, safetensors, stored};
use crate::common::network::{TINY, Tiny};
use safetensors::Dtype;

#[test]
fn configurations() {
    let (_, folder) = Tiny::folder(210);
    let ours =
        |input: &str| format!(r#"{{"architecture":"lenet5","num_classes":7,"input":{{"shape":[2,12,12]{input}}}}}"#);
    let shape = |shape: &str| format!(r#"{{"architecture":"lenet5","num_classes":7,"input":{{"shape":{shape}}}}}"#);
    let timm = |config: &str| {
        format!(r#"{{"architecture":"lenet5","num_classes":7,"pretrained_cfg":{{"input_size":[2,12,12]{config}}}}}"#)
    };
    let cases = [
        (String::new(), ""),
        ("null".to_owned(), ""),
        ("[".repeat(100_000), ""),
        (format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000)), ""),
        ("{\"architecture\":\"lenet5\"".to_owned(), ""),
        (r#"{"architecture":null}"#.to_owned(), "null"),
        (r#"{"architecture":"lenet\u001b[2J"}"#.to_owned(), "\\u{1b}"),
        (format!(r#"{{"architecture":"{}"}}"#, "x".repeat(1 << 20)), "…"),
        (shape("[1,9000000000000000,9000000000000000]"), "9000000000000000 65536"),
        (shape("[9000000000000000,12,12]"), "9000000000000000 65536"),
        (shape("[2,12,1e3]"), ""),
        (shape("[2,12,-1]"), ""),
        (shape("[2,12,18446744073709551616]"), ""),
        (shape("[0,12,12]"), "65536"),
        (shape("[2,12]"), ""),
        (shape("[2,12,12,12]"), ""),
        (ours(r#","mean":[0.5,0.5,0.5]"#), "mean 3 2"),
        (ours(r#","std":[0.5,0.5,0.5]"#), "std 3 2"),
        (ours(r#","std":[0]"#), "std 0"),
        (ours(r#","std":[-1,1]"#), "std -1"),
        (ours(r#","std":[null]"#), ""),
        (ours(r#","mean":[1e39]"#), "range"),
        (ours(r#","mean":"0.5""#), ""),
        (ours(r#","resize":0"#), "resize"),
        (ours(r#","resize":99999999"#), "resize"),
        (ours(r#","crop":0"#), "crop"),
        (ours(r#","crop":18446744073709551615"#), "crop"),
        (ours(r#","interpolation":"nearest""#), "nearest"),
        (timm(r#","crop_pct":0"#), "crop_pct"),
        (timm(r#","crop_pct":1e-300"#), "resize"),
        (timm(r#","crop_mode":"squash""#), "squash"),
        (timm(r#","std":[0,1]"#), "std"),
        (r#"{"architecture":"lenet5","num_classes":99999999999}"#.to_owned(), "num_classes"),
        (r#"{"architecture":"lenet5","num_classes":7.5}"#.to_owned(), ""),
        (
            r#"{"architecture":"lenet5","num_classes":7,"input":{"shape":[2,12,12]},"labels":["a"]}"#.to_owned(),
            "1 labels",
        ),
        (r#"{"architecture":"lenet5","num_classes":7,"input":{"shape":[2,12,12]},"labels":[1]}"#.to_owned(), ""),
        (
            r#"{"architecture":"lenet5","num_classes":7,"input":{"shape":[2,12,12]},"task":"sorting"}"#.to_owned(),
            "sorting",
        ),
    ];
    for_each_case(cases, |(config, needles)| {
        folder.write("tiny/config.json", config);
        let needles: Vec<&str> = needles.split_whitespace().chain(["tiny/config.json"]).collect();
        let run = folder.refuses_in_bounds(TINY, &needles);
        // The file is to blame, no option that was not given.
        assert!(!run.stderr.contains("--std") && !run.stderr.contains("--mean"), "{run:?}");
        assert!(run.stderr.len() < 5000, "{} bytes", run.stderr.len());
    });
    folder.write("tiny/config.json", r#"{"architecture":"lenet5","input":{"dataset":1},"dataset":"no-such-set"}"#);
    folder.refuses_in_bounds("-m tiny", &["tiny"]);
}

#[test]
fn state_dicts() {
    let (tiny, folder) = Tiny::folder(211);
    let whole = safetensors(&tiny.weights.stored());
    each_content_is_refused(&folder, "tiny/model.safetensors", TINY, damaged(&whole));
    let changed = |change: &dyn Fn(&mut Vec<crate::common::files::Stored>)| {
        let mut tensors = tiny.weights.stored();
        change(&mut tensors);
        safetensors(&tensors)
    };
    let of = |name: &'static str, value: f32| {
        move |tensors: &mut Vec<crate::common::files::Stored>| {
            let found = tensors.iter_mut().find(|tensor| tensor.0 == name).unwrap();
            found.3[..4].copy_from_slice(&value.to_le_bytes());
        }
    };
    let cases = [
        (changed(&|tensors| drop(tensors.remove(0))), "conv1"),
        (changed(&|tensors| tensors.push(stored("extra", Dtype::F32, &[1], f32_bytes(&[0.0])))), "extra"),
        (changed(&|tensors| tensors[0].0 = "a\u{1b}[2Jb".to_owned()), ""),
        (changed(&|tensors| tensors[0].0 = "x".repeat(1 << 20)), ""),
        (changed(&|tensors| tensors.clear()), ""),
        (changed(&|tensors| tensors[0] = stored("conv1.weight", Dtype::F32, &[1], f32_bytes(&[0.0]))), "conv1.weight"),
        (changed(&|tensors| tensors[1] = stored("conv1.bias", Dtype::I32, &[6], vec![0; 24])), "conv1.bias i32"),
    ];
    each_content_is_refused(&folder, "tiny/model.safetensors", TINY, cases);
    for_each_case([f32::NAN, f32::INFINITY], |value| {
        folder.write("tiny/model.safetensors", changed(&of("conv2.weight", value)));
        folder.refuses_in_bounds(&format!("{TINY} --mode quant -o r.json --save-qparams q.json"), &["conv2"]);
    });
    folder.write("tiny/model.safetensors", whole);
    let calibration = folder.read("tiny/calibration.safetensors");
    let args = format!("{TINY} --mode quant -o r.json --save-qparams q.json");
    each_content_is_refused(&folder, "tiny/calibration.safetensors", &args, damaged(&calibration));
}

#[test]
fn quantization_parameters() {
    let (_, folder) = Tiny::folder(212);
    folder.run_to(0, &format!("{TINY} --mode quant --save-qparams good.json"));
    let good = folder.read_json("good.json");
    let with = |pointer: &str, value: serde_json::Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed.to_string()
    };
    let (scale, weight) = ("/layers/conv1/input/scale", "/layers/conv1/weight");
    let cases = [
        (String::new(), ""),
        ("{}".to_owned(), ""),
        ("[".repeat(100_000), ""),
        (with("/schema", 2.into()), "schema"),
        (with(scale, 0.into()), "conv1"),
        (with(scale, (-1).into()), "conv1"),
        (with(scale, serde_json::Value::Null), ""),
        (with(scale, 1e300.into()), "conv1"),
        (with("/layers/conv1/input/zero_point", 300.into()), "conv1"),
        (with("/layers/conv1/input/q_max", (-300).into()), "conv1"),
        (with("/layers/conv1/input/q_max", 70_000.into()), "conv1"),
        (with(&format!("{weight}/scale"), serde_json::json!([])), "conv1"),
        (with(&format!("{weight}/scale"), serde_json::json!([1, 2])), "conv1"),
        (with(&format!("{weight}/axis"), 1.into()), "axis"),
        (with("/layers/conv1", serde_json::json!({})), ""),
        (with("/layers", serde_json::json!([])), ""),
        (
            with(
                "/layers",
                serde_json::json!({"a\u{1b}[2J": {"input": {"scale": 0, "zero_point": 0, "q_min": 0, "q_max": 255},
            "weight": {"scale": 1, "zero_point": 0, "q_min": -127, "q_max": 127}}}),
            ),
            "\\u{1b}",
        ),
    ];
    each_content_is_refused(&folder, "q.json", &format!("{TINY} --mode quant --qparams q.json -o r.json"), cases);
    folder.write("q.json", with("/layers", serde_json::json!({})));
    folder.refuses_in_bounds(&format!("{TINY} --mode quant --qparams q.json"), &["conv1", "--qparams"]);
}

#[test]
fn rules_and_costs() {
    let (_, folder) = Tiny::folder(213);
    let rule = |rule: &str| format!(r#"{{"schema":1,"rules":[{rule}]}}"#);
    let cases = [
        (String::new(), ""),
        ("[]".to_owned(), ""),
        ("{}".to_owned(), "rules"),
        (r#"{"schema":1,"rules":{}}"#.to_owned(), "rules"),
        (r#"{"schema":9,"rules":[]}"#.to_owned(), "schema"),
        (rule("1"), "rules"),
        (rule("{}"), "layers"),
        (rule(r#"{"layers":1}"#), "layers"),
        (rule(r#"{"layers":"conv[","mode":"quant"}"#), "conv["),
        (rule(r#"{"layers":"conv1","mode":"fast"}"#), "fast"),
        (rule(r#"{"layers":"conv1","mode":["quant"]}"#), "mode"),
        (rule(r#"{"layers":"conv1","color":"red"}"#), "color"),
        (rule(r#"{"layers":"conv1","act_bits":99}"#), "99"),
        (rule(&format!(r#"{{"layers":"{}","mode":"quant"}}"#, "a".repeat(160_000))), "10000"),
        (rule(&format!(r#"{{"layers":"{}a{}","mode":"quant"}}"#, "{".repeat(90_000), "}".repeat(90_000))), "10000"),
        (format!(r#"{{"schema":1,"rules":[{}]}}"#, "[".repeat(100_000)), ""),
    ];
    each_content_is_refused(&folder, "rules.json", &format!("{TINY} --assign rules.json -o r.json"), cases);
    folder.write("rules.json", rule(r#"{"layers":"nothing*","mode":"quant"}"#));
    folder.refuses_in_bounds(&format!("{TINY} --assign rules.json"), &["nothing*", "conv1"]);
    let cases = [
        ("name,energy\nx,1\n".to_owned(), "multiplier"),
        ("multiplier,energy\nx,much\n".to_owned(), ""),
        ("multiplier,energy\nx,-1\n".to_owned(), "-1"),
        ("multiplier,energy\nx,nan\n".to_owned(), "NaN"),
        ("multiplier,energy\nx,1\nx,2\n".to_owned(), "two"),
        ("multiplier,energy\nx\n".to_owned(), ""),
        (format!("multiplier,energy\n\"{}", "x".repeat(1 << 20)), ""),
    ];
    each_content_is_refused(&folder, "costs.csv", "lut info exact --costs costs.csv", cases);
}

#[test]
fn reports_and_their_predictions() {
    let (_, folder) = Tiny::folder(214);
    folder.run_to(0, &format!("{TINY} -o good.json --predictions p.csv"));
    let good = folder.read_json("good.json");
    let with = |pointer: &str, value: serde_json::Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed.to_string()
    };
    let cases = [
        (String::new(), ""),
        ("{}".to_owned(), ""),
        ("[".repeat(100_000), ""),
        (with("/schema", 2.into()), "schema"),
        (with("/schema", serde_json::Value::Null), "schema"),
        (with("/accuracy/top1", serde_json::json!("high")), ""),
        (with("/accuracy/top1", 90.into()), "90"),
        (with("/accuracy/top1", (-1).into()), "-1"),
        (with("/layers", serde_json::json!({})), ""),
        (with("/config/mode", serde_json::json!("fast")), "fast"),
        (with("/dataset/samples", (-1).into()), ""),
        (with("/model/task", serde_json::json!("sorting")), "sorting"),
    ];
    let args = format!("{TINY} --baseline base.json --max-drop 0.1 -o r.json");
    each_content_is_refused(&folder, "base.json", &args, cases);
    folder.write("base.json", with("/predictions", serde_json::Value::Null));
    folder.refuses_in_bounds("compare base.json good.json", &["base.json", "--predictions"]);
    folder.write("base.json", with("/dataset/samples", 3.into()));
    folder.refuses_in_bounds(&format!("{TINY} --baseline base.json --alpha 0.05"), &["base.json", "3", "10"]);
    assert!(std::process::Command::new("mkfifo").arg(folder.path("fifo")).status().unwrap().success());
    for_each_case(["../../../../dev/zero", "/dev/zero", "fifo", ".", "nowhere.csv"], |path| {
        folder.write("base.json", with("/predictions/path", path.into()));
        std::fs::rename(folder.path("p.csv"), folder.path("hidden")).unwrap();
        folder.refuses_in_bounds("compare base.json good.json", &["base.json"]);
        std::fs::rename(folder.path("hidden"), folder.path("p.csv")).unwrap();
    });
    let predictions = folder.read("p.csv");
    let text = String::from_utf8(predictions.clone()).unwrap();
    let hash = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
    let files = [
        String::new(),
        "index,label\n".to_owned(),
        text.replacen("0,", "1,", 1),
        text.replacen("true", "maybe", 1).replacen("false", "maybe", 1),
        text.lines().take(5).collect::<Vec<_>>().join("\n"),
        format!("index,label,prediction,correct\n0,{}", "9".repeat(1 << 20)),
        format!("index,label,prediction,correct\n0,\"{}", "9".repeat(1 << 20)),
    ];
    for_each_case(files, |text| {
        folder.write("q.csv", &text);
        let mut changed = good.clone();
        changed["predictions"] = serde_json::json!({"path": "q.csv", "blake3": hash(&text)});
        folder.write("base.json", changed.to_string());
        folder.refuses_in_bounds("compare good.json base.json", &["base.json"]);
    });
    folder.write("p.csv", "another run's\n");
    folder.refuses_in_bounds("compare good.json good.json", &["p.csv", "BLAKE3"]);
}
