//! `sweep`: grids of evaluations, done in parts, killed and resumed, and joined.

mod grid;
mod refused;
#[cfg(unix)]
mod runs;
#[cfg(target_os = "linux")]
mod slurm;

use crate::common::{Folder, Run, csv_rows};
use std::collections::BTreeMap;

/// Columns that a sweep's table leaves out.
const OF_THE_MACHINE: &[&str] = &["seconds", "images_per_second", "lookups_per_second", "threads", "kernel"];

/// Rows of a CSV text by the names of their columns.
fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let rows = csv_rows(text.as_bytes());
    let fields = |row: &Vec<String>| rows[0].iter().cloned().zip(row.iter().cloned()).collect();
    rows[1..].iter().map(fields).collect()
}

/// The table of a study's folder, as CSV.
fn merged(folder: &Folder, folders: &str) -> String {
    folder.run_to(0, &format!("sweep merge {folders} --format csv")).stdout
}

/// The lines of a journal.
fn lines(folder: &Folder, name: &str) -> usize {
    folder.read(name).split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")).count()
}

/// What one evaluation says of the job that `row` is of.
fn assert_is_evaluation(folder: &Folder, row: &BTreeMap<String, String>, args: &str) {
    let run: Run = folder.run_to(0, &format!("{args} --format csv"));
    let mut alone = rows(&run.stdout).remove(0);
    alone.retain(|name, _| {
        !OF_THE_MACHINE.contains(&name.as_str()) && !["model", "lut", "top1"].contains(&name.as_str())
    });
    for (name, value) in &alone {
        assert_eq!(row.get(name), Some(value), "{name} of {args}");
    }
    let top1 = |row: &BTreeMap<String, String>| row["top1"].parse::<f64>().unwrap();
    assert_eq!(top1(row), top1(&rows(&run.stdout)[0]), "{args}");
    assert!(row["top1"].split_once('.').unwrap().1.len() >= 6, "{}", row["top1"]);
}
