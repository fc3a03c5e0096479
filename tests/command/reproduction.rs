//! docs/reproduction.md is true: what it says the program prints is printed, and is what was published.

mod noise;

use crate::common::cases::for_each_case;
use crate::common::markdown::{of_the_project, table};
use crate::common::{Folder, csv_rows, integer, number, text};
use crate::outside_cases::cases;
use serde_json::Value;
use std::path::Path;

/// The rows of one of the page's tables, fields without their back quotes.
fn rows(header: &str) -> Vec<Vec<String>> {
    let rows = table(&of_the_project("docs/reproduction.md"), header);
    assert!(!rows.is_empty(), "no table of '{header}'");
    rows.into_iter().map(|row| row.iter().map(|field| field.replace('`', "")).collect()).collect()
}

/// A number as people print it, `12,238,848`, `7.81 %` or `0.7827e-3`, and one of its last digit.
fn figure(text: &str) -> (f64, f64) {
    let is_percent = text.ends_with('%');
    let plain = text.trim_end_matches('%').trim().replace(',', "");
    let (digits, exponent) = plain.split_once('e').unwrap_or((&plain, "0"));
    let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len() as i32);
    let exponent: i32 = exponent.parse().unwrap_or_else(|_| panic!("'{text}' is no number"));
    let unit = if is_percent { 0.01 } else { 1.0 };
    let value: f64 = plain.parse().unwrap_or_else(|_| panic!("'{text}' is no number"));
    (unit * value, unit * 10f64.powi(exponent - decimals))
}

/// Whether `value` rounds to the figure that `text` prints.
fn rounds_to(value: f64, text: &str) -> bool {
    let (printed, digit) = figure(text);
    (value - printed).abs() <= digit * 0.500_001
}

fn assert_rounds_to(value: f64, text: &str, what: &str) {
    assert!(rounds_to(value, text), "{what}: {value}, not {text}");
}

#[test]
fn figures_are_read() {
    assert_eq!(figure("12,238,848"), (12_238_848.0, 1.0));
    assert!(rounds_to(0.2656, "26.56 %") && !rounds_to(0.2657, "26.56 %") && !rounds_to(0.2655, "26.56 %"));
    assert!(rounds_to(7.8274e-4, "0.7827e-3") && !rounds_to(7.828e-4, "0.7827e-3"));
}

#[test]
fn designs_have_the_figures_of_their_papers() {
    let folder = Folder::new();
    for_each_case(rows("multiplier"), |row| {
        let [multiplier, metric, published, here, _] = row.as_slice() else { panic!("{row:?}") };
        let found = number(&folder.json(&format!("lut info {multiplier}")), &format!("/{metric}"));
        assert_rounds_to(found, published, &row.join(" "));
        assert_rounds_to(found, here, &row.join(" "));
    });
}

/// Every pair of a table of 8 by 8 unsigned bits, as the program writes it: operands and product.
fn pairs(folder: &Folder, multiplier: &str) -> Vec<(i32, i32, i32)> {
    folder.run_to(0, &format!("lut convert {multiplier} table.csv"));
    let rows = csv_rows(&folder.read("table.csv"));
    std::fs::remove_file(folder.path("table.csv")).unwrap();
    assert_eq!((rows.len(), rows[0].len()), (256, 256));
    let products = |(a, row): (usize, &Vec<String>)| -> Vec<_> {
        row.iter().enumerate().map(|(b, product)| (a as i32, b as i32, product.parse().unwrap())).collect()
    };
    rows.iter().enumerate().flat_map(products).collect()
}

/// A figure by the definition of the paper that has it.
fn by_its_paper(definition: &str, pairs: &[(i32, i32, i32)]) -> f64 {
    let nonzero = || pairs.iter().filter(|(a, b, _)| a * b != 0);
    let error = |&(a, b, product): &(i32, i32, i32)| f64::from(product - a * b);
    let relative = |pair: &(i32, i32, i32)| error(pair) / f64::from(pair.0 * pair.1);
    match definition {
        "mean relative error, 0 where the product is 0, over 65,536 pairs" => {
            nonzero().map(|pair| relative(pair).abs()).sum::<f64>() / 65_536.0
        }
        "mean signed relative error, 0 where the product is 0, over 65,536 pairs" => {
            nonzero().map(relative).sum::<f64>() / 65_536.0
        }
        "mean error over 65,025, of pairs without a 0" => {
            nonzero().map(|pair| error(pair).abs()).sum::<f64>() / 65_025.0 / 65_025.0
        }
        "exact products of pairs without a 0" => nonzero().filter(|pair| error(pair) == 0.0).count() as f64,
        other => panic!("no definition of '{other}'"),
    }
}

#[test]
fn designs_have_figures_of_other_definitions() {
    let folder = Folder::new();
    for row in rows("paper's figure") {
        let [definition, multiplier, published, here, _] = row.as_slice() else { panic!("{row:?}") };
        let found = by_its_paper(definition, &pairs(&folder, multiplier));
        assert_rounds_to(found, published, &row.join(" "));
        assert_rounds_to(found, here, &row.join(" "));
    }
}

/// The headers' six figures against those of a table; they round some and cut others.
fn has_published_errors(info: &Value, published: &[String], what: &str) {
    let metrics = ["mae", "wce", "wcre", "ep", "mre", "mse"];
    for (metric, published) in metrics.iter().zip(published) {
        let found = number(info, &format!("/{metric}"));
        let (value, digit) = figure(published);
        let is_exact = *metric == "wce" && found == value;
        assert!(is_exact || (found - value).abs() < digit, "{what}: {metric} is {found}, published {published}");
    }
}

/// The figures of release `master`, by circuit.
fn catalogue() -> Vec<Vec<String>> {
    let file = of_the_project("src/lut/catalogue/evoapproxlib.csv");
    let lines: String = file.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect();
    csv_rows(lines.as_bytes()).into_iter().filter(|row| row[1] == "master").collect()
}

fn stated(circuit: &str) -> Vec<String> {
    let row = catalogue().into_iter().find(|row| row[0] == circuit);
    let row = row.unwrap_or_else(|| panic!("{circuit} is not in release master"));
    let percent = |field: &String| format!("{field} %");
    vec![row[5].clone(), row[6].clone(), percent(&row[7]), percent(&row[8]), percent(&row[9]), row[10].clone()]
}

#[test]
fn circuits_have_their_published_errors() {
    let folder = Folder::new();
    for_each_case(rows("circuit"), |row| {
        assert_eq!(row[1..], stated(&row[0]), "{}", row[0]);
        let info = folder.json(&format!("lut info {}", row[0]));
        has_published_errors(&info, &row[1..], &row[0]);
    });
}

#[test]
fn tables_of_circuits_have_their_published_errors() {
    let Some(cases) = cases() else { return };
    let folder = Folder::new();
    let files = cases.join("luts").read_dir().unwrap().map(|entry| entry.unwrap().path());
    // In no release.
    let files: Vec<_> = files.filter(|path| !path.ends_with("mul8u_96D.bin")).collect();
    assert!(files.len() >= 15, "{files:?}");
    for_each_case(files, |path| {
        let info = folder.json(&format!("lut info {}", path.display()));
        let circuit = path.file_stem().unwrap().to_str().unwrap();
        has_published_errors(&info, &stated(circuit), circuit);
    });
}

#[test]
fn networks_have_their_published_multiplications() {
    let folder = Folder::new();
    let networks = rows("network");
    assert!(networks.len() >= 15);
    for_each_case(networks, |row| {
        let [network, published, here] = row.as_slice() else { panic!("{row:?}") };
        let found = integer(&folder.json(&format!("model info {network}")), "/opcount/per_sample") as f64;
        assert_eq!(found, figure(here).0, "{network}");
        assert_rounds_to(found / 1e9, published, network);
    });
}

/// Products from the shapes of outputs and weights, and the count that takes the padded input of strided layers for their
/// output.
#[test]
fn strided_layers_are_counted_on_their_outputs() {
    let info = Folder::new().json("model info resnet8 --input 3,32,32");
    let layers = info["layers"].as_array().unwrap();
    let (mut seen, mut sums) = (0, [0, 0]);
    for row in rows("3 x 3 layer") {
        let [name, output, products, padded] = row.as_slice() else { panic!("{row:?}") };
        let stated = [products, padded].map(|count| figure(count).0 as u64);
        if output.is_empty() {
            assert_eq!(sums, stated);
            continue;
        }
        let layer = layers.iter().find(|layer| text(layer, "/name") == name).unwrap();
        let shape = |key: &str| -> Vec<u64> { serde_json::from_value(layer[key].clone()).unwrap() };
        let ([channels, height, width], [outputs, inputs, 3, 3]) =
            (&shape("output_shape")[..], &shape("weight_shape")[..])
        else {
            panic!("{layer}")
        };
        assert_eq!((format!("{channels} x {height} x {width}"), outputs), (output.clone(), channels), "{name}");
        let by_hand = |places: u64| places * 9 * inputs * outputs;
        let is_strided = ["layer2.0.conv1", "layer3.0.conv1"].contains(&name.as_str());
        let wrong = if is_strided { (2 * height + 2) * (2 * width + 2) } else { height * width };
        assert_eq!([by_hand(height * width), by_hand(wrong)], stated, "{name}");
        assert_eq!(integer(layer, "/opcount"), stated[0], "{name}");
        seen += 1;
        sums = [sums[0] + stated[0], sums[1] + stated[1]];
    }
    let count = layers.iter().filter(|layer| layer["weight_shape"][2] == 3).count();
    assert_eq!((seen, count, sums), (7, 7, [12_238_848, 21_178_368]));
}

#[test]
fn energy_of_an_assignment_is_that_of_the_published_formula() {
    let folder = Folder::new();
    let report = folder.json("--model lenet5 --limit 100 --lut mul8s_1L2H --set fc*:lut=mul8s_1KR3");
    let (convolutions, linear) = (357_600.0, 58_920.0);
    let relative = |of: [f64; 3]| (convolutions * of[0] + linear * of[1]) / ((convolutions + linear) * of[2]);
    let by_hand = [relative([0.301, 0.052, 0.425]), relative([0.301 * 1.36, 0.052 * 0.89, 0.425 * 1.48])];
    for (row, by_hand) in rows("energy of LeNet-5").iter().zip(by_hand) {
        let found = number(&report, &format!("/cost/{}", row[0]));
        assert!((found - by_hand).abs() < 1e-12, "{}: {found}, not {by_hand}", row[0]);
        row[1..].iter().for_each(|stated| assert_rounds_to(found, stated, &row[0]));
    }
}

#[test]
fn mlperf_tiny_has_the_interpreter_s_accuracy() {
    let Some(cases) = cases() else { return };
    let folder = Folder::new();
    let [model, data] =
        ["mlperf-tiny/resnet8_int8.tflite", "cifar10-resnet20/test200.bin"].map(|name| cases.join(name));
    for row in rows("kernels") {
        let args = format!("-m {} -d {} --mode quant {}", model.display(), data.display(), row[1]);
        let report = folder.json(&args);
        row[2..].iter().for_each(|stated| assert_eq!(integer(&report, "/accuracy/correct") as f64, figure(stated).0));
        // What the benchmark asks of the whole test set is within the interval.
        assert!(number(&report, "/accuracy/ci95/0") < 0.85 && number(&report, "/accuracy/ci95/1") > 0.85);
    }
}

/// ApproxFlow's network of unsigned integers: the file's own integers are what is multiplied, rounded half to even as an
/// independent reference does it, or cut, which is within 0.004 of the authors' own program, whose rule adds a stray power of two.
#[test]
fn approxflow_has_its_published_accuracy() {
    let Some(cases) = cases() else { return };
    let folder = Folder::new();
    let case = |name: &str| cases.join("approxflow").join(name).display().to_string();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/fashion-mnist");
    for_each_case(rows("table"), |row| {
        let stated: Vec<f64> = row[1..].iter().map(|accuracy| figure(accuracy).0).collect();
        let (model, lut) = (case("fashion-half-even-u8.onnx"), case(&format!("{}.npy", row[0])));
        let args = format!("-m {model} -d {} --lut {lut}", data.display());
        let report = folder.json(&args);
        assert_eq!((number(&report, "/accuracy/top1"), text(&report, "/config/coding")), (stated[0], "affine"));
        assert_eq!(stated[0], stated[1]);
        let cut = folder.json(&format!("{args} --requantize truncate"));
        assert_eq!(text(&cut, "/config/quantization/requantize"), "truncate");
        let top1 = number(&cut, "/accuracy/top1");
        assert!(top1 == stated[3] && (top1 - stated[2]).abs() <= 0.004, "{}: {top1}", row[0]);
        let part = |more: &str| folder.logits(&format!("{args} -n 100 {more}"));
        assert_eq!(part(""), part("--coding affine"));
    });
}
