//! `-f run.toml`: whatever an option says, a file can say, with the same result.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::{Table, cifar, float_set};
use crate::common::network::{TINY, Tiny, write_gray_set};
use crate::common::onnx::Onnx;
use crate::common::random::Random;
use approx_eval::cli::Cli;
use clap::{Arg, CommandFactory};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The shipped network on 28 x 28 bytes.
const GRAY: &str = "--data gray.safetensors --mode quant";

/// A network in an ONNX file.
const ONNX: &str = "--model net.onnx --data color.bin --mode base";

/// An option, its arguments, the same in a file, and the options that both stand beside.
type Case = (&'static str, &'static str, &'static str, &'static str);

/// One of every option.
const CASES: &[Case] = &[
    ("model", "--model tiny", "model = 'tiny'", "--data tiny.safetensors"),
    ("model", "-m resnet8", "model = 'resnet8'", GRAY),
    ("model", "-m net.onnx", "model = 'net.onnx'", "--data color.bin"),
    ("arch", "--arch lenet5", "arch = 'lenet5'", "--weights tiny/model.safetensors --data tiny.safetensors"),
    ("weights", "--weights w.safetensors", "weights = 'w.safetensors'", "--arch resnet20"),
    (
        "input",
        "--input 2,16,16",
        "input = [2, 16, 16]",
        "--arch lenet5 --weights tiny/model.safetensors --data tiny.safetensors",
    ),
    ("layout", "--layout nhwc", "layout = 'nhwc'", ONNX),
    ("output-name", "--output-name features", "output-name = 'features'", ONNX),
    ("task", "--task anomaly-detection", "task = 'anomaly-detection'", TINY),
    ("threshold", "--threshold -0.5", "threshold = -0.5", TINY),
    ("no-fold-bn", "--no-fold-bn", "no-fold-bn = true", "--model resnet8 --data gray.safetensors --mode quant"),
    ("data", "--data tiny.safetensors", "data = 'tiny.safetensors'", "--model tiny"),
    ("data-format", "--data-format idx", "data-format = 'idx'", TINY),
    ("mean", "--mean 0.2", "mean = 0.2", GRAY),
    ("mean", "--mean 0.485,0.456,-0.406", "mean = [0.485, 0.456, -0.406]", ONNX),
    ("std", "--std 0.3", "std = [0.3]", GRAY),
    ("resize", "--resize 30", "resize = 30", "--data gray.safetensors --crop 28"),
    ("interpolation", "--interpolation bicubic", "interpolation = 'bicubic'", "--data gray.safetensors --resize 28"),
    ("crop", "--crop 28", "crop = 28", "--data gray.safetensors --resize 32"),
    ("channels", "--channels rgb", "channels = 'rgb'", GRAY),
    ("lut", "--lut drum-4", "lut = 'drum-4'", TINY),
    ("lut", "-l mul8.bin", "lut = 'mul8.bin'", TINY),
    (
        "lut-format",
        "--lut-format bin-u16",
        "lut-format = 'bin-u16'",
        "--lut mul8.bin --model tiny --data tiny.safetensors",
    ),
    ("swap-operands", "--swap-operands", "swap-operands = true", "--lut mul8.bin --model tiny --data tiny.safetensors"),
    ("coding", "--coding affine", "coding = 'affine'", "--lut exact --model tiny --data tiny.safetensors"),
    ("costs", "--costs costs.csv", "costs = 'costs.csv'", "--lut drum-6 --model tiny --data tiny.safetensors"),
    ("mode", "--mode quant", "mode = 'quant'", TINY),
    ("attention", "--attention quant", "attention = 'quant'", "--mode quant --model tiny --data tiny.safetensors"),
    ("assign", "--assign rules.json", "assign = 'rules.json'", TINY),
    (
        "set",
        "--set fc*:lut=mitchell --set conv1:mode=quant,act_bits=6",
        "set = ['fc*:lut=mitchell', 'conv1:mode=quant,act_bits=6']",
        TINY,
    ),
    ("noise-std", "--noise-std 0.5", "noise-std = 0.5", "--mode noise --model tiny --data tiny.safetensors"),
    ("noise-std", "--noise-std -1", "noise-std = -1", TINY),
    ("noise-mean", "--noise-mean -0.25", "noise-mean = -0.25", "--mode noise --model tiny --data tiny.safetensors"),
    (
        "noise-from-lut",
        "--noise-from-lut udm",
        "noise-from-lut = 'udm'",
        "--mode noise --model tiny --data tiny.safetensors",
    ),
    (
        "seed",
        "--seed 18446744073709551615",
        "seed = 18446744073709551615",
        "--mode noise --noise-std 1 --model tiny --data tiny.safetensors",
    ),
    ("acc-bits", "--acc-bits auto", "acc-bits = \"auto\"", "--model tiny --data tiny.safetensors --mode quant"),
    ("acc-overflow", "--acc-overflow saturate", "acc-overflow = \"saturate\"", "--mode quant -n 2 --acc-bits 12"),
    ("act-bits", "--act-bits 5", "act-bits = 5", "--mode quant --model tiny --data tiny.safetensors"),
    ("weight-bits", "--weight-bits 4", "weight-bits = 4", "--mode quant --model tiny --data tiny.safetensors"),
    ("act-scheme", "--act-scheme affine", "act-scheme = 'affine'", "--mode quant --model tiny --data tiny.safetensors"),
    ("scale", "--scale pow2", "scale = 'pow2'", "--mode quant --model tiny --data tiny.safetensors"),
    ("requantize", "--requantize once", "requantize = 'once'", "--mode quant --model tiny --data tiny.safetensors"),
    ("weight-scheme", "--weight-scheme per-tensor", "weight-scheme = 'per-tensor'", GRAY),
    ("calib", "--calib percentile:99", "calib = 'percentile:99'", GRAY),
    ("calib-samples", "--calib-samples 3", "calib-samples = 3", GRAY),
    ("calib-data", "--calib-data gray.safetensors", "calib-data = 'gray.safetensors'", GRAY),
    ("qparams", "--qparams q.json", "qparams = 'q.json'", "--mode quant --model tiny --data tiny.safetensors"),
    ("save-qparams", "--save-qparams saved.json", "save-qparams = 'saved.json'", GRAY),
    ("limit", "--limit 3", "limit = 3", TINY),
    ("shuffle", "--shuffle 7", "shuffle = 7", "--limit 3 --model tiny --data tiny.safetensors"),
    ("batch-size", "-b 4", "batch-size = 4", TINY),
    ("threads", "--threads 1", "threads = 1", TINY),
    ("kernel", "--kernel scalar", "kernel = 'scalar'", "--mode quant --model tiny --data tiny.safetensors"),
    ("format", "--format markdown", "format = 'markdown'", TINY),
    ("output", "-o a.csv --output b.md", "output = ['a.csv', 'b.md']", TINY),
    ("output", "-o a.docx", "output = 'a.docx'", TINY),
    ("predictions", "--predictions a.csv", "predictions = 'a.csv'", TINY),
    ("logits", "--logits a.safetensors", "logits = 'a.safetensors'", TINY),
    ("confusion", "--confusion a.csv", "confusion = 'a.csv'", TINY),
    ("dump", "--dump d", "dump = 'd'", "--mode quant --model tiny --data tiny.safetensors"),
    ("dump-samples", "--dump-samples 3", "dump-samples = 3", "--dump d --lut udm --model tiny --data tiny.safetensors"),
    (
        "dump-format",
        "--dump-format readmemh,npy",
        "dump-format = ['readmemh', 'npy']",
        "--dump d --lut udm --model tiny --data tiny.safetensors",
    ),
    ("layer-errors", "--layer-errors", "layer-errors = true", "--lut udm --model tiny --data tiny.safetensors"),
    ("compare", "--compare quant", "compare = 'quant'", "--lut udm --model tiny --data tiny.safetensors"),
    ("min-accuracy", "--min-accuracy 1", "min-accuracy = 1", TINY),
    ("baseline", "--baseline base.json", "baseline = 'base.json'", "--max-drop 0 --model tiny --data tiny.safetensors"),
    ("max-drop", "--max-drop -1", "max-drop = -1.0", "--baseline base.json --model tiny --data tiny.safetensors"),
    ("alpha", "--alpha 0.05", "alpha = 0.05", "--baseline base.json --model tiny --data tiny.safetensors"),
    ("quiet", "--quiet", "quiet = true", "-n 3 --baseline base.json --max-drop 1 --model tiny --data tiny.safetensors"),
    ("verbose", "-v -v", "verbose = 2", GRAY),
    ("no-progress", "--no-progress", "no-progress = true", TINY),
    ("color", "--color always", "color = 'always'", "--lut udm --model tiny --data tiny.safetensors"),
];

/// Options that may change nothing here: there is no terminal and little to be said, and there may be one core.
const NO_EFFECT: &[&str] = &["no-progress", "threads", "color", "verbose"];

/// The files that the cases name.
fn folder() -> Folder {
    let (_, folder) = Tiny::folder(700);
    write_gray_set(&folder, "gray.safetensors", 12);
    folder.write("mul8.bin", Table::unsigned(|a, b| a * b - (a & b & 1)).u16_bin());
    folder.write("costs.csv", "multiplier,energy\nexact,0.4\ndrum-6,0.3\n");
    folder.write("rules.json", r#"{"schema": 1, "rules": [{"layers": "fc*", "lut": "drum-4"}]}"#);
    let mut net = Onnx::new(17, &[3, 32, 32]);
    net.random("conv.weight", &[4, 3, 3, 3]).op("Conv", &["x", "conv.weight"], "features", &[]);
    net.op("GlobalAveragePool", &["features"], "pooled", &[]).op("Flatten", &["pooled"], "flat", &[]);
    net.random("fc.weight", &[4, 10]).op("Gemm", &["flat", "fc.weight"], "logits", &[]);
    folder.write("net.onnx", net.bytes("logits"));
    folder.write("color.bin", cifar(&Random::new(2).bytes(8 * 3072), |i| vec![i as u8]));
    folder.run_to(0, &format!("{TINY} --lut udm -o base.json --predictions base.csv --save-qparams q.json"));
    folder
}

/// A report as JSON without what a clock says.
fn untimed(mut report: Value) -> Value {
    for key in ["seconds", "images_per_second", "lookups_per_second"] {
        if let Some(timing) = report.get_mut("timing").and_then(Value::as_object_mut) {
            timing.remove(key);
        }
    }
    report
}

/// Lines without those that a clock or a processor has a say in.
fn untimed_lines(text: &str) -> Vec<String> {
    text.lines().filter(|line| !line.contains("images/s") && !line.contains(" s,")).map(str::to_owned).collect()
}

/// All that a run does: exit code, report, lines of standard error, and files, which are removed.
#[derive(Debug, PartialEq)]
struct Outcome {
    code: Option<i32>,
    report: Value,
    lines: Vec<String>,
    errors: Vec<String>,
    files: BTreeMap<String, Vec<u8>>,
}

fn outcome(folder: &Folder, args: &str) -> Outcome {
    let before = folder.names();
    let run = folder.run(args);
    let report = serde_json::from_str(&run.stdout).map(untimed).unwrap_or_default();
    let names: Vec<String> = folder.names().difference(&before).cloned().collect();
    let mut take = |name: &String| {
        if folder.path(name).is_dir() {
            // A dump, whose index says what else is in it.
            let bytes = folder.read(&format!("{name}/index.json"));
            std::fs::remove_dir_all(folder.path(name)).unwrap();
            return (name.clone(), bytes);
        }
        let bytes = folder.read(name);
        std::fs::remove_file(folder.path(name)).unwrap();
        // Reports of runs, which say how long these took.
        let bytes = if Path::new(name).extension().is_some_and(|ending| ending == "md") || bytes.starts_with(b"model,")
        {
            Vec::new()
        } else {
            bytes
        };
        (name.clone(), bytes)
    };
    let files = names.iter().map(&mut take).collect();
    let lines = if report.is_null() { untimed_lines(&run.stdout) } else { Vec::new() };
    Outcome { code: run.code, report, lines, errors: untimed_lines(&run.stderr), files }
}

#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn a_file_says_what_an_option_says() {
    let folder = folder();
    for_each_case(CASES, |(option, arguments, toml, beside)| {
        // Standard output can be compared as JSON alone.
        let beside =
            if ["format", "color"].contains(option) { (*beside).to_owned() } else { format!("{beside} --format json") };
        let by_option = outcome(&folder, &format!("{beside} {arguments}"));
        folder.write("run.toml", format!("# {option}\n{toml}\n"));
        let mut by_file = outcome(&folder, &format!("{beside} -f run.toml"));
        if by_option.code == Some(2) {
            // The message names the key and the line in place of the option.
            let said = by_file.errors.join("\n");
            if by_option.errors.join("\n").contains(&format!("--{option} ")) {
                assert!(said.contains("run.toml") && said.contains("line 2"), "{said}");
                assert!(!said.contains(&format!("--{option} ")), "{said}");
            }
            let plain = said.replace(&format!("{option} (run.toml, line 2)"), &format!("--{option}"));
            by_file.errors = plain.lines().map(str::to_owned).collect();
            if by_file.errors[0].contains("invalid ") {
                by_file.errors.clone_from(&by_option.errors);
            }
        }
        if *option == "verbose" {
            by_file.errors.retain(|line| !line.contains("options from run.toml"));
        }
        assert_eq!(by_file, by_option);
        let without = outcome(&folder, &beside);
        assert!(NO_EFFECT.contains(option) || without != by_option, "no effect beside {beside}: {without:?}");
    });
}

/// Every option that clap knows is in the table: one that a file cannot say would fail there.
#[test]
fn every_option_can_be_said() {
    let command = Cli::command();
    let options = command.get_arguments().filter_map(Arg::get_long);
    let known: BTreeSet<&str> = options.filter(|option| !["file", "help", "version"].contains(option)).collect();
    let said: BTreeSet<&str> = CASES.iter().map(|(option, ..)| *option).collect();
    assert_eq!(said, known, "each option has a line in CASES");
    for (option, _, toml, _) in CASES {
        assert!(toml.starts_with(&format!("{option} = ")), "{toml}");
    }
}

/// An experiment with paths of every kind, in a folder of its own.
const EXPERIMENT: &str = r#"# A network of one's own.
model = "tiny"
data = "tiny.safetensors"
lut = "mul8.bin"            # ours
calib-samples = 4
limit = 7
set = ["fc3:lut=mul8.bin,swap_operands=true", "fc2:lut=drum-4"]
output = ["report.json"]
"#;

#[test]
fn paths_start_at_the_files_folder() {
    let (tiny, folder) = Tiny::folder(701);
    for name in ["tiny/config.json", "tiny/model.safetensors", "tiny/calibration.safetensors", "tiny.safetensors"] {
        folder.write(&format!("a/b/{name}"), folder.read(name));
    }
    // Others of the same names, which are not meant.
    folder.write("tiny.safetensors", float_set([1, 2, 12, 12], &tiny.images[..288], &[0]));
    folder.write("mul8.bin", Table::unsigned(|_, _| 0).u16_bin());
    folder.write("a/b/mul8.bin", Table::unsigned(|a, b| a * b - (a & b & 1)).u16_bin());
    folder.write("a/b/run.toml", EXPERIMENT);
    let by_file = untimed(folder.json("-f a/b/run.toml"));
    assert_eq!(untimed(folder.read_json("a/b/report.json")), by_file, "outputs start there too");
    let by_options = folder.json(
        "--model a/b/tiny --data a/b/tiny.safetensors --lut a/b/mul8.bin --calib-samples 4 --limit 7 \
         --set fc3:lut=a/b/mul8.bin,swap_operands=true --set fc2:lut=drum-4",
    );
    assert_eq!(by_file, untimed(by_options));
    assert_eq!(by_file["layers"][4]["lut"].as_str().map(|name| name.starts_with("mul8")), Some(true));
    // From the folder itself, and by an absolute path.
    let absolute = format!("-f {}", folder.path("a/b/run.toml").display());
    assert_eq!(folder.json(&absolute)["accuracy"], by_file["accuracy"]);
}

#[test]
fn the_command_line_decides() {
    let folder = folder();
    folder.write("run.toml", "model = 'tiny'\ndata = 'tiny.safetensors'\nlut = 'drum-4'\nlimit = 7\nnoise-std = 0.5\n");
    assert_eq!(folder.json("-f run.toml")["lut"]["name"], "drum-4");
    let report = folder.json("-f run.toml --lut drum-3 -n 5");
    assert_eq!((&report["lut"]["name"], &report["accuracy"]["total"]), (&"drum-3".into(), &5.into()));
    // What cannot stand beside an option of the command line is not meant.
    let plain = folder.json("--mode noise --noise-from-lut udm -n 7 --lut drum-4 --model tiny --data tiny.safetensors");
    let derived = folder.json("-f run.toml --mode noise --noise-from-lut udm");
    assert_eq!(untimed(derived), untimed(plain));
    folder.write("rules.toml", "set = ['*:mode=quant']\nlut = 'udm'\n");
    let modes = |report: Value| -> Vec<Value> {
        report["layers"].as_array().unwrap().iter().map(|layer| layer["mode"].clone()).collect()
    };
    assert_eq!(
        modes(folder.json("-f run.toml -f rules.toml --set fc1:mode=base")),
        ["quant", "quant", "base", "quant", "quant"]
    );
    // The environment stands between the two.
    folder.write("kernel.toml", "kernel = 'abacus'\n");
    folder.refuses(&format!("{TINY} -f kernel.toml"), &["kernel (kernel.toml, line 1) abacus", "scalar"]);
    let mut command = folder.command(&format!("{TINY} --mode quant -f kernel.toml --format json"));
    let output = command.env("APPROX_EVAL_KERNEL", "scalar").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_is_wrong_is_named_by_file_line_and_key() {
    let folder = folder();
    let cases: &[(&str, &str, &[&str])] = &[
        ("limt = 3", "", &["run.toml: line 1: unknown key 'limt' (did you mean 'limit'"]),
        ("act_bits = 3", "", &["unknown key 'act_bits' (did you mean 'act-bits'"]),
        ("\nlimit = 0", "", &["run.toml: line 2: invalid limit '0': expected a whole number of at least 1"]),
        (
            "mode = 'quan'",
            "",
            &["invalid mode 'quan': did you mean 'quant'? expected one of base, quant, approx, noise"],
        ),
        ("limit = true", "", &["run.toml: line 1: limit is true, expected a text in quotes or a number"]),
        ("set = ['fc*:lut']", "", &["run.toml: line 1: invalid set 'fc*:lut'", "PATTERN:key=value"]),
        ("set = ['nothing:mode=quant']", "", &["nothing"]),
        ("lut = 'dram-4'", "", &["lut (run.toml, line 1)", "dram-4", "drum-4"]),
        ("lut = 'nowhere.bin'", "", &["lut (run.toml, line 1)", "nowhere.bin"]),
        ("baseline = 'base.json'", "", &["run.toml: ", "is missing, which another option requires"]),
        ("model = 'tiny'\narch = 'lenet5'", "--weights w", &["arch (run.toml, line 2)", "model (run.toml, line 1)"]),
        ("data-format = 'idx'", "", &["data-format (run.toml, line 1) requires --data"]),
        ("limit = ", "", &["run.toml: line 1: not TOML"]),
        ("limit = 3\n\u{1b}[2J = 3", "", &["run.toml: line 2: not TOML"]),
        ("\"\\u001b[2J\" = 3", "", &["unknown key '\\u{1b}[2J'"]),
        ("file = 'run.toml'", "", &["a file does not name others"]),
    ];
    for_each_case(cases, |(text, args, needles)| {
        folder.write("run.toml", text);
        let run = folder.refuses(&format!("-f run.toml {args}"), needles);
        assert!(!run.stderr.contains('\u{1b}') && run.stderr.lines().count() == 1, "{run:?}");
    });
    folder.write("run.toml", "limit = 3\n");
    folder.refuses("-f run.toml -f nowhere.toml", &["nowhere.toml", "cannot read the experiment file"]);
    folder.refuses("-f tiny", &["tiny", "it is a folder"]);
    assert!(folder.refuses("-f run.toml --limit x", &["'x'", "--limit"]).stderr.contains("--help"), "clap's own");
    assert!(folder.run_to(2, "-f run.toml lut list").stderr.contains("cannot be used with"));
    let run = folder.refuses("lut list -f run.toml", &[]);
    assert!(run.stderr.contains("-f"), "{run:?}");
}

#[cfg(unix)]
#[test]
fn no_file_is_too_strange() {
    let folder = folder();
    folder.write("set.safetensors", folder.read("tiny.safetensors"));
    std::fs::File::create(folder.path("hole.toml")).unwrap().set_len(1 << 40).unwrap();
    folder.write("text.toml", b"limit = 3\nmode = '\xff'\n");
    folder.write("binary.toml", Random::new(3).bytes(5000));
    folder.write("deep.toml", format!("mean = {}", "[".repeat(50_000)));
    folder.write("wide.toml", "a".repeat(1 << 20));
    let cases: &[(&str, &[&str])] = &[
        ("-f hole.toml", &["hole.toml", "expected at most"]),
        ("-f text.toml", &["text.toml", "not a text file in UTF-8", "line 2"]),
        ("-f binary.toml", &["binary.toml"]),
        ("-f deep.toml", &["deep.toml", "not TOML"]),
        ("-f wide.toml", &["wide.toml", "line 1"]),
        ("-f <(echo 'limit = 3')", &["it is a pipe"]),
        ("-f /dev/zero", &["it is a device"]),
    ];
    for_each_case(cases, |(args, needles)| {
        let run = folder.refuses_in_bounds(args, needles);
        assert!(run.stderr.len() < 4000, "{}", run.stderr.len());
    });
    // A run does not write over the file that it was told by.
    folder.write("run.toml", "model = 'tiny'\ndata = 'set.safetensors'\npredictions = 'run.toml'\n");
    folder.refuses("-f run.toml", &["run.toml"]);
    // Folders of any name.
    let script = "mkdir $'\\xff' && cp -r tiny tiny.safetensors $'\\xff' && \
                  printf 'data = \"tiny.safetensors\"\\nlimit = 3\\n' > $'\\xff/run.toml' && \
                  approx-eval --format json -f $'\\xff/run.toml' --model tiny";
    let output = folder.shell(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn repeated_options_take_the_last() {
    let folder = folder();
    let cases = [
        ("--lut drum-4 --lut drum-3", "--lut drum-3"),
        ("-l drum-4 --lut=drum-3 -l udm", "--lut udm"),
        ("--mode quant --mode base", "--mode base"),
        ("--limit 3 -n 4", "--limit 4"),
        ("--data nowhere --data tiny.safetensors", ""),
        ("--no-fold-bn --no-fold-bn", "--no-fold-bn"),
        ("--noise-std 3 --noise-std 0.5 --mode noise", "--noise-std 0.5 --mode noise"),
        ("--format csv", ""),
        ("--mode base --mode quant --set fc1:mode=base --set fc2:mode=base", "--mode quant --set {fc1,fc2}:mode=base"),
    ];
    for_each_case(cases, |(repeated, once)| {
        let report = |args: &str| {
            let mut report = untimed(folder.json(&format!("{TINY} {args}")));
            // Rules are reported as they were given.
            report["config"].as_object_mut().unwrap().remove("assignment");
            report
        };
        assert_eq!(report(repeated), report(once));
    });
    // A list is replaced whole.
    let mean = |args: &str| untimed(folder.json(&format!("{GRAY} {args}")));
    assert_eq!(mean("--mean 1 --mean 0.2"), mean("--mean 0.2"));
    // Options of commands, and what may be given more than once.
    let info = |args: &str| folder.json(args);
    assert_eq!(
        info("lut info drum-4 --costs nowhere.csv --costs costs.csv"),
        info("lut info drum-4 --costs costs.csv")
    );
    folder.run_to(0, &format!("{TINY} -o a.json -o b.json"));
    assert_eq!(untimed(folder.read_json("a.json")), untimed(folder.read_json("b.json")));
    assert!(
        folder.run_to(2, "lut info drum-4 drum-3").stderr.contains("drum-3"),
        "arguments without a name do not repeat"
    );
}

/// Studies of one network take what an evaluation takes, with the same result.
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn studies_take_files() {
    let folder = folder();
    folder.write("a/mul8.bin", Table::unsigned(|a, b| a * b - (a & b & 1)).u16_bin());
    folder.write("a/study.toml", "limit = 40\nset = ['fc3:lut=mul8.bin']\nact-bits = 7\n");
    let options = "--limit 40 --set fc3:lut=a/mul8.bin --act-bits 7";
    for_each_case(&["sensitivity --lut drum-4", "rank --lut drum-4 drum-3 --top 1", "advise drum-3"], |study| {
        let printed = |given: &str| folder.run_to(0, &format!("{study} --format csv {given}")).stdout;
        assert_eq!(printed("-f a/study.toml"), printed(options));
        assert_ne!(printed("-f a/study.toml"), printed("--limit 40"));
    });
    folder.write("wrong.toml", "limt = 40\n");
    let named =
        ["sensitivity -l drum-4", "rank -l drum-4", "advise drum-4", "search -l drum-4 -o out", "correct -o out"];
    for_each_case(&named, |study| {
        folder.refuses(&format!("{study} -f wrong.toml"), &["wrong.toml: line 1: unknown key 'limt'"]);
    });
}
