//! Journals cut off at any byte, killed and resumed.

use super::*;
use crate::cases::for_each_case;
use crate::printable::with_causes;
use proptest::prelude::*;
use serde::Deserialize;
use std::fs;
use tempfile::TempDir;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Record {
    key: String,
    text: String,
}

impl Keyed for Record {
    fn key(&self) -> &str {
        &self.key
    }
}

fn record(key: impl ToString, text: &str) -> Record {
    Record { key: key.to_string(), text: text.to_owned() }
}

/// A journal of the records, closed.
fn journal(records: &[Record]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.jsonl");
    let mut journal = Journal::open(&path, Start::New).unwrap();
    records.iter().for_each(|record| journal.append(record).unwrap());
    (folder, path)
}

fn resume(path: &Path) -> (Journal<Record>, Vec<Record>) {
    let mut found = Vec::new();
    let journal = Journal::open_with(path, Start::Resume, |record| found.push(record)).unwrap();
    (journal, found)
}

/// The error and what caused it, as a message shows them.
fn refused(path: &Path, start: Start) -> String {
    with_causes(&Journal::<Record>::open(path, start).unwrap_err())
}

/// Texts that a careless format would take for the end of a line or of a record.
fn texts() -> impl Strategy<Value = Vec<String>> {
    let text = prop_oneof!["[a-z{}\"\\\\]{0,20}", Just("a\nb\0\r".to_owned()), Just("}\n{\"key\":\"0\"".to_owned())];
    prop::collection::vec(text, 0..6)
}

proptest! {
    #[test]
    fn a_cut_at_any_byte_loses_the_last_record_alone(texts in texts(), cut in any::<prop::sample::Index>()) {
        let records: Vec<Record> = texts.iter().enumerate().map(|(i, text)| record(i, text)).collect();
        let (_folder, path) = journal(&records);
        let whole = fs::read(&path).unwrap();
        let cut = cut.index(whole.len() + 1);
        fs::write(&path, &whole[..cut]).unwrap();
        // As many as there are whole lines.
        let kept = whole[..cut].split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")).count();
        prop_assert_eq!(&read::<Record>(&path).unwrap(), &records[..kept]);
        prop_assert_eq!(fs::read(&path).unwrap().len(), cut, "reading changes nothing");
        let (mut journal, found) = resume(&path);
        prop_assert_eq!(&found, &records[..kept]);
        // What was lost is done again, what was not is not.
        records.iter().for_each(|record| journal.append(record).unwrap());
        drop(journal);
        prop_assert_eq!(fs::read(&path).unwrap(), whole);
    }

    /// Runs that are killed in the middle of a line, one after the other.
    #[test]
    fn kills_lose_and_double_nothing(torn in prop::collection::vec((0usize..4, "[^\n]{0,9}"), 0..8)) {
        let records: Vec<Record> = (0..20).map(|i| record(i, &"x".repeat(i))).collect();
        let (_folder, path) = journal(&[]);
        let mut done = 0;
        for (count, rest) in torn {
            let (mut journal, found) = resume(&path);
            prop_assert_eq!(found.len(), done);
            let left: Vec<&Record> = records.iter().filter(|record| !journal.contains(record.key())).collect();
            left.iter().take(count).for_each(|record| journal.append(record).unwrap());
            done += count.min(left.len());
            drop(journal);
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(rest.as_bytes()).unwrap();
        }
        let (mut journal, _) = resume(&path);
        records.iter().for_each(|record| journal.append(record).unwrap());
        drop(journal);
        prop_assert_eq!(read::<Record>(&path).unwrap(), records);
    }
}

#[test]
fn a_journal_that_is_there_is_resumed_on_request_alone() {
    let (folder, path) = journal(&[record("a", "1")]);
    let message = refused(&path, Start::New);
    assert!(message.contains("jobs.jsonl") && message.contains("resume"), "{message}");
    let (mut journal, found) = resume(&path);
    assert_eq!((found.len(), journal.len(), journal.contains("a"), journal.contains("b")), (1, 1, true, false));
    journal.append(&record("a", "2")).unwrap();
    journal.append(&record("b", "3")).unwrap();
    assert_eq!(read::<Record>(&path).unwrap(), [record("a", "1"), record("b", "3")], "a key is written once");
    let (none, found) = resume(&folder.path().join("other.jsonl"));
    assert!(none.is_empty() && found.is_empty(), "nothing is resumed by beginning");
    assert!(refused(&folder.path().join("missing/jobs.jsonl"), Start::Resume).contains("missing"));
}

#[test]
fn no_two_runs_write_one() {
    let (_folder, path) = journal(&[]);
    let (mut first, _) = resume(&path);
    assert!(refused(&path, Start::Resume).contains("another run"));
    first.append(&record("a", "1")).unwrap();
    // Whoever only reads is not kept out.
    assert_eq!(read::<Record>(&path).unwrap().len(), 1);
    drop(first);
    assert_eq!(resume(&path).1.len(), 1);
}

#[test]
fn damage_is_named_by_its_line() {
    let records = [record("a", "1"), record("b", "2"), record("c", "3")];
    let (_folder, path) = journal(&records);
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let cases = [
        (format!("{}\nnonsense\n{}\n", lines[0], lines[2]), 2),
        (format!("{}\n\n{}\n", lines[0], lines[2]), 2),
        (format!("{}\n{}\n{}\n", &lines[0][..5], lines[1], lines[2]), 1),
        (format!("\0\0{}\n{}\n", lines[0], lines[1]), 1),
        (format!("{}\n{}\n{{\"key\": 3}}\n", lines[0], lines[1]), 3),
        (format!("{}\n{}\n{}{}\n", lines[0], lines[1], lines[2], lines[2]), 3),
    ];
    for_each_case(cases, |(text, line)| {
        fs::write(&path, &text).unwrap();
        let message = refused(&path, Start::Resume);
        assert!(message.contains("jobs.jsonl") && message.contains(&format!("line {line} ")), "{message}");
        assert!(read::<Record>(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "what cannot be read is not written over");
    });
    // The last line alone may have holes: its bytes may not have come to the disk in order.
    fs::write(&path, format!("{}\n\0\0\0\0{}\n", lines[0], &lines[1][4..])).unwrap();
    assert_eq!(read::<Record>(&path).unwrap(), records[..1]);
    assert_eq!(resume(&path).1, records[..1]);
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", lines[0]));
}

/// A disk that is full takes a part of a line, which is taken back.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_leaves_whole_lines() {
    let (_folder, path) = journal(&[record("a", "1")]);
    let (mut journal, _) = resume(&path);
    let whole = fs::read(&path).unwrap();
    // Open for reading only, it refuses every write.
    journal.file = File::open(&path).unwrap();
    let error = journal.append(&record("b", "2")).unwrap_err();
    assert!(matches!(error, JournalError::Write { .. }), "{error}");
    assert!(!journal.contains("b"));
    assert_eq!(fs::read(&path).unwrap(), whole);
}
