//! `selfcheck`: it passes on networks of every kind, says what it compared, and fails where a table is not what it
//! says it is.

use crate::common::cases::for_each_case;
use crate::common::files::{Table, float_set};
use crate::common::onnx::Onnx;
use crate::common::random::Random;
use crate::common::{Folder, integer, text};
use crate::outside_cases::{cases, resnet20};
use serde_json::Value;

/// The results by the names of checks.
fn results(report: &Value) -> Vec<(&str, &str)> {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().map(|check| (text(check, "/name"), text(check, "/result"))).collect()
}

fn result<'a>(report: &'a Value, name: &str) -> &'a str {
    results(report).into_iter().find(|(of, _)| *of == name).unwrap_or_else(|| panic!("no {name} in {report:#}")).1
}

#[test]
fn shipped_networks_pass() {
    let networks = [
        "--model lenet5",
        "--model resnet8 --lut mitchell",
        "--model ds_cnn --lut drum-4 --coding affine",
        "--model vit_micro --lut drum-4 --attention approx --act-bits 6",
    ];
    for_each_case(networks, |network| {
        let report = Folder::new().json(&format!("selfcheck {network} --limit 3"));
        assert_eq!(report["passed"], true, "{report:#}");
        let skipped: Vec<_> = results(&report).into_iter().filter(|(_, result)| *result == "skipped").collect();
        let expected: &[(&str, &str)] =
            if network.contains("--lut") { &[] } else { &[("lut-file", "skipped"), ("lut-audit", "skipped")] };
        assert_eq!(skipped, expected, "{network}");
        for kernel in report["kernels"].as_array().unwrap() {
            for of in ["exact", "probes"] {
                assert_eq!(result(&report, &format!("sums-{}-{of}", kernel.as_str().unwrap())), "ok", "{network}");
            }
        }
        assert_eq!(report["kernels"].as_array().unwrap().last().unwrap(), "scalar");
    });
}

/// What changes sums, and what follows them.
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn settings_of_an_evaluation_pass() {
    let settings = [
        "--lut drum-4 --requantize twice",
        "--mode quant --requantize truncate --weight-scheme per-tensor",
        "--lut truncated-4 --acc-bits 14 --acc-overflow saturate",
        "--mode quant --acc-bits 12 --requantize once",
        "--mode noise --noise-std 0.2 --noise-mean -0.5",
        "--lut drum-4-signed --act-scheme affine --scale pow2",
        "--mode quant --act-bits 4 --weight-bits 3 --calib percentile:99.9",
        "--lut drum-4 --set conv1:mode=base --set fc*:mode=quant",
        "--lut drum-4 --swap-operands --kernel scalar --no-fold-bn",
        "--mode quant --calib mse",
    ];
    for_each_case(settings, |settings| {
        let report = Folder::new().json(&format!("selfcheck {settings} --limit 2"));
        assert_eq!(report["passed"], true, "{settings}: {report:#}");
        let in_accumulators = results(&report).into_iter().any(|check| check == ("accumulators", "ok"));
        assert_eq!(in_accumulators, settings.contains("--acc-bits"), "{settings}");
    });
}

/// A network of every kind of layer, without any calibration data: what needs integers is left out, and said.
#[test]
fn without_scales_only_floats_are_checked() {
    let folder = Folder::new();
    let mut net = Onnx::new(17, &[1, 28, 28]);
    net.random("conv.weight", &[4, 1, 3, 3]).op("Conv", &["x", "conv.weight"], "features", &[]);
    net.op("GlobalAveragePool", &["features"], "pooled", &[]).op("Flatten", &["pooled"], "flat", &[]);
    net.random("fc.weight", &[4, 10]).op("Gemm", &["flat", "fc.weight"], "logits", &[]);
    folder.write("net.onnx", net.bytes("logits"));
    let images = Random::new(3).floats(2 * 784, -1.0, 1.0);
    folder.write("set.safetensors", float_set([2, 1, 28, 28], &images, &[0, 1]));
    let report = folder.json("selfcheck --model net.onnx --data set.safetensors --limit 2");
    assert_eq!((result(&report, "fp32"), result(&report, "threads")), ("ok", "ok"));
    assert_eq!(result(&report, "integers"), "skipped");
    let run = folder.run_to(0, "selfcheck --model net.onnx --data set.safetensors --limit 2");
    assert!(run.words().contains("no calibration set of its own"), "{}", run.stdout);
    folder.refuses("selfcheck --model net.onnx --data set.safetensors --lut drum-4", &["--calib-data"]);
}

/// A table with the name of a design that it is not: the gate fails, and every format says why.
#[test]
fn a_table_that_is_not_what_it_says_fails() {
    let folder = Folder::new();
    let table = Table::unsigned(|a, b| if (a, b) == (200, 100) { 0 } else { a * b });
    folder.write("exact.bin", table.u16_bin());
    let run = folder.run_to(1, "selfcheck --lut exact.bin --limit 1 --output checks.json --output checks.xml");
    assert!(run.words().contains("FAILED") && run.words().contains("[200][100] is 0"), "{}", run.stdout);
    assert!(run.stderr.contains("error: check failed: lut-audit: 'exact'"), "{}", run.stderr);
    let report = folder.read_json("checks.json");
    assert_eq!((result(&report, "lut-audit"), result(&report, "lut-file")), ("failed", "ok"));
    assert_eq!((text(&report, "/kind"), integer(&report, "/samples")), ("selfcheck", 1));
    let junit = String::from_utf8(folder.read("checks.xml")).unwrap();
    assert_eq!(junit.matches("<failure").count(), 1, "{junit}");
    assert_eq!(junit.matches("<testcase").count(), report["checks"].as_array().unwrap().len());
    let csv = folder.run_to(1, "selfcheck --lut exact.bin --limit 1 --format csv").csv();
    assert_eq!(csv[0], ["check", "compared", "count", "differing", "result", "detail"]);
}

#[test]
fn what_cannot_be_run_is_refused() {
    let folder = Folder::new();
    folder.refuses("selfcheck --lut no-such", &["no-such"]);
    folder.refuses("selfcheck --limit 0", &["--limit"]);
    folder.refuses("selfcheck --mode approx", &["--lut"]);
    folder.write("run.toml", "lut = \"drum-4\"\nlimit = 1\n");
    let report = folder.json("selfcheck -f run.toml");
    assert_eq!((integer(&report, "/samples"), text(&report, "/luts/0")), (1, "drum-4"));
}

/// Networks that others trained and quantized.
#[test]
fn outside_networks_pass() {
    let (Some(cases), Some(resnet20)) = (cases(), resnet20()) else { return };
    let case = |path: &str| cases.join(path).display().to_string();
    let networks = [
        format!("{resnet20} --lut {}", case("luts/mul8u_17KS.bin")),
        format!("--model {} --data {}", case("mlperf-tiny/resnet8_int8.tflite"), case("cifar10-resnet20/test200.bin")),
    ];
    for_each_case(networks, |network| {
        let report = Folder::new().json(&format!("selfcheck {network}"));
        assert_eq!(report["passed"], true, "{network}: {report:#}");
    });
}
