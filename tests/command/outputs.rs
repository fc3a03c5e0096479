//! Where things are written: the report alone on standard output, files whole or not at all.

use crate::common::files::{float_set, read_logits};
use crate::common::network::{TINY, Tiny};
#[cfg(unix)]
use crate::common::with_default_signals;
use crate::common::{Folder, csv_rows};
use assert_cmd::cargo::cargo_bin_cmd;
use std::io::Read;
use std::process::{Command, Stdio};

#[test]
fn standard_output_is_the_report_and_nothing_else() {
    let (_, folder) = Tiny::folder(120);
    for verbosity in ["", "-v", "-vv", "-q", "--no-progress"] {
        let run = folder.run_to(0, &format!("{TINY} --mode quant --format json {verbosity}"));
        assert!(run.json().is_object(), "{verbosity}");
        let run = folder.run_to(0, &format!("{TINY} --mode quant --format csv {verbosity}"));
        assert_eq!(run.csv().len(), 2, "{verbosity}");
    }
}

/// No bar and no escapes where nobody watches.
#[test]
fn standard_error_is_quiet_off_a_terminal() {
    let (tiny, folder) = Tiny::folder(121);
    // Calibration on what is evaluated would be noted.
    let calibration = float_set(Tiny::SHAPE, &Tiny::new(921).images, &tiny.labels);
    folder.write("tiny/calibration.safetensors", calibration);
    for args in [TINY.to_owned(), format!("{TINY} --mode quant"), "-n 300 --lut drum-4".to_owned()] {
        let run = folder.run_to(0, &args);
        assert_eq!(run.stderr, "", "{args}");
        assert!(!run.stdout.contains('\u{1b}'), "{args}");
    }
    let run = folder.run_to(0, &format!("{TINY} --mode quant -vv"));
    assert!(!run.stderr.contains(['\u{1b}', '\r']), "{run:?}");
}

#[test]
fn quiet_silences_warnings_but_not_errors() {
    let (_, folder) = Tiny::folder(122);
    folder.run_to(0, &format!("{TINY} -o base.json"));
    let args = format!("{TINY} -n 3 --baseline base.json --max-drop 1");
    assert!(folder.run_to(0, &args).stderr.contains("baseline"));
    assert_eq!(folder.run_to(0, &format!("{args} -q")).stderr, "");
    folder.refuses("-q --mode approx", &["--lut"]);
}

#[test]
fn files_are_in_the_format_of_their_names() {
    let (_, folder) = Tiny::folder(123);
    let run = folder.run_to(0, &format!("{TINY} --lut drum-4 -o a.json -o b.csv -o c.txt"));
    assert!(run.stdout.contains("\nmodel  "), "the table stays on standard output: {run:?}");
    assert_eq!(folder.read_json("a.json")["schema"], 1);
    assert_eq!(csv_rows(&folder.read("b.csv")).len(), 2);
    assert_eq!(String::from_utf8(folder.read("c.txt")).unwrap(), run.stdout);
}

#[test]
fn paths_are_paths() {
    let (_, folder) = Tiny::folder(124);
    folder.write("other/old.json", "old");
    let absolute = folder.path("other/old.json");
    folder.run_to(0, &format!("{TINY} -o other/new.json -o {}", absolute.display()));
    assert_eq!(folder.read_json("other/new.json"), folder.read_json("other/old.json"));
    let mut command = cargo_bin_cmd!("approx-eval");
    command.current_dir(folder.path("")).args([
        "--model",
        "tiny",
        "--data",
        "tiny.safetensors",
        "-o",
        "with spaces ü.json",
    ]);
    command.assert().success();
    assert_eq!(folder.read_json("with spaces ü.json")["schema"], 1);
}

#[test]
fn what_stood_there_stays_when_a_run_fails() {
    let (tiny, folder) = Tiny::folder(125);
    let mut images = tiny.images.clone();
    *images.last_mut().unwrap() = f32::NAN;
    folder.write("nan.safetensors", float_set(Tiny::SHAPE, &images, &tiny.labels));
    for name in ["r.json", "p.csv", "l.safetensors"] {
        folder.write(name, "old");
    }
    // The last sample is at fault: nine were evaluated.
    let outputs = "-o r.json -o new.csv --predictions p.csv --logits l.safetensors";
    folder.refuses(&format!("--model tiny --data nan.safetensors -b 1 {outputs}"), &["NaN"]);
    for name in ["r.json", "p.csv", "l.safetensors"] {
        assert_eq!(folder.read(name), b"old", "{name}");
    }
}

#[test]
fn scores_are_written_sample_by_sample() {
    let (_, folder) = Tiny::folder(126);
    for batch in [1, 3, 64] {
        folder.run_to(
            0,
            &format!("{TINY} --mode quant -b {batch} --predictions p{batch}.csv --logits l{batch}.safetensors"),
        );
        assert_eq!(folder.read(&format!("p{batch}.csv")), folder.read("p1.csv"), "{batch}");
        assert_eq!(folder.read(&format!("l{batch}.safetensors")), folder.read("l1.safetensors"), "{batch}");
    }
    assert_eq!(csv_rows(&folder.read("p1.csv")).len(), 1 + Tiny::SAMPLES);
    let logits = read_logits(&folder.read("l1.safetensors"));
    assert_eq!((logits.len(), logits[0].len()), (Tiny::SAMPLES, Tiny::CLASSES));
}

#[cfg(unix)]
#[test]
fn unwritable_places_fail_before_the_work() {
    use std::os::unix::fs::PermissionsExt;
    let (_, folder) = Tiny::folder(127);
    folder.write("locked.json", "old");
    std::fs::set_permissions(folder.path("locked.json"), PermissionsExt::from_mode(0o444)).unwrap();
    folder.refuses(&format!("{TINY} -o locked.json"), &["--output", "locked.json"]);
    folder.refuses(&format!("{TINY} -o tiny.safetensors/r.json"), &["--output", "tiny.safetensors/r.json"]);
    assert_eq!(folder.read("locked.json"), b"old");
}

/// A new file is readable as any program's is, and a link keeps being one.
#[cfg(unix)]
#[test]
fn links_and_permissions_are_kept() {
    use std::os::unix::fs::PermissionsExt;
    let (_, folder) = Tiny::folder(128);
    folder.write("plain", "");
    folder.write("real.json", "old");
    std::os::unix::fs::symlink("real.json", folder.path("link.json")).unwrap();
    folder.run_to(0, &format!("{TINY} -o new.json -o link.json"));
    let mode = |name: &str| folder.path(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("new.json"), mode("plain"));
    assert!(folder.path("link.json").symlink_metadata().unwrap().is_symlink());
    assert_eq!(folder.read_json("real.json")["schema"], 1);
}

/// However a place is named, what goes there is one file.
#[cfg(unix)]
#[test]
fn links_lead_to_one_place() {
    use std::os::unix::fs::symlink;
    let (_, folder) = Tiny::folder(130);
    symlink("real.json", folder.path("link.json")).unwrap();
    symlink(folder.path(""), folder.path("here")).unwrap();
    for other in ["-o real.json", "-o here/link.json", "--predictions here/real.json"] {
        folder.refuses(&format!("{TINY} -o link.json {other}"), &["twice"]);
    }
    // Where it points to nothing yet, too.
    folder.run_to(0, &format!("{TINY} -o link.json"));
    assert!(folder.path("link.json").is_symlink() && !folder.path("real.json").is_symlink());
    assert_eq!(folder.read_json("real.json")["schema"], 1);
}

/// A run that is stopped leaves what stood there, and nothing in the making. It waits for the reader
/// of a pipe, so that it is stopped with a file open.
#[cfg(unix)]
#[test]
fn a_stopped_run_leaves_nothing_behind() {
    use std::os::unix::process::ExitStatusExt;
    let (_, folder) = Tiny::folder(131);
    folder.write("r.json", "old");
    assert!(Command::new("mkfifo").arg(folder.path("pipe.csv")).status().unwrap().success());
    let before = folder.names();
    for (name, signal) in [("INT", 2), ("TERM", 15)] {
        let mut child = with_default_signals(assert_cmd::cargo::cargo_bin!("approx-eval"))
            .current_dir(folder.path(""))
            .args(TINY.split_whitespace())
            .args(["-o", "r.json", "--predictions", "pipe.csv"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while folder.names() == before {
            assert_eq!(child.try_wait().unwrap(), None, "ended before it was stopped");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let kill = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        // What a shell reports as 128 and the signal.
        assert_eq!(child.wait().unwrap().signal(), Some(signal));
        assert_eq!((folder.names(), folder.read("r.json")), (before.clone(), b"old".to_vec()));
    }
}

/// Starts the command, closes the end of its pipe, and waits.
fn with_a_reader_gone(folder: &Folder, args: &str, read: usize) -> std::process::ExitStatus {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("approx-eval"))
        .current_dir(folder.path(""))
        .args(args.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdout.take().unwrap();
    pipe.read_exact(&mut vec![0; read]).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    // Only what failed is said.
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.lines().all(|line| line.starts_with("error: gate failed: ")), "{args}: {stderr}");
    output.status
}

#[cfg(unix)]
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn a_reader_that_has_gone_is_no_error() {
    let (_, folder) = Tiny::folder(129);
    for args in [TINY, "lut list --format json", "lut info exact", "model list", "model info lenet5", "--help"] {
        for read in [0, 1] {
            assert_eq!(with_a_reader_gone(&folder, args, read).code(), Some(0), "{args}");
        }
    }
    let status = with_a_reader_gone(&folder, &format!("{TINY} --min-accuracy 1 -o r.json"), 0);
    assert_eq!((status.code(), &folder.read_json("r.json")["schema"]), (Some(1), &1.into()));
}

/// The message is lost, its exit code is not.
#[cfg(unix)]
#[test]
fn an_error_that_nobody_reads_keeps_its_exit_code() {
    let folder = Folder::new();
    for args in ["--mode approx", "--no-such-option", "lut info nothing"] {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("approx-eval"))
            .current_dir(folder.path(""))
            .args(args.split_whitespace())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(2), "{args}");
    }
}

#[test]
fn colours_are_a_choice() {
    let folder = Folder::new();
    for (args, colored) in [("--color always", true), ("--color never", false), ("", false)] {
        let run = folder.run_to(0, &format!("-n 5 {args}"));
        assert_eq!(run.stdout.contains('\u{1b}'), colored, "{args}");
        assert!(folder.json(&format!("-n 5 {args}")).is_object());
    }
}
