//! Files that are being written, under names of their own.
//!
//! A temporary file is locked by the process that writes it. One whose lock is free was left by a run that was
//! killed: the next run that writes to its folder removes it. A lock tells that where a process's number would
//! not: numbers are used again, and differ in containers that share a folder.

use crate::cleanup::Pending;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use tempfile::TempPath;

const PREFIX: &str = ".approx-eval-";
const SUFFIX: &str = ".tmp";
/// Letters and digits between them.
const RANDOM: usize = 12;

/// A temporary file. Dropped, it is removed.
#[derive(Debug)]
pub(super) struct Temporary {
    path: TempPath,
    _pending: Pending,
}

impl Temporary {
    /// A new file in `folder`, from which those of killed runs are removed.
    pub fn create(folder: &Path) -> io::Result<(File, Temporary)> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM);
        loop {
            let ((file, path), pending) = Pending::new(|| {
                // With the permissions of any new file, not the private ones of temporary files.
                let file = builder.make_in(folder, |path| File::create_new(path))?;
                let path = file.path().to_owned();
                Ok((file.into_parts(), Box::new(move || drop(fs::remove_file(&path)))))
            })?;
            // Where files cannot be locked, none of them counts as left.
            let _ = file.lock();
            // Another run may have taken it for one that was left, before it was locked.
            if !path.exists() {
                continue;
            }
            remove_left(folder, &file);
            return Ok((file, Temporary { path, _pending: pending }));
        }
    }

    /// Gives the file its name.
    pub fn persist(self, target: &Path) -> io::Result<()> {
        Ok(self.path.persist(target)?)
    }
}

/// Removes the temporary files of runs that were killed: those of `own`'s owner that nobody has locked.
fn remove_left(folder: &Path, own: &File) {
    let Ok(entries) = folder.read_dir() else { return };
    for entry in entries.flatten().filter(|entry| is_temporary(&entry.file_name().to_string_lossy())) {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if let (true, Ok(file)) = (is_file, File::open(entry.path()))
            && has_owner_of(&file, own)
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_temporary(name: &str) -> bool {
    let middle = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(SUFFIX));
    middle.is_some_and(|middle| middle.len() == RANDOM && middle.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(unix)]
fn has_owner_of(file: &File, own: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let owner = |file: &File| file.metadata().map(|found| found.uid()).ok();
    owner(file).is_some_and(|found| Some(found) == owner(own))
}

#[cfg(not(unix))]
fn has_owner_of(_: &File, _: &File) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn only_files_of_killed_runs_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(folder.path().join(name), "").unwrap();
        let names = || folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let others = [
            ".approx-eval-.tmp",
            ".approx-eval-notes.tmp",
            ".approx-eval-0123456789a-.tmp",
            "a.approx-eval-0123456789ab.tmp",
        ];
        others.iter().for_each(|name| write(name));
        write(".approx-eval-0123456789ab.tmp");
        write(".approx-eval-zzzzzzzzzzzz.tmp");
        fs::create_dir(folder.path().join(".approx-eval-abcdefabcdef.tmp")).unwrap();
        let (_file, first) = Temporary::create(folder.path()).unwrap();
        let (_other, _second) = Temporary::create(folder.path()).unwrap();
        let left: BTreeSet<String> = names().collect();
        assert_eq!(left.len(), 2 + others.len() + 1, "{left:?}");
        assert!(others.iter().all(|name| left.contains(*name)), "{left:?}");
        drop(first);
        assert_eq!(names().count(), 1 + others.len() + 1);
    }
}
