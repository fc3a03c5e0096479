//! Writing tables: whole files or none.

use super::Lut;
use super::format::{self, FormatError};
use super::reading::LutFormat;
use crate::output::{OutputError, OutputFile};
use std::path::{Path, PathBuf};

/// Why a table was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file's extension is no format's.
    #[error("no LUT format has the extension of {}; state one of {}", .path.display(), format::names())]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// The format cannot hold the table as asked for.
    #[error("cannot write {}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: FormatError,
    },
    /// The disk refused.
    #[error(transparent)]
    Io(#[from] OutputError),
}

impl Lut {
    /// Writes the table to `path`: in the format and layout that `layout` states, else in the format
    /// of the path's extension, with entries of the first of u16, i16, i32 that holds them where the
    /// format leaves that open, in numeric order. The file appears whole or not at all.
    ///
    /// # Errors
    /// When the format is not known or cannot hold the table, or the disk refuses.
    pub fn write(&self, path: &Path, layout: &LutFormat) -> Result<(), WriteError> {
        let format = layout.container.or_else(|| format::by_extension(path));
        let format = format.ok_or_else(|| WriteError::Extension { path: path.to_owned() })?;
        let bytes = format
            .write(self, &layout.stated)
            .map_err(|source| WriteError::Format { path: path.to_owned(), source })?;
        Ok(OutputFile::create(path)?.commit_bytes(&bytes)?)
    }
}
