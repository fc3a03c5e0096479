//! Text for people fits 80 columns, whatever the names, and says what it comes to first.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::Table;
use crate::common::network::{TINY, Tiny};
use crate::common::onnx::Onnx;
use unicode_width::UnicodeWidthStr;

const LONG: &str = "a_multiplier_whose_name_is_far_longer_than_anybody_would_care_to_type_twice_v2_final";

/// A folder of reports, a multiplier and a network, all with long names.
fn folder() -> Folder {
    let (_, folder) = Tiny::folder(310);
    folder.write(&format!("{LONG}.safetensors"), Table::unsigned(|a, b| a * b).native(LONG));
    let mut net = Onnx::new(17, &[2, 12, 12]);
    let mut last = "x".to_owned();
    for i in 0..12 {
        let block = format!("encoder.layers.encoder_layer_{i}.self_attention.projection.of.the.output");
        let (weight, output) = (format!("{block}.weight"), format!("y{i}"));
        net.random(&weight, &[2, 2, 1, 1]).op("Conv", &[&last, &weight], &output, &[]);
        last = output;
    }
    net.op("GlobalAveragePool", &[&last], "pooled", &[]).op("Flatten", &["pooled"], "flat", &[]);
    net.random("層.weight", &[2, 10]).op("Gemm", &["flat", "層.weight"], "logits", &[]);
    folder.write("long.onnx", net.bytes("logits"));
    folder.write(
        "costs.csv",
        format!("multiplier,energy,area,source\nexact,0.4,500,{LONG} {LONG}\n{LONG},0.1,90,{LONG} {LONG}\n"),
    );
    folder.run_to(0, &format!("{TINY} --mode base -o base-{LONG}.json --predictions base.csv"));
    folder.run_to(
        0,
        &format!("{TINY} --lut {LONG}.safetensors --costs costs.csv -o {LONG}.json --predictions {LONG}.csv"),
    );
    folder
}

#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn every_line_of_every_command_fits() {
    let folder = folder();
    let lut = format!("--lut {LONG}.safetensors");
    let commands = [
        (TINY.to_owned(), 0),
        (format!("{TINY} --mode quant --compare base"), 0),
        (format!("{TINY} --mode noise --noise-std 0.125"), 0),
        (format!("{TINY} {lut} --costs costs.csv --compare quant --layer-errors"), 0),
        (format!("{TINY} {lut} -v --coding affine --set conv1:mode=base --set fc*:lut=drum-4"), 0),
        (format!("{TINY} {lut} --min-accuracy 1 --baseline base-{LONG}.json --max-drop 0 --alpha 0.05"), 1),
        (format!("--model long.onnx --data tiny.safetensors --calib-data tiny.safetensors {lut} --layer-errors"), 0),
        ("model info long.onnx".to_owned(), 0),
        ("model info long.onnx -v".to_owned(), 0),
        ("model info vit_b_16".to_owned(), 0),
        ("model info vit_b_16 -v".to_owned(), 0),
        ("model info mobilenet_v2".to_owned(), 0),
        ("model list".to_owned(), 0),
        ("lut list".to_owned(), 0),
        ("lut list drum --costs costs.csv".to_owned(), 0),
        (format!("lut info {LONG}.safetensors --costs costs.csv"), 0),
        ("lut info r4abm1-8".to_owned(), 0),
        (format!("lut convert {LONG}.safetensors copy-of-{LONG}.bin"), 0),
        (format!("lut plot {LONG}.safetensors drum-4 -o {LONG}.svg"), 0),
        (format!("compare base-{LONG}.json {LONG}.json base-{LONG}.json"), 0),
        (format!("plot base-{LONG}.json {LONG}.json -o {LONG}.svg"), 0),
    ];
    for_each_case(commands, |(args, code)| {
        let run = folder.run_to(code, &args);
        for line in run.stdout.lines() {
            assert!(line.width() <= 80 && line.trim_end() == line, "{args}: {} columns: {line}", line.width());
        }
        assert!(run.stdout.lines().count() > 1, "{args}: {run:?}");
        // Escapes take no columns, but keep what stands before them in the line.
        let colored = folder.run_to(code, &format!("{args} --color always")).stdout;
        let plain: String = colored
            .split("\u{1b}[")
            .enumerate()
            .map(|(i, part)| if i == 0 { part } else { part.split_once('m').unwrap().1 })
            .collect();
        assert!(plain.lines().all(|line| line.width() <= 80), "{args}: {plain}");
    });
}

/// Long names lose their middle, not what tells them apart.
#[test]
fn layers_stay_apart() {
    let folder = folder();
    let table = folder.run_to(0, "model info long.onnx").stdout;
    let mut names: Vec<&str> =
        table.lines().filter(|line| line.contains("conv2d")).map(|line| line.split("  ").next().unwrap()).collect();
    assert_eq!(names.len(), 12);
    assert!(
        names.iter().all(|name| name.contains('…') && name.starts_with('e') && name.ends_with("output")),
        "{names:?}"
    );
    names.dedup();
    assert_eq!(names.len(), 12, "{names:?}");
    assert!(table.contains("層"), "{table}");
    // Formats that are not for terminals have them whole.
    for format in ["csv", "markdown", "json", "latex"] {
        let text = folder.run_to(0, &format!("model info long.onnx --format {format}")).stdout;
        assert_eq!(text.matches("self").count(), 12, "{format}: {text}");
        assert!(!text.contains('…'), "{format}: {text}");
    }
}

#[test]
fn shapes_are_details() {
    let (_, folder) = Tiny::folder(311);
    for args in [TINY, "model info tiny"] {
        let [plain, detailed] = ["", " -v"].map(|more| folder.run_to(0, &format!("{args}{more}")).stdout);
        assert!(!plain.contains("weight") && detailed.contains("weight"), "{plain}\n{detailed}");
        assert!(folder.run_to(0, &format!("{args} --format markdown")).stdout.contains("weight"));
    }
    folder.run_to(0, &format!("{TINY} -q -o plain.txt"));
    folder.run_to(0, &format!("{TINY} -v -o detailed.txt"));
    assert!(folder.read("plain.txt").len() < folder.read("detailed.txt").len());
}

#[test]
fn the_first_line_is_the_verdict() {
    let (_, folder) = Tiny::folder(312);
    folder.run_to(0, &format!("{TINY} --mode base -o base.json --predictions base.csv"));
    let top1 = folder.read_json("base.json")["accuracy"]["top1"].as_f64().unwrap();
    let first =
        |code, args: &str| folder.run_to(code, &format!("{TINY} {args}")).stdout.lines().next().unwrap().to_owned();
    let expected = format!("tiny, fp32: top-1 {top1:.4}");
    assert_eq!(first(0, "--mode base"), expected);
    assert_eq!(first(0, "--mode base --min-accuracy 0"), format!("PASS: {expected}"));
    let failed = first(1, "--mode base --min-accuracy 1 --baseline base.json --max-drop 0");
    assert_eq!(failed, format!("FAIL: {expected}, +0.0000 vs base.json (p 1.0)"));
    folder.write("costs.csv", "multiplier,energy\nexact,0.5\ndrum-6,0.2\n");
    let approximate = first(0, "--lut drum-6 --costs costs.csv --compare quant");
    assert!(approximate.starts_with("tiny, drum-6: top-1 0."), "{approximate}");
    assert!(approximate.contains(" vs quant (p ") && approximate.ends_with(", energy 40 %"), "{approximate}");
    // What costs do not speak for is said, and what is computed without a multiplier.
    let part = first(0, "--lut drum-6 --costs costs.csv --set fc1:mode=base");
    assert!(part.contains(", energy 40 % (of ") && part.ends_with(" % of products)"), "{part}");
    assert!(first(0, "--mode base --set fc1:mode=quant").starts_with("tiny, fp32 and quant: top-1 "));
}

/// More detail: what calibration saw, how inputs are quantized, and how each layer's products are summed.
#[test]
fn verbose_runs_say_how_layers_are_computed() {
    let (_, folder) = Tiny::folder(313);
    let args = format!("{TINY} --lut drum-4 --set fc3:mode=quant --set fc2:mode=base --calib-samples 8");
    assert!(!folder.run_to(0, &args).stderr.contains("INFO"));
    let said = folder.run_to(0, &format!("{args} -v --kernel scalar")).stderr;
    let report = folder.json(&args);
    let input = &report["layers"][0];
    let lines = [
        "INFO calibrated on 8 samples by minmax".to_owned(),
        format!("zero point 0, {} to {}", input["input_range"][0], input["input_range"][1]),
        "INFO conv1: drum-4, sign-magnitude by scalar: ".to_owned(),
        "INFO fc2: fp32".to_owned(),
        "INFO fc3: exact products by scalar: integer products alone".to_owned(),
    ];
    for line in lines {
        assert!(said.contains(&line), "no '{line}' in: {said}");
    }
    assert!(!said.contains("DEBUG"), "{said}");
    assert!(said.lines().filter(|line| line.contains("INFO")).all(|line| line.width() <= 80), "{said}");
    assert!(folder.run_to(0, &format!("{args} -vv")).stderr.contains("DEBUG conv1: weights -127 to 127, "));
}

/// Why a run failed stands on standard error, in words with the option, beside the report that says the same.
#[test]
fn failed_gates_are_said_in_words() {
    let (_, folder) = Tiny::folder(314);
    folder.run_to(0, &format!("{TINY} --mode base -o base.json --predictions base.csv"));
    let mut base = folder.read_json("base.json");
    let top1 = base["accuracy"]["top1"].as_f64().unwrap();
    base["accuracy"]["top1"] = 1.0.into();
    folder.write("perfect.json", base.to_string());
    let run = folder.run_to(
        1,
        &format!("{TINY} --mode base -q --min-accuracy 0.99 --baseline perfect.json --max-drop 0.125 --format table"),
    );
    let errors = [
        format!("top-1 accuracy {top1:.4} is below the minimum 0.9900"),
        format!("top-1 accuracy is {:.4} below the baseline's, more than the largest drop allowed, 0.1250", 1.0 - top1),
    ];
    let expected: String = errors
        .iter()
        .zip(["min-accuracy", "max-drop"])
        .map(|(error, option)| format!("error: gate failed: {error} (--{option})\n"))
        .collect();
    assert_eq!(run.stderr, expected);
    let text = run.words();
    for error in errors {
        assert!(text.contains(&format!("gate FAILED: {error}")), "{text}");
    }
}

/// Every number of a record is one to a spreadsheet.
#[test]
fn numbers_of_records_are_numbers() {
    let (_, folder) = Tiny::folder(315);
    folder.run_to(0, &format!("{TINY} --mode base -o base.json --predictions base.csv"));
    let args = format!("{TINY} --lut udm --compare quant -o run.json --predictions run.csv --min-accuracy 0");
    let run = folder.run_to(0, &format!("{args} --format csv")).csv();
    let compared = folder.run_to(0, "compare base.json run.json --format csv").csv();
    let json = folder.read_json("run.json");
    let field = |rows: &[Vec<String>], row: usize, name: &str| {
        let column = rows[0].iter().position(|column| column == name).unwrap_or_else(|| panic!("no {name}"));
        rows[row][column].clone()
    };
    let number = |text: String| text.parse::<f64>().unwrap_or_else(|error| panic!("'{text}': {error}"));
    let comparison = &json["comparisons"][0];
    for (name, expected) in [
        ("difference", &comparison["difference"]),
        ("difference_ci95_low", &comparison["ci95"][0]),
        ("difference_ci95_high", &comparison["ci95"][1]),
        ("p", &comparison["mcnemar_p"]),
        ("mcnemar_p", &comparison["mcnemar_p"]),
        ("reference_value", &comparison["reference_top1"]),
        ("lost", &comparison["lost"]),
        ("gained", &comparison["gained"]),
        ("mre", &json["lut"]["mre"]),
        ("parameters", &json["model"]["parameters"]),
        ("threads", &json["timing"]["threads"]),
        ("relative_energy", &json["opcount"]["energy"]["relative"]),
    ] {
        assert_eq!(number(field(&run, 1, name)), expected.as_f64().unwrap(), "{name}");
    }
    assert_eq!(field(&run, 1, "gates"), "pass");
    assert_eq!(field(&run, 1, "lut_blake3"), json["lut"]["blake3"]);
    for name in ["p", "ci95_low", "ci95_high", "difference", "relative_energy", "top1"] {
        number(field(&compared, 2, name));
    }
    assert_eq!(run[0].iter().collect::<std::collections::BTreeSet<_>>().len(), run[0].len(), "columns repeat");
    // What was there before has kept its place.
    assert_eq!(run[0][..5], ["model", "dataset", "samples", "mode", "lut"]);
}
