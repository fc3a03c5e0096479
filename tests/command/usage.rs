//! Command lines that cannot be meant: found before any work, exit code 2, one message.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::network::{TINY, Tiny};

/// What is asked for, and what the message must name.
const CASES: &[(&str, &[&str])] = &[
    ("--mode approx", &["mode approx needs a multiplier", "--lut"]),
    ("--limit 0", &["--limit"]),
    ("--limit -3", &["--limit", "'-3'", "at least 1"]),
    ("-n -1", &["--limit", "'-1'", "at least 1"]),
    ("-b -1", &["--batch-size", "'-1'", "at least 1"]),
    ("-b many", &["--batch-size", "'many'", "at least 1"]),
    ("--threads -1", &["--threads", "-1", "1..=1024"]),
    ("-j -1", &["--threads", "-1", "1..=1024"]),
    ("--limit many", &["--limit", "many"]),
    ("--batch-size 0", &["--batch-size"]),
    ("--threads 0", &["--threads"]),
    ("--calib-samples 0", &["--calib-samples"]),
    ("--seed -1", &["--seed", "'-1'", "from 0"]),
    ("--calib-samples -1", &["--calib-samples", "'-1'"]),
    ("--act-bits -1", &["--act-bits", "'-1'"]),
    ("--weight-bits -1", &["--weight-bits", "'-1'"]),
    ("--resize -1", &["--resize", "'-1'"]),
    ("--crop -1", &["--crop", "'-1'"]),
    ("--mode noise --noise-std -0.1", &["--noise-std", "-0.1"]),
    ("--mode noise --noise-std nan", &["--noise-std", "NaN"]),
    ("--mode noise --noise-std inf", &["--noise-std", "inf"]),
    ("--mode noise --noise-std much", &["--noise-std", "much"]),
    ("--mode noise --noise-mean nan", &["--noise-mean", "NaN"]),
    ("--mode quanta", &["--mode", "quanta"]),
    ("--mode quant --coding unary", &["--coding", "unary"]),
    ("--mode quant --act-bits 1", &["--act-bits"]),
    ("--mode quant --act-bits 9", &["--act-bits"]),
    ("--mode quant --weight-bits 16", &["--weight-bits"]),
    ("--mode quant --act-scheme square", &["--act-scheme", "square"]),
    ("--mode quant --weight-scheme per-weight", &["--weight-scheme", "per-weight"]),
    ("--mode quant --calib guess", &["--calib", "guess", "minmax", "percentile"]),
    ("--mode quant --calib percentile:101", &["--calib", "percentile:101"]),
    ("--mode quant --calib percentile:nan", &["--calib", "percentile:nan"]),
    ("--mode quant --coding sign-magnitude --act-scheme affine", &["--act-scheme", "--coding"]),
    ("--lut exact --coding sign-magnitude --act-scheme affine", &["--act-scheme", "--coding"]),
    ("--lut exact-signed --coding sign-magnitude", &["--coding", "sign-magnitude", "exact-signed"]),
    ("--lut dram-4", &["--lut", "dram-4", "drum-4"]),
    ("--lut nowhere.bin", &["--lut", "nowhere.bin"]),
    ("--lut drum-9", &["--lut", "drum-9", "drum-"]),
    ("--swap-operands", &["--swap-operands", "--lut"]),
    ("--lut-format bin-u16", &["--lut-format", "--lut"]),
    ("--lut exact --lut-format bin-u17", &["--lut-format", "bin-u17"]),
    ("--format xml", &["--format", "xml", "table", "json", "csv", "markdown", "junit"]),
    ("-o report.docx", &["--output", "report.docx", ".json", ".csv"]),
    ("-o report", &["--output", "report", ".json", ".csv"]),
    ("-o -", &["--output", "--format", ".json"]),
    ("-o /dev/stdout", &["--output", "/dev/stdout", "--format", "extensions", ".json"]),
    ("-o missing/report.json", &["--output", "missing/report.json", "folder missing does not exist"]),
    ("-o tiny.json/report.json", &["--output", "tiny.json/report.json"]),
    ("--predictions missing/p.csv", &["--predictions", "missing/p.csv"]),
    ("--logits missing/l.safetensors", &["--logits", "missing/l.safetensors"]),
    ("--mode quant --save-qparams missing/q.json", &["--save-qparams", "missing/q.json"]),
    ("--logits tiny", &["--logits", "tiny"]),
    ("--data nowhere.safetensors", &["nowhere.safetensors"]),
    ("--data-format tfrecord", &["--data-format", "tfrecord", "idx"]),
    ("--data tiny.safetensors --data-format idx", &["tiny.safetensors"]),
    ("--mode quant --calib-data nowhere", &["--calib-data", "nowhere"]),
    ("--mode quant --qparams nowhere.json", &["--qparams", "nowhere.json"]),
    ("--baseline nowhere.json --max-drop 0.1", &["--baseline", "nowhere.json"]),
    ("--channels cmyk", &["--channels", "cmyk", "gray", "rgb"]),
    ("--mean a,b", &["--mean", "a"]),
    ("--std 0", &["--std"]),
    ("--std nan", &["--std"]),
    ("--mean inf", &["--mean"]),
    ("--mean 1,2,3", &["--mean"]),
    ("--resize 0", &["--resize"]),
    ("--crop 0", &["--crop"]),
    ("--resize 14", &["28"]),
    ("--color sometimes", &["--color", "sometimes"]),
    ("-o r.json -o r.json", &["r.json", "twice"]),
    ("-o r.csv --predictions r.csv", &["r.csv", "twice"]),
    ("-o r.csv --predictions ./r.csv", &["r.csv", "twice"]),
    ("-o r.csv --predictions tiny/../r.csv", &["r.csv", "twice"]),
    ("-o tiny/r.json -o tiny/../tiny/r.json", &["r.json", "twice"]),
    ("--mode quant -o r.json --save-qparams tiny/../r.json", &["--save-qparams", "r.json", "twice"]),
    ("--kernel abacus", &["--kernel", "abacus", "scalar"]),
    ("--compare approx", &["--compare", "approx", "base or quant"]),
    ("--alpha 0.05", &["--alpha", "--baseline"]),
    ("--no-such-option", &["--no-such-option"]),
    ("--weights w.safetensors", &["w.safetensors", "cannot read"]),
    ("--weights tiny/model.safetensors", &["tiny/model.safetensors", "lenet5", "--arch"]),
    ("--model tiny --weights tiny/model.safetensors", &["--weights", "tiny"]),
    ("--arch lenet5", &["--weights"]),
    ("-q -v", &["--quiet", "--verbose"]),
];

#[test]
fn each_is_refused_in_one_line() {
    let (_, folder) = Tiny::folder(50);
    folder.write("tiny.json", "{}");
    for_each_case(CASES, |(args, needles)| {
        // The whole message, for clap puts lists and hints below the line.
        let run = folder.refuses(args, &[]);
        assert!(!run.stderr.contains(".approx-eval-"), "{args}: {}", run.stderr);
        for needle in *needles {
            assert!(run.stderr.contains(needle), "{args}: no '{needle}' in {}", run.stderr);
        }
    });
}

#[test]
fn networks_are_suggested() {
    let (_, folder) = Tiny::folder(51);
    folder.refuses("--model lenet6", &["lenet6", "lenet5", "resnet8"]);
    folder.refuses("--model missing/folder", &["missing/folder"]);
    folder.refuses("--arch resnet21 --weights tiny/model.safetensors", &["--arch", "resnet21", "resnet20"]);
    folder.refuses("--arch resnet20 --weights nowhere.safetensors", &["nowhere.safetensors"]);
    let run = folder.refuses("--arch resnet20 --weights w --model lenet5", &[]);
    assert!(run.stderr.contains("--model"), "{run:?}");
    folder.refuses("--model tiny --mode base", &["tiny", "--data"]);
}

#[test]
fn sizes_of_floats_are_not_changed() {
    let (_, folder) = Tiny::folder(52);
    for option in ["--resize", "--crop"] {
        folder.refuses(&format!("{TINY} {option} 12"), &[option]);
    }
    folder.refuses(&format!("{TINY} --channels gray"), &["--channels"]);
}

#[test]
fn commands_refuse_what_they_do_not_know() {
    let folder = Folder::new();
    let cases = [
        ("lut", "info"),
        ("lut info", "LUT"),
        ("lut info nothing", "nothing"),
        ("lut info exact --format xml", "xml"),
        ("lut show exact", "show"),
        ("model", "info"),
        ("model info lenet6", "lenet6"),
        ("model info resnet20 --input 3,32", "--input"),
        ("model info resnet20 --input 3,0,32", "--input"),
        ("model info resnet20 --num-classes 0", "--num-classes"),
        ("model info lenet5 --input 1,4,4", "4"),
        ("sweep", "sweep"),
        ("--mode base lut list", "--mode"),
    ];
    for_each_case(cases, |(args, needle)| {
        let run = folder.run_to(2, args);
        assert_eq!(run.stdout, "", "{args}");
        assert!(run.stderr.contains(needle) && !run.stderr.contains("panicked"), "{args}: {run:?}");
    });
}

#[test]
fn help_and_version_are_not_errors() {
    let folder = Folder::new();
    let help = folder.run_to(0, "--help");
    for part in ["--mode", "--lut", "--min-accuracy", "Exit codes"] {
        assert!(help.stdout.contains(part), "{part}");
    }
    let version = folder.run_to(0, "--version");
    assert_eq!(version.stdout.trim(), format!("approx-eval {}", env!("CARGO_PKG_VERSION")));
    for command in ["compare", "lut", "lut info", "lut list", "model", "model info", "model list"] {
        folder.run_to(0, &format!("{command} --help"));
    }
}
