//! What reports say beyond accuracy, computed again from predictions and from integer layers.

use crate::common::files::Table;
use crate::common::forward::{Activations, Layers, Quantized};
use crate::common::network::{TINY, Tiny};
use crate::common::{Folder, csv_rows, integer, number, text};
use serde_json::Value;

/// Label and prediction of every sample of a `--predictions` file.
fn predictions(folder: &Folder, name: &str) -> Vec<(usize, usize)> {
    let rows = csv_rows(&folder.read(name));
    rows[1..].iter().map(|row| (row[1].parse().unwrap(), row[2].parse().unwrap())).collect()
}

/// Twice the smaller tail of a fair coin, from Pascal's triangle in `f64`.
fn two_sided_sign_test(lost: usize, gained: usize) -> f64 {
    let n = lost + gained;
    let row = (0..n).fold(vec![1.0f64], |row, _| {
        let sum = |k: usize| row.get(k).unwrap_or(&0.0) + k.checked_sub(1).map_or(0.0, |k| row[k]);
        (0..=row.len()).map(sum).collect()
    });
    (2.0 * row[..=lost.min(gained)].iter().sum::<f64>() / 2f64.powi(n as i32)).min(1.0)
}

/// Fails unless a comparison is what two lists of predictions give.
fn check(comparison: &Value, reference: &[(usize, usize)], run: &[(usize, usize)]) {
    let pairs = || {
        reference.iter().zip(run).map(|(&(label, before), &(same, now))| {
            assert_eq!(label, same);
            (label, before, now)
        })
    };
    let lost = pairs().filter(|&(label, before, now)| before == label && now != label).count();
    let gained = pairs().filter(|&(label, before, now)| before != label && now == label).count();
    let changed = pairs().filter(|&(_, before, now)| before != now).count();
    let n = run.len();
    for (field, expected) in
        [("samples", n), ("changed", changed), ("flips", lost + gained), ("lost", lost), ("gained", gained)]
    {
        assert_eq!(integer(comparison, &format!("/{field}")), expected as u64, "{field}: {comparison}");
    }
    let close = |field: &str, expected: f64| {
        let found = number(comparison, field);
        assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1e-3), "{field}: {found}, expected {expected}");
    };
    close("/agreement", (n - changed) as f64 / n as f64);
    close("/difference", (gained as f64 - lost as f64) / n as f64);
    close("/mcnemar_p", two_sided_sign_test(lost, gained));
    let [low, high] = ["/ci95/0", "/ci95/1"].map(|pointer| number(comparison, pointer));
    let difference = number(comparison, "/difference");
    assert!(-1.0 <= low && low <= difference && difference <= high && high <= 1.0, "{comparison}");
}

#[test]
fn runs_are_compared_sample_by_sample() {
    let folder = Folder::new();
    let run = "-n 400 --calib-samples 100";
    folder.run_to(0, &format!("{run} --mode quant --coding sign-magnitude -o q.json --predictions q.csv"));
    folder.run_to(0, &format!("{run} --mode base -o base.json --predictions base.csv"));
    let args =
        format!("{run} --lut drum-3 --compare quant --baseline base.json --max-drop 1 --predictions a.csv -o a.json");
    let report = folder.json(&args);
    let [quant, base, approx] = ["q.csv", "base.csv", "a.csv"].map(|name| predictions(&folder, name));
    let comparisons = report["comparisons"].as_array().unwrap();
    let [with_quant, with_base] = comparisons.as_slice() else { panic!("{comparisons:?}") };
    assert_eq!((text(with_quant, "/reference"), text(with_base, "/reference")), ("quant", "base.json"));
    assert!(integer(with_quant, "/flips") > 0, "a comparison of the same says little");
    check(with_quant, &quant, &approx);
    check(with_base, &base, &approx);
    let top1 = |name: &str| number(&folder.read_json(name), "/accuracy/top1");
    assert_eq!(number(with_quant, "/reference_top1"), top1("q.json"));
    // The same by the command of its own, in every format.
    let compared = folder.json("compare q.json a.json base.json -o c.csv -o c.md");
    check(&compared["runs"][0]["comparison"], &quant, &approx);
    check(&compared["runs"][1]["comparison"], &quant, &base);
    assert_eq!((text(&compared, "/reference/report"), &compared["reference"]["comparison"]), ("q.json", &Value::Null));
    assert_eq!((text(&compared, "/runs/0/lut"), text(&compared, "/runs/1/mode")), ("drum-3", "base"));
    let rows = csv_rows(&folder.read("c.csv"));
    let p = rows[0].iter().position(|name| name == "mcnemar_p").unwrap();
    assert_eq!(rows[2][p].parse::<f64>().unwrap(), number(&compared, "/runs/0/comparison/mcnemar_p"));
    let markdown = String::from_utf8(folder.read("c.md")).unwrap();
    let name = text(&compared, "/runs/0/model");
    assert!(markdown.contains(&format!("| a.json | {name} | approx | drum-3 |")), "{markdown}");
}

/// Columns that say something: codings where these differ, whose word costs are where two sources have a say.
#[test]
fn comparisons_have_the_columns_that_matter() {
    let (_, folder) = Tiny::folder(153);
    folder.write("mine.bin", Table::unsigned(|a, b| a * b + (a & b & 1)).u16_bin());
    folder.write("costs.csv", "multiplier,energy,source\nexact,0.4,lab\nmine,0.1,lab\n");
    let runs = [("q", "--mode quant"), ("exact", "-l exact"), ("drum", "-l drum-3"), ("mine", "-l mine.bin")];
    for (name, args) in runs {
        folder.run_to(0, &format!("{TINY} {args} -o {name}.json --predictions {name}.csv"));
    }
    let csv = |args: &str| folder.run_to(0, &format!("compare {args} --format csv")).csv();
    let column = |rows: &[Vec<String>], name: &str| -> Vec<String> {
        let at = rows[0].iter().position(|column| column == name).unwrap();
        rows[1..].iter().map(|row| row[at].clone()).collect()
    };
    // A markdown table: its header, and its rows behind the rule.
    let table = |args: &str| -> Vec<Vec<String>> {
        let text = folder.run_to(0, &format!("compare {args} --format markdown")).stdout;
        let lines = text.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
        let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        lines.enumerate().filter(|(i, _)| *i != 1).map(|(_, line)| cells(line)).collect()
    };
    let both = table("q.json exact.json drum.json");
    assert_eq!(column(&both, "coding"), ["signed", "sign-magnitude", "sign-magnitude"]);
    assert_eq!(column(&csv("q.json exact.json"), "coding"), ["signed", "sign-magnitude"]);
    assert!(!table("exact.json drum.json")[0].contains(&"coding".to_owned()));
    // Exact multipliers are 1 by any source, so that gates alone are left; the user's own figures are of another one.
    assert!(!both[0].contains(&"costs by".to_owned()));
    assert_eq!(column(&csv("exact.json drum.json mine.json"), "cost_source"), ["", "unit gates (Tyagi 1993)", ""]);
    let costed = table("exact.json drum.json mine.json --costs costs.csv");
    assert_eq!(column(&costed, "costs by"), ["", "unit gates (Tyagi 1993)", "lab"]);
    assert_eq!(column(&costed, "energy")[2], "0.250");
    // The columns that are asked for, in their order, also those that are details.
    let chosen = table("exact.json drum.json --columns multiplier,Agreement,top-1");
    assert_eq!(chosen[0], ["multiplier", "agreement", "top-1"]);
    assert_eq!(column(&chosen, "multiplier"), ["exact", "drum-3"]);
    folder.refuses("compare exact.json drum.json --columns cost", &["--columns", "'cost'", "multiplier", "energy"]);
}

#[test]
fn a_run_against_itself_has_no_flips() {
    let (_, folder) = Tiny::folder(150);
    for mode in ["base", "quant"] {
        let report = folder.json(&format!("{TINY} --mode {mode} --compare {mode}"));
        let comparison = &report["comparisons"][0];
        assert_eq!((integer(comparison, "/changed"), number(comparison, "/mcnemar_p")), (0, 1.0));
        assert_eq!((number(comparison, "/agreement"), number(comparison, "/difference")), (1.0, 0.0));
    }
    // What is compared with leaves no trace on the run.
    let plain = folder.logits(&format!("{TINY} --lut drum-3"));
    assert_eq!(folder.logits(&format!("{TINY} --lut drum-3 --compare base")), plain);
    assert_eq!(text(&folder.json(&format!("{TINY} --lut drum-3 --compare quant")), "/layers/0/mode"), "approx");
}

#[test]
fn reports_that_cannot_be_compared() {
    let (_, folder) = Tiny::folder(151);
    for (name, args) in [("a", "--mode base"), ("b", "--mode quant"), ("few", "--mode base -n 3")] {
        folder.run_to(0, &format!("{TINY} {args} -o {name}.json --predictions {name}.csv"));
    }
    folder.run_to(0, &format!("{TINY} --mode base -o bare.json"));
    folder.run_to(0, "compare a.json b.json");
    folder.refuses("compare a.json bare.json", &["bare.json", "--predictions"]);
    folder.refuses("compare bare.json a.json", &["bare.json", "--predictions"]);
    folder.refuses("compare a.json few.json", &["few.json", "10", "3"]);
    folder.refuses("compare a.json nowhere.json", &["nowhere.json"]);
    folder.refuses("compare a.json tiny/config.json", &["tiny/config.json"]);
    assert_eq!(folder.run("compare a.json").code, Some(2));
    // Another run's predictions under the same name.
    folder.write("b.csv", folder.read("few.csv"));
    folder.refuses("compare a.json b.json", &["b.json", "b.csv", "not the predictions"]);
    std::fs::remove_file(folder.path("b.csv")).unwrap();
    folder.refuses("compare a.json b.json", &["b.json", "b.csv"]);
}

/// Reports and predictions that were moved together are still found.
#[test]
fn predictions_are_found_beside_the_report() {
    let (_, folder) = Tiny::folder(152);
    folder.write("ci/keep", "");
    folder.run_to(0, &format!("{TINY} -o ci/base.json --predictions ci/base.csv"));
    folder.run_to(0, "compare ci/base.json ci/base.json");
    for name in ["base.json", "base.csv"] {
        folder.write(&format!("artifacts/{name}"), folder.read(&format!("ci/{name}")));
    }
    std::fs::remove_dir_all(folder.path("ci")).unwrap();
    folder.run_to(0, "compare artifacts/base.json artifacts/base.json");
}

#[test]
fn classes_and_confusion_follow_from_the_predictions() {
    let folder = Folder::new();
    let report = folder.json("-n 500 --lut drum-3 --calib-samples 50 --predictions p.csv --confusion c.csv");
    let mut counts = vec![vec![0u64; 10]; 10];
    for (label, prediction) in predictions(&folder, "p.csv") {
        counts[label][prediction] += 1;
    }
    let rows = csv_rows(&folder.read("c.csv"));
    assert_eq!((rows.len(), rows[0][0].as_str(), rows[0][1].as_str()), (11, "label", "T-shirt/top"));
    for (class, (row, counts)) in rows[1..].iter().zip(&counts).enumerate() {
        assert_eq!(row[0], rows[0][class + 1]);
        let found: Vec<u64> = row[1..].iter().map(|count| count.parse().unwrap()).collect();
        assert_eq!(&found, counts);
        let entry = &report["classes"][class];
        let samples: u64 = counts.iter().sum();
        assert_eq!((text(entry, "/label"), integer(entry, "/class")), (row[0].as_str(), class as u64));
        assert_eq!((integer(entry, "/samples"), integer(entry, "/correct")), (samples, counts[class]));
        assert_eq!(number(entry, "/accuracy"), counts[class] as f64 / samples as f64);
    }
    // Classes without names go by their numbers.
    let (_, folder) = Tiny::folder(153);
    folder.run_to(0, &format!("{TINY} --confusion c.csv"));
    assert_eq!(csv_rows(&folder.read("c.csv"))[0], ["label", "0", "1", "2", "3", "4", "5", "6"]);
    folder.refuses(&format!("{TINY} --confusion missing/c.csv"), &["--confusion", "missing/c.csv"]);
    folder.refuses(&format!("{TINY} --confusion c.csv -o ./c.csv"), &["c.csv", "twice"]);
}

/// The first layer's error from its definition, over integer convolutions written for the tests.
#[test]
fn layer_errors_are_those_of_the_layer() {
    let (mut tiny, folder) = Tiny::folder(154);
    // Errors are taken before the bias.
    tiny.weights.get_mut("conv1.bias").values.fill(0.0);
    tiny.write(&folder);
    let table = Table::unsigned(|a, b| a * b - (a % 16) * (b % 8) + 5);
    folder.write("lut.safetensors", table.native("rough"));
    // A percentile that saturates some inputs.
    let args = format!("{TINY} --lut lut.safetensors --coding affine --calib percentile:95 --layer-errors");
    let report = folder.json(&format!("{args} --save-qparams q.json -b 3"));
    let qparams = folder.read_json("q.json");
    let outputs = |term: &dyn Fn(i64, i64) -> i64| -> Vec<f64> {
        let layers = Quantized { weights: &tiny.weights, qparams: &qparams, term };
        let conv = |image: &[f32]| {
            let x = Activations { shape: [Tiny::CHANNELS, Tiny::SIDE, Tiny::SIDE], values: image.to_vec() };
            layers.conv("conv1", &x, 2).values
        };
        tiny.samples().flat_map(conv).map(f64::from).collect()
    };
    let exact = outputs(&|x, w| x * w);
    let approximate = outputs(&|x, w| table.product(x as i32, w as i32).into());
    let errors: Vec<f64> = approximate.iter().zip(&exact).map(|(approximate, exact)| approximate - exact).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let power = |values: &[f64]| values.iter().map(|x| x * x).sum::<f64>();
    let std = |values: &[f64]| {
        let mean = mean(values);
        (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
    };
    let input = &qparams["layers"]["conv1"]["input"];
    let (scale, zero_point) = (number(input, "/scale"), number(input, "/zero_point"));
    let steps = |x: &f32| (f64::from(*x / scale as f32).round_ties_even()) + zero_point;
    let saturated = tiny.images.iter().map(steps).filter(|q| !(0.0..=255.0).contains(q)).count();
    assert!(saturated > 0);
    for (field, expected) in [
        ("snr_db", 10.0 * (power(&exact) / power(&errors)).log10()),
        ("relative_std", std(&errors) / std(&exact)),
        ("mean", mean(&errors)),
        ("saturation", saturated as f64 / tiny.images.len() as f64),
    ] {
        let found = number(&report, &format!("/layers/0/error/{field}"));
        assert!((found - expected).abs() < 1e-9 * expected.abs().max(1.0), "{field}: {found}, expected {expected}");
    }
}

/// Watching changes no bit, in any mode, in networks of any shape.
#[test]
fn measuring_changes_no_result() {
    let (_, folder) = Tiny::folder(155);
    for mode in ["base", "quant", "noise --noise-std 0.1", "approx --lut drum-3"] {
        for network in [TINY, "-m resnet8 -n 20 --calib-samples 20", "-m resnet8 -n 20 --calib-samples 20 --no-fold-bn"]
        {
            let args = format!("{network} --mode {mode}");
            assert_eq!(folder.logits(&format!("{args} --layer-errors")), folder.logits(&args), "{args}");
        }
    }
    // Neither batches nor threads change what is found.
    let args = "-n 50 --calib-samples 20 --lut drum-3 --layer-errors";
    let errors = |rest: &str| {
        let report = folder.json(&format!("{args} {rest}"));
        report["layers"].as_array().unwrap().iter().map(|layer| layer["error"].clone()).collect::<Vec<_>>()
    };
    let first = errors("-j 1");
    for rest in ["-j 2", "-j 3 -b 7", "-b 50"] {
        assert_eq!(errors(rest), first, "{rest}");
    }
    // Noise is what it was told to be, in units of the layer's own output.
    let report = folder.json("-n 300 --calib-samples 50 --mode noise --noise-std 0.1 --layer-errors -b 300");
    let error = &report["layers"][1]["error"];
    assert!((number(error, "/relative_std") - 0.1).abs() < 1e-3, "{error}");
    assert!((number(error, "/snr_db") - 20.0).abs() < 1.5, "{error}");
    // Exact products have none; fp32 is not measured.
    let report = folder.json(&format!("{TINY} --mode quant --layer-errors --set fc1:mode=base"));
    assert_eq!((number(&report, "/layers/0/error/mean"), &report["layers"][0]["error"]["snr_db"]), (0.0, &Value::Null));
    assert!(report["layers"][2]["error"].is_null() && text(&report, "/layers/2/name") == "fc1");
}

/// One in twenty is the level: 10 lost of 10 is significant, 5 of 5 is not (p = 0.0625).
#[test]
fn a_significant_drop_fails() {
    let (_, folder) = Tiny::folder(156);
    folder.run_to(0, &format!("{TINY} -o right.json --predictions right.csv"));
    let labels: Vec<usize> = predictions(&folder, "right.csv").iter().map(|(label, _)| *label).collect();
    let this: Vec<usize> = predictions(&folder, "right.csv").iter().map(|(_, prediction)| *prediction).collect();
    let wrong: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] != this[i]).collect();
    assert!(wrong.len() >= 6, "the test's network is untrained");
    for (lost, code) in [(0, 0), (5, 0), (6, 1)] {
        // A reference that has `lost` of the wrong samples right, and the rest as it is.
        let rows = labels.iter().zip(&this).enumerate().map(|(i, (label, prediction))| {
            let prediction = if wrong[..lost].contains(&i) { label } else { prediction };
            format!("{i},{label},{prediction},{}\n", label == prediction)
        });
        let csv = format!("index,label,prediction,correct\n{}", rows.collect::<String>());
        let mut report = folder.read_json("right.json");
        report["predictions"] = serde_json::json!({
            "path": "reference.csv", "blake3": blake3::hash(csv.as_bytes()).to_hex().as_str(),
        });
        folder.write("reference.csv", csv);
        folder.write("reference.json", report.to_string());
        let args = format!("{TINY} --baseline reference.json --alpha 0.05 --format json");
        let report = folder.run_to(code, &args).json();
        let gate = &report["gates"][0];
        let expected = two_sided_sign_test(lost, 0);
        assert_eq!(
            (text(gate, "/gate"), number(gate, "/bound"), &gate["passed"]),
            ("alpha", 0.05, &(code == 0).into())
        );
        assert!((number(gate, "/found") - expected).abs() < 1e-12, "{gate}");
    }
    // Better is no drop, however significant.
    folder.run_to(
        0,
        &format!("{TINY} --baseline reference.json --alpha 1 --max-drop 1 -q").replace("reference", "right"),
    );
}

#[test]
fn significance_needs_predictions_of_the_same_samples() {
    let (tiny, folder) = Tiny::folder(157);
    folder.run_to(0, &format!("{TINY} -o base.json --predictions base.csv"));
    folder.run_to(0, &format!("{TINY} -o bare.json"));
    folder.refuses(&format!("{TINY} --baseline bare.json --alpha 0.05"), &["--baseline", "bare.json", "--predictions"]);
    folder.refuses(&format!("{TINY} --baseline base.json --alpha 0.05 -n 4"), &["--alpha", "base.json", "10", "4"]);
    for alpha in ["-0.1", "1.5", "nan"] {
        folder.refuses(&format!("{TINY} --baseline base.json --alpha {alpha}"), &["--alpha"]);
    }
    // Without a bound on it, what cannot be compared is said, and no reason to stop.
    folder.write("base.csv", "other");
    let run = folder.run_to(0, &format!("{TINY} --baseline base.json --max-drop 1 --format json"));
    assert!(
        run.json()["notes"][0].as_str().unwrap().contains("base.csv") && run.stderr.contains("base.csv"),
        "{run:?}"
    );
    let labels: Vec<u8> = tiny.labels.iter().map(|label| (label + 1) % 7).collect();
    folder.write("other.safetensors", crate::common::files::float_set(Tiny::SHAPE, &tiny.images, &labels));
    folder.run_to(0, &format!("{TINY} -o base.json --predictions base.csv"));
    let other = "--model tiny --data other.safetensors --baseline base.json";
    folder.refuses(&format!("{other} --alpha 0.05"), &["--alpha", "samples"]);
    let notes = folder.json(&format!("{other} --max-drop 1"))["notes"].to_string();
    assert!(notes.contains("label"), "{notes}");
}
