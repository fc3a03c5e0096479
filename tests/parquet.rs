//! Damaged Parquet files are errors alone: at some damage their parser panics, of which nobody hears.
//!
//! This is a program of its own because the hook that hears of panics is the whole process's.

#[path = "command/common/parquet_set.rs"]
mod parquet_set;

use approx_eval::data::{self, Dataset, Split};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Panics that were heard of.
static HEARD: AtomicUsize = AtomicUsize::new(0);

#[test]
fn only_errors_are_heard_of_damage() {
    std::panic::set_hook(Box::new(|_| {
        HEARD.fetch_add(1, Ordering::SeqCst);
    }));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.parquet");
    parquet_set::write(&path);
    let whole = std::fs::read(&path).unwrap();
    let mut panics = 0;
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 0x80;
        // A new file: to overwrite one can wait for the disk.
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, changed).unwrap();
        let read = |mut set: Dataset| set.read(0..set.len());
        if let Err(error) = data::open(&path, None, Split::Test).and_then(read) {
            panics += usize::from(error.to_string().contains("that its decoder does not expect"));
        }
    }
    assert!(panics > 0, "no damage here makes the parser panic: this test tests nothing");
    assert_eq!(HEARD.load(Ordering::SeqCst), 0, "of {panics}");
    // Others go where they went before.
    assert!(std::panic::catch_unwind(|| panic!("heard")).is_err());
    assert_eq!(HEARD.load(Ordering::SeqCst), 1);
}
