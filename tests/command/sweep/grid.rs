//! Grids from options and from files, against single evaluations.

use super::{OF_THE_MACHINE, assert_is_evaluation, lines, merged, rows};
use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::Table;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("luts/mul_b.bin", Table::unsigned(|a, b| a * b - (a & b & 1)).u16_bin());
    folder.write("luts/mul_a.bin", Table::unsigned(|a, b| (a & !3) * b).u16_bin());
    folder.write("luts/README.md", "");
    folder
}

/// Layers exactly as a rule of a single evaluation has them.
fn except(layers: &[&str]) -> String {
    layers.iter().map(|layer| format!(" --set {layer}:mode=quant")).collect()
}

#[test]
fn figures_are_those_of_single_evaluations() {
    let folder = folder();
    let grid = "-m lenet5 -l luts/mul_* exact-signed --scope all,each all-but prefix --scope group:fc[12] -n 40";
    let run = folder.run_to(0, &format!("sweep run -o study {grid}"));
    assert!(run.stdout.contains("51 jobs done") && run.stderr.is_empty(), "{run:?}");
    let csv = merged(&folder, "study");
    let header = csv.lines().next().unwrap();
    assert!(header.starts_with("model,lut,scope,layer,top1,dataset,samples,mode,mae,"), "{header}");
    assert!(OF_THE_MACHINE.iter().all(|name| !header.split(',').any(|column| column == *name)), "{header}");
    let rows = rows(&csv);
    assert_eq!(rows.len(), 3 * (1 + 5 + 5 + 5 + 1));
    let row = |lut: &str, scope: &str, layer: &str| {
        let is_it = |row: &&std::collections::BTreeMap<String, String>| {
            (row["lut"].as_str(), row["scope"].as_str(), row["layer"].as_str()) == (lut, scope, layer)
        };
        rows.iter().find(is_it).unwrap_or_else(|| panic!("{lut} {scope} {layer}"))
    };
    let cases: [(&str, &str, &str, &str, &[&str]); 6] = [
        ("mul_a", "luts/mul_a.bin", "all", "", &[]),
        ("exact-signed", "exact-signed", "all", "", &[]),
        ("mul_b", "luts/mul_b.bin", "each", "conv2", &["conv1", "fc1", "fc2", "fc3"]),
        ("mul_a", "luts/mul_a.bin", "all-but", "fc3", &["fc3"]),
        ("mul_a", "luts/mul_a.bin", "prefix", "conv2", &["fc1", "fc2", "fc3"]),
        ("mul_b", "luts/mul_b.bin", "group", "fc[12]", &["conv1", "conv2", "fc3"]),
    ];
    for_each_case(cases, |(label, lut, scope, layer, exact)| {
        assert_is_evaluation(&folder, row(label, scope, layer), &format!("-l {lut} -n 40{}", except(exact)));
    });
    // In the order of the plan, network by network, scope by scope, layer by layer.
    let order: Vec<String> = rows.iter().map(|row| format!("{} {}", row["scope"], row["layer"])).collect();
    assert_eq!(order[..7], ["all ", "all ", "all ", "each conv1", "each conv1", "each conv1", "each conv2"]);
    let luts: Vec<&str> = rows[..3].iter().map(|row| row["lut"].as_str()).collect();
    assert_eq!(luts, ["mul_a", "mul_b", "exact-signed"]);
}

#[test]
fn every_axis_multiplies() {
    let folder = folder();
    // Products of 4 bits, one row an operand.
    let row = |a: u32| (0..16).map(|b| (a * b).to_string()).collect::<Vec<_>>().join(",");
    folder.write("luts/narrow.csv", (0..16).map(row).collect::<Vec<_>>().join("\n"));
    let plan = |args: &str| folder.json(&format!("sweep plan {args}"))["plan"].as_array().unwrap().clone();
    let cases = [
        ("", 1),
        ("-m lenet5 resnet8", 2),
        ("-m lenet5,resnet8 -l drum-{3..5} --scope all each", 3 * (1 + 5) + 3 * (1 + 10)),
        ("-l shipped", 30),
        ("-l catalogue:8u --coding sign-magnitude,affine", 2),
        ("-l drum-[34] --act-bits 4 5 6 --weight-bits 4,8", 12),
        ("-l drum-3,drum-4 drum-3", 2),
        ("-l drum-3 --mode base,quant,approx --scope each", 1 + 1 + 5),
        // Without a multiplier in use, there is one job a coding.
        ("-l drum-{3..5} --mode base,quant,approx", 1 + 1 + 3),
        ("-l drum-3 exact-signed --mode base,quant,approx", 1 + 2 + 2),
        ("-l luts/mul_a.bin luts/narrow.csv --mode quant,approx", 2 + 2),
        ("-l drum-{3..5} --mode quant --set fc1:mode=approx", 3),
        ("--mode noise --noise-std 0,0.1,0.2 --seed 1,2,3", 9),
        ("--mode noise --noise-from-lut drum-{3..4} --scope each", 10),
        ("--mode noise --noise-from-lut predicted:drum-[34] etm", 3),
        ("--mode noise --noise-from-lut predicted,measured -l drum-3", 2),
        ("--mode quant --calib minmax,percentile:99.9 mse --act-scheme symmetric,affine", 6),
        ("--mode quant --weight-scheme per-channel per-tensor --scale real,pow2", 4),
        ("--mode quant --requantize once,twice,truncate --calib-samples 20,40", 6),
        ("--mode quant -n 10,20 --shuffle 1,2 --acc-bits 12,auto", 8),
        ("-m vit_micro -l drum-3 --attention base,approx", 2),
    ];
    for_each_case(cases, |(args, count)| assert_eq!(plan(args).len(), count));
    // What shells expand is taken too.
    let output = folder.shell("approx-eval sweep plan -l drum-{3..4} luts/*.bin --format csv").output().unwrap();
    let planned = rows(&String::from_utf8(output.stdout).unwrap());
    let luts: Vec<&str> = planned.iter().map(|row| row["lut"].as_str()).collect();
    assert_eq!(luts, ["drum-3", "drum-4", "mul_a", "mul_b"]);
    // Products of activations are layers where they are asked to be.
    let scopes = |args: &str| plan(&format!("-m vit_micro -l drum-3 --scope each {args}")).len();
    assert!(scopes("--attention approx") > scopes(""));
    assert_eq!(scopes("--attention quant"), scopes(""));
    // Two files of one name are told apart.
    folder.write("other/mul_a.bin", folder.read("luts/mul_a.bin"));
    let luts: Vec<String> = plan("-l luts/mul_a.bin other/mul_a.bin luts/mul_b.bin")
        .iter()
        .map(|planned| planned["job"]["lut"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(luts, ["luts/mul_a.bin", "other/mul_a.bin", "mul_b"]);
    // A table that states its name goes by it, as in reports.
    folder.write("other/file.safetensors", Table::unsigned(|a, b| a * b).native("mine"));
    assert_eq!(plan("-l other/file.safetensors")[0]["job"]["lut"], "mine");
}

/// Without a multiplier in use, what is left of it is its coding.
#[test]
fn modes_without_a_multiplier_are_evaluated_once() {
    let folder = folder();
    folder.run_to(0, "sweep run -o study -l drum-3 exact-signed drum-4 --mode base,quant,approx -n 20");
    let rows = rows(&merged(&folder, "study"));
    let found: Vec<[&str; 3]> =
        rows.iter().map(|row| ["mode", "lut", "coding"].map(|name| row[name].as_str())).collect();
    let expected = [
        ["base", "", ""],
        ["quant", "", "sign-magnitude"],
        ["approx", "drum-3", "sign-magnitude"],
        ["quant", "", "signed"],
        ["approx", "exact-signed", "signed"],
        ["approx", "drum-4", "sign-magnitude"],
    ];
    assert_eq!(found, expected);
    for (row, coding) in [(&rows[1], "sign-magnitude"), (&rows[3], "signed")] {
        assert_is_evaluation(&folder, row, &format!("-n 20 --mode quant --coding {coding}"));
    }
}

#[test]
fn settings_that_differ_are_columns() {
    let folder = folder();
    let args = "-o study -n 20 -l drum-3 --attention base --calib minmax,percentile:99 --act-bits 6,8";
    folder.run_to(0, &format!("sweep run {args}"));
    let rows = rows(&merged(&folder, "study"));
    let found: Vec<(&str, &str)> = rows.iter().map(|row| (row["calib"].as_str(), row["act_bits"].as_str())).collect();
    assert_eq!(found, [("minmax", "6"), ("minmax", "8"), ("percentile:99", "6"), ("percentile:99", "8")]);
    for (row, calib) in rows.iter().zip(["minmax", "minmax", "percentile:99", "percentile:99"]) {
        let bits = &row["act_bits"];
        assert_is_evaluation(&folder, row, &format!("-n 20 -l drum-3 --calib {calib} --act-bits {bits}"));
    }
    for format in ["json", "markdown", "latex", "table"] {
        let text = folder.run_to(0, &format!("sweep merge study --format {format}")).stdout;
        assert!(text.contains("percentile:99") && !text.contains("images_per_second"), "{text}");
        assert!(format != "table" || text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
    folder.run_to(0, "sweep merge study -o table.csv -o table.md -o table.tex -o table.json");
    assert_eq!(String::from_utf8(folder.read("table.csv")).unwrap(), merged(&folder, "study"));
}

/// A grid as a file has it.
const FILE: &str = r#"# sweep.toml
lut = ["mul_*.bin", "drum-{3..4}"]
scope = ["all", "group:conv*"]
act-bits = [6, 8]
limit = 20
set = ["fc3:lut=mul_a.bin"]
"#;

#[test]
fn files_say_what_options_say() {
    let folder = folder();
    folder.write("luts/sweep.toml", FILE);
    let options =
        "-l luts/mul_*.bin drum-3 drum-4 --scope all group:conv* --act-bits 6,8 -n 20 --set fc3:lut=luts/mul_a.bin";
    let plan = |args: &str| folder.json(&format!("sweep plan {args}"))["plan"].clone();
    let (by_file, by_options) = (plan("-f luts/sweep.toml"), plan(options));
    let names = |plan: &serde_json::Value| {
        let jobs = plan.as_array().unwrap().iter();
        jobs.map(|planned| planned["job"]["lut"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((names(&by_file).len(), names(&by_file)), (16, names(&by_options)));
    folder.run_to(0, "sweep run -f luts/sweep.toml -o by-file");
    folder.run_to(0, &format!("sweep run {options} -o by-options"));
    assert_eq!(lines(&folder, "by-file/jobs.jsonl"), 16);
    assert_eq!(merged(&folder, "by-file"), merged(&folder, "by-options"));
    // The command line replaces an axis of a file, and what is said before the command stays.
    assert_eq!(names(&plan("-f luts/sweep.toml -l etm --act-bits 8")), ["etm", "etm"]);
    let run = folder.run_to(0, "sweep -v plan -f luts/sweep.toml -l etm --act-bits 8 --format csv");
    assert_eq!(rows(&run.stdout).len(), 2);
    // The folder of the study is relative to the file too.
    folder.write("luts/whole.toml", format!("{FILE}output = 'study'\nresume = true\n"));
    folder.run_to(0, "sweep run -f luts/whole.toml -l etm --act-bits 8");
    assert_eq!(lines(&folder, "luts/study/jobs.jsonl"), 2);
    let done = folder.json("sweep plan -f luts/whole.toml -l etm --act-bits 7,8")["plan"].clone();
    let status: Vec<&str> = done.as_array().unwrap().iter().map(|job| job["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["to do", "done", "to do", "done"]);
    let cases: [(&str, &[&str]); 5] = [
        ("lut = ['dram-4']", &["dram-4", "drum-4"]),
        ("lutt = 'drum-4'", &["line 1: unknown key 'lutt'", "'approx-eval sweep run --help'"]),
        ("mode = ['quant', 'quan']", &["line 1: invalid mode 'quan'", "did you mean 'quant'?"]),
        ("scope = ['all', 'some']", &["line 1: invalid scope", "group:PATTERN"]),
        ("min-accuracy = 0.5", &["unknown key 'min-accuracy'"]),
    ];
    for_each_case(cases, |(text, needles)| {
        folder.write("wrong.toml", text);
        folder.refuses("sweep run -f wrong.toml -o study", needles);
    });
}
