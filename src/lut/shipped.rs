//! The multipliers in `luts/`: designs over the range of error, as files for other tools.
//!
//! The program computes them from their names; the files are for what else reads tables.

use super::LutFormat;
use super::generate::generate;
use super::write::WriteError;
use crate::output::OutputError;
use crate::registry::Registry;
use std::fs;
use std::path::{Path, PathBuf};

/// The designs that are shipped, by name, in the order of their mean absolute errors.
pub static SHIPPED: Registry<&str> = Registry::new(
    "shipped multiplier",
    &[
        "exact",
        "exact-signed",
        "truncated-4",
        "dadda-yang-10",
        "operand-truncation-a1-b0-signed",
        "dadda-momeni-7",
        "operand-truncation-a1-b1-signed",
        "broken-array-h0-v6",
        "r4abm1-8",
        "recursive-loa-6",
        "operand-truncation-a2-b2-signed",
        "perforated-j0-k2",
        "truncated-corrected-8",
        "operand-truncation-a3-b0-signed",
        "drum-6",
        "drum-4-signed",
        "dadda-venkatachalam-10",
        "operand-truncation-a3-b3-signed",
        "mbm",
        "truncated-8",
        "roba",
        "mitchell",
        "tosam-h1-t5",
        "broken-array-h3-v8",
        "udm",
        "drum-4",
        "essm",
        "etm",
        "drum-3",
        "operand-truncation-a6-b0-signed",
    ],
);

/// Writes every shipped multiplier to `directory` as `NAME.safetensors`, and makes the directory where
/// there is none.
///
/// # Errors
/// When the directory or a file cannot be written.
///
/// # Panics
/// When a name of [`SHIPPED`] is no design's, which a test rules out.
pub fn write_shipped(directory: &Path) -> Result<Vec<PathBuf>, WriteError> {
    fs::create_dir_all(directory).map_err(|source| OutputError { path: directory.to_owned(), source })?;
    let write = |name: &&str| {
        let lut = generate(name).expect("shipped multipliers are designs");
        let path = directory.join(format!("{name}.safetensors"));
        lut.write(&path, &LutFormat::default())?;
        Ok(path)
    };
    SHIPPED.iter().map(write).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_committed_files_are_what_the_code_makes() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        if root.join(".cargo_vcs_info.json").exists() {
            // A packaged crate, which has no tables that it can make.
            return;
        }
        let committed = root.join("luts");
        let made = tempfile::tempdir().unwrap();
        let paths = write_shipped(made.path()).unwrap();
        let names: BTreeSet<_> = paths.iter().map(|path| path.file_name().unwrap().to_owned()).collect();
        for name in &names {
            let same = fs::read(made.path().join(name)).unwrap() == fs::read(committed.join(name)).unwrap();
            assert!(same, "luts/{} differs from what `lut gen --shipped` makes", name.display());
        }
        let found = fs::read_dir(committed).unwrap().map(|entry| entry.unwrap().path());
        let found: BTreeSet<_> = found
            .filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"))
            .map(|path| path.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(found, names);
    }
}
