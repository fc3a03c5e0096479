//! Reading a journal, line by line: it may be larger than memory.

use super::JournalError;
use crate::input;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// The records of the journal at `path`, in its order.
///
/// # Errors
/// When it cannot be read, or a line of it is damaged.
pub fn read<R: DeserializeOwned>(path: &Path) -> Result<Vec<R>, JournalError> {
    let mut records = Vec::new();
    for_each(path, |record| {
        records.push(record);
        Ok::<_, JournalError>(())
    })?;
    Ok(records)
}

/// Passes each record of the journal at `path` to `found`, in its order. One that is being written may be read: a torn
/// last line is passed over.
///
/// # Errors
/// When it cannot be read, a line of it is damaged, or `found` fails.
pub fn for_each<R: DeserializeOwned, E: From<JournalError>>(
    path: &Path,
    found: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let file = input::open(path).map_err(|source| JournalError::Read { path: path.to_owned(), source })?;
    for_each_of(&file, path, found).map(drop)
}

/// The same for an open file, at its start. Gives the bytes of its whole lines.
pub(super) fn for_each_of<R: DeserializeOwned, E: From<JournalError>>(
    file: &File,
    path: &Path,
    mut found: impl FnMut(R) -> Result<(), E>,
) -> Result<u64, E> {
    let failed = |source| JournalError::Read { path: path.to_owned(), source };
    let mut lines = BufReader::new(file);
    let (mut line, mut length) = (Vec::new(), 0);
    for number in 1.. {
        line.clear();
        let read = lines.read_until(b'\n', &mut line).map_err(failed)?;
        if read == 0 || is_torn(&line, &mut lines).map_err(failed)? {
            break;
        }
        let record = serde_json::from_slice(&line);
        found(record.map_err(|source| JournalError::Damaged { path: path.to_owned(), line: number, source })?)?;
        length += read as u64;
    }
    Ok(length)
}

/// Whether a line was not written whole: it does not end, or it is the last one and has bytes that never came to the
/// disk, which file systems show as zeros after a failure of power.
fn is_torn(line: &[u8], rest: &mut impl BufRead) -> std::io::Result<bool> {
    if !line.ends_with(b"\n") {
        return Ok(true);
    }
    // Records have no zeros: JSON writes them otherwise.
    Ok(line.contains(&0) && rest.fill_buf()?.is_empty())
}
