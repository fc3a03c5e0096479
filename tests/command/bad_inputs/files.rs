//! What paths lead to: no regular file where one is read, a file that is read where one is written, full disks.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::{Table, float_set, safetensors};
use crate::common::network::{StateDict, TINY, Tiny, write_gray_set};
use crate::common::onnx::Onnx;
use crate::common::pictures::{gray_png, npy};
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

/// A place that a run reads from: how it is named, and the arguments that read it.
const PLACES: &[(&str, &str)] = &[
    ("x.bin", "--lut x.bin"),
    ("x.csv", "--set 'conv1:lut=x.csv'"),
    ("x.npy", "--mode noise --noise-from-lut x.npy"),
    ("x.bin", "lut info x.bin"),
    ("x.bin", "lut plot x.bin -o p.svg"),
    ("x.bin", "lut convert x.bin y.bin"),
    ("x.c", "lut from-c x.c --yes"),
    ("x.csv", "lut list --costs x.csv"),
    ("x", "-d x"),
    ("x.csv", "-d x.csv --data-format csv"),
    ("x.bin", "-d x.bin --data-format cifar10"),
    ("x.npz", "-d x.npz --data-format npz"),
    ("x_test.npy", "-d x_test.npy --data-format npy"),
    ("y_test.npy", "-d x_test.npy --data-format npy"),
    ("x.safetensors", "-d x.safetensors --data-format safetensors"),
    ("x-images-idx3", "-d x-images-idx3 --data-format idx"),
    ("t10k-labels-idx1-ubyte", "-d t10k-images-idx3-ubyte"),
    ("x.txt", "-d x.txt --data-format list"),
    ("entry.png", "-d val.txt"),
    ("x.safetensors", "--mode quant --calib-data x.safetensors"),
    ("x.json", "--mode quant --qparams x.json"),
    ("x.json", "--assign x.json"),
    ("x.json", "--baseline x.json --max-drop 1"),
    ("x.json", "compare x.json x.json"),
    ("x.onnx", "-m x.onnx"),
    ("external.bin", "-m external.onnx -d tiny.safetensors"),
    ("x.safetensors", "--weights x.safetensors"),
    ("tiny/config.json", "--model tiny -d tiny.safetensors"),
    ("tiny/model.safetensors", "--model tiny -d tiny.safetensors"),
];

/// Makes something at a path that is no file to read.
type Make = fn(&std::path::Path);

const KINDS: &[(&str, Make)] = &[
    ("pipe", |path| assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success())),
    ("device", |path| symlink("/dev/zero", path).unwrap()),
    ("socket", |path| drop(UnixListener::bind(path).unwrap())),
    ("folder", |path| std::fs::create_dir(path).unwrap()),
    ("nothing", |path| symlink("nowhere", path).unwrap()),
    ("loop", |path| symlink(path.file_name().unwrap(), path).unwrap()),
];

/// An ONNX file whose weight lies in `external.bin`.
fn with_external_data() -> Vec<u8> {
    use rten_onnx::onnx::{DataLocation, StringStringEntryProto};
    let mut onnx = Onnx::new(17, &[2, 12, 12]);
    onnx.random("w", &[288, 7]);
    onnx.op("Flatten", &["x"], "flat", &[]).op("MatMul", &["flat", "w"], "y", &[]);
    let mut model = onnx.model("y");
    let tensor = &mut model.graph.as_mut().unwrap().initializer[0];
    tensor.raw_data = None;
    tensor.float_data.clear();
    tensor.data_location = Some(DataLocation::EXTERNAL);
    let mut entry = StringStringEntryProto::default();
    (entry.key, entry.value) = (Some("location".to_owned()), Some("external.bin".to_owned()));
    tensor.external_data.push(entry);
    model.write_buf().unwrap()
}

/// A set in two files, each of which may be no file in turn.
fn write_numpy_pair(folder: &Folder) {
    folder.write("x_test.npy", npy("|u1", "(1, 28, 28)", &[0; 784]));
    folder.write("y_test.npy", npy("|u1", "(1,)", &[0]));
}

#[test]
fn what_is_no_regular_file_is_not_read() {
    let (tiny, folder) = Tiny::folder(220);
    folder.write("external.onnx", with_external_data());
    folder.write("val.txt", "picture.png 1\nentry.png 2\n");
    folder.write("picture.png", gray_png(28, &[9; 784]));
    folder.write("t10k-images-idx3-ubyte", crate::common::files::idx(&[1, 28, 28], &[0; 784]));
    write_numpy_pair(&folder);
    let weights = safetensors(&tiny.weights.stored());
    let cases = PLACES.iter().flat_map(|place| KINDS.iter().map(move |kind| (place, kind.0, kind.1)));
    for_each_case(cases, |((name, args), kind, make)| {
        let path = folder.path(name);
        // Another case may have failed, and left a pipe.
        let before = path.is_file().then(|| std::fs::read(&path).unwrap());
        let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir(&path));
        make(&path);
        let run = folder.refuses_in_bounds(args, &[]);
        // A folder may be one of the things that are taken, and is refused for what it holds.
        let is_elsewhere = run.stderr.contains("no model") || run.stderr.contains("has no labels");
        if !matches!(kind, "folder" | "nothing" | "loop") && !is_elsewhere {
            assert!(run.stderr.contains(&format!("it is a {kind}, expected a regular file")), "{run:?}");
        }
        let last = name.rsplit('/').next().unwrap();
        assert!(run.stderr.contains(last) || run.stderr.contains("t10k-images"), "{run:?}");
        if path.is_dir() {
            std::fs::remove_dir(&path).unwrap();
        } else {
            std::fs::remove_file(&path).unwrap();
        }
        if let Some(before) = before {
            std::fs::write(&path, before).unwrap();
        }
    });
    assert_eq!(folder.read("tiny/model.safetensors"), weights);
}

#[test]
fn sizes_are_looked_at_first() {
    let (_, folder) = Tiny::folder(221);
    folder.write("external.onnx", with_external_data());
    folder.write("val.txt", "picture.png 1\nentry.png 2\n");
    folder.write("picture.png", gray_png(28, &[9; 784]));
    write_numpy_pair(&folder);
    for_each_case(PLACES, |(name, args)| {
        let path = folder.path(name);
        let before = std::fs::read(&path).ok();
        // A hole of a terabyte. Formats that are read by offset may take what they find at the start.
        std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        folder.refuses_in_bounds(args, &[]);
        std::fs::remove_file(&path).unwrap();
        if let Some(before) = before {
            std::fs::write(&path, before).unwrap();
        }
    });
}

/// Each output, with the arguments that write it.
const OUTPUTS: &[&str] = &["-o", "--predictions", "--logits", "--save-qparams", "--confusion"];

#[test]
fn inputs_are_not_written_over() {
    let (_, folder) = Tiny::folder(222);
    folder.run_to(0, &format!("{TINY} --mode quant --save-qparams q.json -o base.json"));
    folder.write("l.bin", Table::unsigned(|a, b| a * b).u16_bin());
    folder.write("costs.csv", "multiplier,energy\nx,1\n");
    folder.write("rules.json", r#"{"schema":1,"rules":[{"layers":"conv1","mode":"quant"}]}"#);
    let args = format!(
        "{TINY} --lut l.bin --calib-data tiny/calibration.safetensors --costs costs.csv --assign rules.json \
         --baseline base.json --max-drop 1"
    );
    let inputs = [
        "tiny.safetensors",
        "tiny/config.json",
        "tiny/model.safetensors",
        "l.bin",
        "tiny/calibration.safetensors",
        "costs.csv",
        "rules.json",
        "base.json",
    ];
    for input in inputs {
        let _ = std::fs::remove_file(folder.path("hard.json"));
        let _ = std::fs::remove_file(folder.path("soft.json"));
        std::fs::hard_link(folder.path(input), folder.path("hard.json")).unwrap();
        symlink(input, folder.path("soft.json")).unwrap();
        let before = folder.read(input);
        let names = [input.to_owned(), format!("./tiny/../{input}"), "hard.json".to_owned(), "soft.json".to_owned()];
        for_each_case(names, |name| {
            for output in OUTPUTS {
                let extension = std::path::Path::new(&name).extension().unwrap();
                if *output == "-o" && extension != "json" && extension != "csv" {
                    continue;
                }
                folder.refuses(&format!("{args} {output} {name}"), &[&name, "this run reads it", output]);
            }
            assert_eq!(folder.read(input), before);
        });
    }
    folder.write("m.c", "int f(int a, int b) { return a * b; }");
    folder.write("val.txt", "picture.png 1\nentry.png 2\n");
    folder.write("picture.png", gray_png(28, &[9; 784]));
    folder.write("entry.png", gray_png(28, &[7; 784]));
    folder.write("set/a/1.png", gray_png(28, &[9; 784]));
    folder.write("set/b/2.png", gray_png(28, &[7; 784]));
    folder.write("external.onnx", with_external_data());
    folder.write("external.bin", vec![0; 4 * 288 * 7]);
    folder.write("two.safetensors", safetensors(&StateDict::lenet5(1, 1, 28, 2).stored()));
    let cases = [
        ("lut from-c m.c --yes -o m.c", "m.c"),
        ("lut convert l.bin l.bin", "l.bin"),
        ("lut convert l.bin ./l.bin", "l.bin"),
        ("lut plot l.bin -o soft.svg", "soft.svg"),
        ("-d val.txt --logits entry.png", "entry.png"),
        ("-d val.txt --logits picture.png", "picture.png"),
        ("-d val.txt --predictions val.txt", "val.txt"),
        ("--weights two.safetensors -d set --predictions set/b/2.png", "2.png"),
        ("-m external.onnx -d tiny.safetensors --logits external.bin", "external.bin"),
        ("-m external.onnx -d tiny.safetensors --logits external.onnx", "external.onnx"),
        ("compare base.json base.json -o base.json", "base.json"),
    ];
    symlink("l.bin", folder.path("soft.svg")).unwrap();
    for_each_case(cases, |(args, name)| {
        let run = folder.refuses(args, &[name]);
        assert!(run.stderr.contains("this run reads it") || run.stderr.contains("no predictions"), "{run:?}");
    });
    // What only lies beside a table is not read: a report of an earlier run of the same name.
    folder.run_to(0, &format!("{TINY} --lut l.bin -o l.json"));
    folder.run_to(0, &format!("{TINY} --lut l.bin -o l.json"));
}

#[test]
fn two_outputs_are_two_files() {
    let (_, folder) = Tiny::folder(223);
    folder.write("a.json", "old");
    std::fs::hard_link(folder.path("a.json"), folder.path("b.csv")).unwrap();
    symlink("a.json", folder.path("c.csv")).unwrap();
    symlink("new.json", folder.path("d.csv")).unwrap();
    for (first, second) in [("a.json", "b.csv"), ("a.json", "c.csv"), ("new.json", "d.csv"), ("a.json", "a.json")] {
        folder.refuses(&format!("{TINY} -o {first} --predictions {second}"), &[second, "twice"]);
    }
    assert_eq!(folder.read("a.json"), b"old");
}

#[test]
fn a_file_that_is_replaced_keeps_its_mode() {
    let (_, folder) = Tiny::folder(224);
    let mode = |name: &str| std::fs::metadata(folder.path(name)).unwrap().mode() & 0o7777;
    for kept in [0o600, 0o640, 0o664, 0o755] {
        for name in ["r.json", "q.json", "p.csv"] {
            folder.write(name, "old");
            std::fs::set_permissions(folder.path(name), PermissionsExt::from_mode(kept)).unwrap();
        }
        folder.run_to(0, &format!("{TINY} --mode quant -o r.json --save-qparams q.json --predictions p.csv"));
        assert_eq!(["r.json", "q.json", "p.csv"].map(mode), [kept; 3]);
        assert_ne!(folder.read("q.json"), b"old");
    }
}

/// Whatever cannot be written, all that the run would have written is missing, and what was there stays.
#[test]
fn full_disks_leave_nothing() {
    let (_, folder) = Tiny::folder(225);
    for name in ["full.json", "full.csv", "full.safetensors", "full.svg", "full.bin"] {
        symlink("/dev/full", folder.path(name)).unwrap();
    }
    let others = |but: &str| {
        let all = [
            "-o r.json",
            "--predictions p.csv",
            "--logits l.safetensors",
            "--save-qparams q.json",
            "--confusion c.csv",
        ];
        all.iter().filter(|output| !output.starts_with(but)).copied().collect::<Vec<_>>().join(" ")
    };
    let cases = [
        ("-o", "full.json"),
        ("-o", "full.csv"),
        ("--predictions", "full.csv"),
        ("--logits", "full.safetensors"),
        ("--save-qparams", "full.json"),
        ("--confusion", "full.csv"),
    ];
    for_each_case(cases, |(output, name)| {
        let args = format!("{TINY} --mode quant -b 2 {output} {name} {}", others(output));
        folder.refuses(&args, &[name, "No space left"]);
    });
    for args in ["lut plot exact -o full.svg", "lut gen exact -o full.bin", "lut convert exact full.bin"] {
        folder.refuses(args, &["full", "No space left"]);
    }
    let names = folder.names();
    let script = format!("approx-eval {TINY} --mode quant {} > /dev/full", others("none"));
    let run: crate::common::Run = folder.shell(&script).output().unwrap().into();
    assert_eq!((run.code, folder.names()), (Some(2), names.clone()), "{run:?}");
    assert!(run.stderr.contains("standard output"), "{run:?}");
    // A limit of the size of files is no end by a signal.
    let script = format!("ulimit -f 0; approx-eval {TINY} --mode quant {}", others("none"));
    let run: crate::common::Run = folder.shell(&script).output().unwrap().into();
    assert_eq!((run.code, folder.names()), (Some(2), names), "{run:?}");
    assert!(run.stderr.contains("cannot write the file"), "{run:?}");
}

#[test]
fn samples_that_are_no_numbers_are_named() {
    let (tiny, folder) = Tiny::folder(226);
    let mut images = tiny.images.clone();
    images[5 * 288 + 7] = f32::NAN;
    folder.write("nan.safetensors", float_set(Tiny::SHAPE, &images, &tiny.labels));
    let outputs = "-o r.json --predictions p.csv --logits l.safetensors --save-qparams q.json";
    for_each_case(["base", "quant", "noise"], |mode| {
        let args = format!("--model tiny --data nan.safetensors --mode {mode} -b 3 {outputs}");
        folder.refuses(&args, &["nan.safetensors", "sample 5", "NaN", "conv1"]);
    });
    let args = format!("{TINY} --mode quant --calib-data nan.safetensors {outputs}");
    folder.refuses(&args, &["nan.safetensors", "sample 5", "NaN", "conv1"]);
}

/// Names that are not UTF-8, in every place of a report.
#[test]
fn any_path_stands_in_reports() {
    let (tiny, folder) = Tiny::folder(227);
    folder.write("weights.onnx", {
        let mut onnx = Onnx::new(17, &[2, 12, 12]);
        onnx.random("fc.weight", &[288, 7]);
        onnx.op("Flatten", &["x"], "flat", &[]).op("MatMul", &["flat", "fc.weight"], "y", &[]);
        onnx.bytes("y")
    });
    folder.write(
        "new.safetensors",
        safetensors(&[crate::common::files::stored(
            "fc.weight",
            safetensors::Dtype::F32,
            &[7, 288],
            vec![0; 4 * 288 * 7],
        )]),
    );
    write_gray_set(&folder, "gray.safetensors", 2);
    folder.write("arch.safetensors", safetensors(&StateDict::lenet5(1, 1, 28, 10).stored()));
    let script = format!(
        r#"n=$(printf 'caf\xe9')
        cp tiny.safetensors "$n.safetensors"; cp new.safetensors "w$n.safetensors"; cp arch.safetensors "m$n.safetensors"
        approx-eval --model tiny -d "$n.safetensors" -o "$n.json" --predictions "$n.csv" --logits "l$n" --confusion "c$n.csv"
        approx-eval {TINY} --mode quant --calib-data "$n.safetensors" --save-qparams "q$n.json" -o cal.json
        approx-eval {TINY} --mode quant --qparams "q$n.json" -o q.json
        approx-eval --arch lenet5 --weights "m$n.safetensors" -d gray.safetensors -o arch.json
        approx-eval -m weights.onnx --weights "w$n.safetensors" -d tiny.safetensors -o onnx.json
        approx-eval {TINY} --baseline "$n.json" --max-drop 1 -o base.json
        approx-eval compare "$n.json" "$n.json" -o compare.json
        approx-eval lut convert exact "$n.bin" --format json > written.json"#
    );
    let run: crate::common::Run = folder.shell(&script).output().unwrap().into();
    assert_eq!(run.code, Some(0), "{run:?}");
    let bytes = |name: &[u8]| std::fs::read(folder.path(std::ffi::OsStr::from_bytes(name))).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&bytes(b"caf\xe9.json")).unwrap();
    assert_eq!(
        (&report["predictions"]["path"], &report["dataset"]["path"]),
        (&"caf\u{fffd}.csv".into(), &"caf\u{fffd}.safetensors".into())
    );
    assert_eq!(crate::common::csv_rows(&bytes(b"caf\xe9.csv")).len(), 1 + Tiny::SAMPLES);
    assert_eq!(folder.read_json("base.json")["comparisons"][0]["difference"], 0.0);
    for name in ["cal.json", "q.json", "arch.json", "onnx.json", "compare.json", "written.json"] {
        assert!(String::from_utf8(folder.read(name)).unwrap().contains("caf\u{fffd}"), "{name}");
    }
    drop(tiny);
}

/// A run that is killed cannot clean up; the next one does, and touches nothing else.
#[test]
fn the_next_run_removes_what_a_killed_one_left() {
    let (_, folder) = Tiny::folder(228);
    let is_temporary = |name: &String| name.starts_with(".approx-eval-");
    let temporaries = || folder.names().into_iter().filter(is_temporary).collect::<BTreeSet<String>>();
    folder.write(".approx-eval-notes.tmp", "mine");
    let slow = "exec approx-eval -m resnet8 --lut drum-4 -j 1 -b 1 -o r.json --predictions p.csv";
    let start = || {
        let mut shell = std::process::Command::new("bash");
        let binary = assert_cmd::cargo::cargo_bin!("approx-eval").parent().unwrap();
        shell
            .current_dir(folder.path(""))
            .args(["-c", slow])
            .env("PATH", format!("{}:/usr/bin:/bin", binary.display()));
        let child = shell.stdout(std::process::Stdio::null()).spawn().unwrap();
        while temporaries().len() < 3 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        child
    };
    let mut first = start();
    let left = temporaries();
    // It runs: its files stay, whoever else writes here.
    folder.run_to(0, &format!("{TINY} -o other.json"));
    assert!(temporaries().is_superset(&left));
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(temporaries(), left, "nobody was there to remove them");
    folder.run_to(0, &format!("{TINY} -o other.json"));
    assert_eq!(temporaries(), BTreeSet::from([".approx-eval-notes.tmp".to_owned()]));
    let _ = Folder::new();
}
