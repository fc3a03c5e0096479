//! Ends by a signal: nothing is left, and the shell sees the signal.

use crate::common::cases::for_each_case;
use crate::common::network::Tiny;
use crate::common::{Folder, has_compiler, with_default_signals};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Starts a line of a shell in `folder`, which becomes the command.
fn start(folder: &Folder, line: &str) -> Child {
    let binary = assert_cmd::cargo::cargo_bin!("approx-eval").parent().unwrap();
    let mut shell = with_default_signals("bash");
    shell.current_dir(folder.path("")).args(["-c", line]).env("TMPDIR", folder.path(""));
    shell.env("PATH", format!("{}:/usr/bin:/bin", binary.display()));
    shell.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn send(signal: &str, process: &Child) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &process.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_mins(1), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

const SLOW: &str = "approx-eval -m resnet8 --lut drum-4 -j 1 -b 1 -o r.json --predictions p.csv --save-qparams q.json";

#[test]
fn every_signal_to_stop_leaves_nothing() {
    let (_, folder) = Tiny::folder(230);
    folder.write("q.json", "old");
    let before = folder.names();
    for_each_case([("HUP", 1), ("INT", 2), ("QUIT", 3), ("TERM", 15)], |(name, number)| {
        let mut process = start(&folder, &format!("ulimit -c 0; exec {SLOW}"));
        wait_until("outputs are opened", || folder.names().len() >= before.len() + 3);
        send(name, &process);
        assert_eq!(process.wait().unwrap().signal(), Some(number));
        assert_eq!(folder.names(), before);
    });
    assert_eq!(folder.read("q.json"), b"old");
}

/// `nohup` and shells that start jobs in the background ignore signals; who ignores one means it.
#[test]
fn signals_that_are_ignored_stay_ignored() {
    let (_, folder) = Tiny::folder(231);
    let before = folder.names();
    let mut process = start(&folder, &format!("trap '' HUP; exec {SLOW} -n 40"));
    wait_until("outputs are opened", || folder.names().len() >= before.len() + 3);
    send("HUP", &process);
    assert_eq!(process.wait().unwrap().code(), Some(0));
    assert_eq!(folder.names().len(), before.len() + 3);
}

/// Processes whose arguments name `folder`.
fn processes(folder: &Path) -> usize {
    let entries = Path::new("/proc").read_dir().into_iter().flatten().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(&*folder.to_string_lossy())).count()
}

/// A model that starts a process of its own, and neither ends.
const ENDLESS: &str = "#include <unistd.h>\nint f(int a, int b) { fork(); for (;;) sleep(1); return a * b; }";

#[test]
fn models_are_ended_with_all_that_they_started() {
    if !has_compiler() {
        return;
    }
    let folder = Folder::new();
    folder.write("model.c", ENDLESS);
    let inside = folder.path("approx-eval-");
    for_each_case(["INT", "TERM", "HUP", "QUIT"], |signal| {
        let mut process = start(&folder, "ulimit -c 0; exec approx-eval lut from-c model.c --yes -o t.bin");
        wait_until("the model and its child run", || processes(&inside) >= 2);
        let made = folder.names().into_iter().find(|name| name.starts_with("approx-eval-")).unwrap();
        assert_eq!(std::fs::metadata(folder.path(&made)).unwrap().permissions().mode() & 0o777, 0o700);
        send(signal, &process);
        process.wait().unwrap();
        wait_until("both have ended", || processes(&inside) == 0);
        assert_eq!(folder.names().into_iter().collect::<Vec<_>>(), ["model.c"]);
    });
    folder.refuses_in_bounds("lut from-c model.c --yes -o t.bin --timeout 1", &["model.c", "1 s"]);
    wait_until("both have ended", || processes(&inside) == 0);
}
