//! Notes on runs that say something else than was meant: each on a case made for it, and none on honest runs.

mod data;
mod results;
mod settings;
mod shuffle;
mod silence;

use crate::common::Folder;
use serde_json::Value;

/// The notes of a report.
fn notes_of(report: &Value) -> Vec<String> {
    let notes = report["notes"].as_array().unwrap_or_else(|| panic!("no notes: {report:#}"));
    notes.iter().map(|note| note.as_str().unwrap().to_owned()).collect()
}

/// Runs what has a note with all of `needles`, the first of which only that note has: in the report and on standard
/// error, in formats for people too, and on standard error not under `--quiet`. Returns it.
fn fires(folder: &Folder, args: &str, needles: &[&str]) -> String {
    let run = folder.run_to(0, &format!("{args} --format json"));
    let notes = notes_of(&run.json());
    let found: Vec<&String> = notes.iter().filter(|note| note.contains(needles[0])).collect();
    let &[note] = found.as_slice() else { panic!("{args}: expected one note with '{}': {notes:#?}", needles[0]) };
    for needle in needles {
        assert!(note.contains(needle), "{args}: no '{needle}' in: {note}");
    }
    assert_eq!(run.stderr.matches(note.as_str()).count(), 1, "{args}: {}", run.stderr);
    let quiet = folder.run_to(0, &format!("{args} --quiet --format markdown"));
    assert_eq!(quiet.stderr, "", "{args}");
    let table = folder.run_to(0, args);
    let start: String = note.split_inclusive(' ').take(4).collect();
    for text in [quiet.stdout, table.stdout] {
        assert!(text.replace('\\', "").contains(start.trim_end()), "{args}: no '{start}' in: {text}");
    }
    note.clone()
}

/// Runs what has no note with `needle`, neither in the report nor on standard error.
fn is_silent(folder: &Folder, args: &str, needle: &str) {
    let run = folder.run_to(0, &format!("{args} --format json"));
    let notes = notes_of(&run.json());
    assert!(!notes.iter().any(|note| note.contains(needle)), "{args}: {notes:#?}");
    assert!(!run.stderr.contains(needle), "{args}: {}", run.stderr);
}
