//! Runs that are killed, resumed, and done in parts.

use super::{lines, merged};
use crate::common::random::Random;
use crate::common::{Folder, with_default_signals};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const GRID: &str = "-l drum-{3..4} etm --scope all each -n 150";

/// As many jobs as the grid has.
const JOBS: usize = 3 * (1 + 5);

fn whole(grid: &str) -> (Folder, String) {
    let folder = Folder::new();
    folder.run_to(0, &format!("sweep run -o whole {grid}"));
    let table = merged(&folder, "whole");
    assert_eq!(table.lines().count(), 1 + JOBS);
    (folder, table)
}

/// A run that is killed after so long, in whatever it does.
fn killed(folder: &Folder, args: &str, after: Duration) {
    let mut run = Command::new(assert_cmd::cargo::cargo_bin!("approx-eval"))
        .current_dir(folder.path(""))
        .args(args.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(after);
    run.kill().unwrap();
    run.wait().unwrap();
}

#[test]
fn kills_lose_nothing_and_double_nothing() {
    let (folder, expected) = whole(GRID);
    let args = format!("sweep run -o study {GRID} --resume");
    let mut random = Random::new(17);
    for _ in 0..10 {
        let byte = random.bytes(1)[0];
        killed(&folder, &args, Duration::from_millis(20 + 2 * u64::from(byte)));
        if folder.path("study/jobs.jsonl").exists() {
            // What there is can be read at any time.
            let run = folder.run("sweep merge study --format csv");
            assert!([Some(0), Some(1)].contains(&run.code), "{run:?}");
        }
    }
    // A line that was being written.
    let journal = folder.path("study/jobs.jsonl");
    if journal.exists() {
        let mut bytes = folder.read("study/jobs.jsonl");
        bytes.extend(b"{\"schema\":1,\"key\":\"0123");
        folder.write("study/jobs.jsonl", bytes);
    }
    folder.run_to(0, &args);
    assert_eq!(merged(&folder, "study"), expected);
    assert_eq!(lines(&folder, "study/jobs.jsonl"), JOBS);
    let before = folder.read("study/jobs.jsonl");
    folder.run_to(0, &args);
    assert_eq!(folder.read("study/jobs.jsonl"), before, "nothing is left to do");
    assert!(folder.path("study").read_dir().unwrap().count() == 2, "nothing else lies there");
    let run = folder.run_to(2, &format!("sweep run -o study {GRID}"));
    assert!(run.stderr.contains("jobs.jsonl already: resume it") && run.stderr.contains("--resume"), "{run:?}");
    let lines: Vec<Vec<u8>> = before.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    folder.write("study/jobs.jsonl", [&lines[0], b"{}\n".as_slice(), &lines[2]].concat());
    for args in [args.as_str(), "sweep merge study"] {
        let run = folder.run_to(2, args);
        assert!(run.stderr.contains("study/jobs.jsonl: line 2 is not a record"), "{run:?}");
    }
}

#[test]
fn a_signal_costs_the_job_in_hand_alone() {
    // Seconds of work, so that the signal does not come too late.
    let grid = GRID.replace("-n 150", "-n 5000");
    let (folder, expected) = whole(&grid);
    let mut run = with_default_signals(assert_cmd::cargo::cargo_bin!("approx-eval"));
    run.current_dir(folder.path("")).args(format!("sweep run -o study {grid}").split(' ')).stdout(Stdio::null());
    let (mut run, journal) = (run.spawn().unwrap(), folder.path("study/jobs.jsonl"));
    while std::fs::metadata(&journal).map_or(0, |journal| journal.len()) == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let sent = Command::new("kill").args(["-INT", &run.id().to_string()]).status();
    assert!(sent.unwrap().success() && !run.wait().unwrap().success());
    assert!((1..JOBS).contains(&lines(&folder, "study/jobs.jsonl")));
    folder.run_to(0, &format!("sweep run -o study {grid} --resume"));
    assert_eq!(merged(&folder, "study"), expected);
}

#[test]
fn no_two_runs_share_a_journal() {
    let folder = Folder::new();
    folder.run_to(0, "sweep run -o study -n 10 -l drum-3");
    let journal = std::fs::File::open(folder.path("study/jobs.jsonl")).unwrap();
    journal.lock().unwrap();
    let run = folder.run_to(2, "sweep run -o study -n 10 -l drum-3 --resume");
    assert!(run.stderr.contains("another run"), "{run:?}");
    // A lock ends with its process.
    drop(journal);
    folder.run_to(0, "sweep run -o study -n 10 -l drum-3 --resume");
}

#[test]
fn parts_are_the_whole() {
    let (folder, expected) = whole(GRID);
    for shard in ["1/2", "2/2"] {
        let run = folder.run_to(0, &format!("sweep run -o parts {GRID} --shard {shard}"));
        assert!(!run.stdout.contains("missing"), "{run:?}");
    }
    assert_eq!(merged(&folder, "parts"), expected);
    let counts = ["1", "2"].map(|k| lines(&folder, &format!("parts/jobs-{k}-of-2.jsonl")));
    assert!(counts.iter().sum::<usize>() == JOBS && counts.iter().all(|count| *count >= JOBS / 4), "{counts:?}");
    // As a cluster numbers them, each in its own folder.
    let cluster = |folder_name: &str, variables: &[(&str, &str)]| {
        let mut command = folder.command(&format!("sweep run -o {folder_name} {GRID} --resume"));
        let output = command.envs(variables.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let array = [("SLURM_ARRAY_TASK_MIN", "4"), ("SLURM_ARRAY_TASK_MAX", "6"), ("SLURM_ARRAY_TASK_STEP", "2")];
    for task in ["4", "6"] {
        cluster(task, &[&array[..], &[("SLURM_ARRAY_TASK_COUNT", "2"), ("SLURM_ARRAY_TASK_ID", task)]].concat());
    }
    assert_eq!(lines(&folder, "4/jobs-1-of-2.jsonl"), counts[0]);
    assert_eq!(merged(&folder, "6 4"), expected);
    for index in ["0", "1"] {
        cluster("pods", &[("JOB_COMPLETION_INDEX", index), ("JOB_COMPLETIONS", "2")]);
    }
    assert_eq!(merged(&folder, "pods"), expected);
    // What is missing is said, with what there is.
    let run = folder.run_to(1, "sweep merge 4 --format csv");
    assert_eq!(run.stdout.lines().count(), 1 + counts[0]);
    assert!(run.stderr.contains(&format!("{} of {JOBS} jobs are missing", counts[1])), "{run:?}");
    assert!(folder.run_to(1, "sweep merge 4").stdout.contains(&format!("missing: {} jobs", counts[1])));
    // Other options are another plan.
    folder.run_to(0, "sweep run -o other -n 10 -l drum-3");
    let run = folder.run_to(2, "sweep merge 4 other");
    assert!(run.stderr.contains("other is the folder of another sweep"), "{run:?}");
    let run = folder.run_to(2, &format!("sweep run -o 4 {GRID} --act-bits 7 --resume"));
    assert!(run.stderr.contains("another sweep") && run.stderr.contains("--output"), "{run:?}");
    assert!(!Path::new(&folder.path("4/jobs.jsonl")).exists());
}
