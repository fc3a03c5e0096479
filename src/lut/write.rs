//! Writing tables: whole files or none.

use super::format::{self, Format, FormatError, format_names};
use super::{ErrorMetrics, Lut, LutFormat, Metadata, PartialReading};
use crate::output::{OutputError, OutputFile};
use std::path::{Path, PathBuf};

/// Why a table was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// No format has the file's extension.
    #[error("no LUT file format has the extension of {}; state one of {}", .path.display(), format_names())]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// The format cannot hold the table in this layout.
    #[error("cannot write {}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: FormatError,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Io(#[from] OutputError),
}

/// A file that a table will be written to, opened before the table is there.
pub struct LutFile {
    path: PathBuf,
    file: OutputFile,
    format: &'static dyn Format,
    stated: PartialReading,
}

impl WriteError {
    /// The settings that fix this error, where some do.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            WriteError::Extension { .. } | WriteError::Format { .. } => &["output_format"],
            WriteError::Io(_) => &[],
        }
    }
}

impl LutFile {
    /// Opens a file for a table in the format and layout that `layout` states, else in the format of
    /// the path's extension, with entries of the first of u16, i16, i32 that holds them where the
    /// format leaves that open, in numeric order.
    ///
    /// # Errors
    /// When the format is not known, or the file cannot be written.
    pub fn create(path: &Path, layout: &LutFormat) -> Result<LutFile, WriteError> {
        let format = layout.container.or_else(|| format::by_extension(path));
        let format = format.ok_or_else(|| WriteError::Extension { path: path.to_owned() })?;
        Ok(LutFile { path: path.to_owned(), file: OutputFile::create(path)?, format, stated: layout.stated })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `lut`. The file appears whole or not at all.
    ///
    /// # Errors
    /// When the format cannot hold the table, or the disk refuses.
    pub fn commit(self, lut: &Lut) -> Result<(), WriteError> {
        Ok(self.filled(lut)?.commit()?)
    }

    /// The file with `lut` in it, to be committed.
    ///
    /// # Errors
    /// When the format cannot hold the table, or the disk refuses.
    pub fn filled(self, lut: &Lut) -> Result<OutputFile, WriteError> {
        let LutFile { path, file, format, stated } = self;
        let bytes = format.write(lut, &stated).map_err(|source| WriteError::Format { path, source })?;
        Ok(file.with_bytes(&bytes)?)
    }
}

impl Lut {
    /// Writes the table to `path`, as a [`LutFile`] does.
    ///
    /// # Errors
    /// When the format is not known or cannot hold the table, or the disk refuses.
    pub fn write(&self, path: &Path, layout: &LutFormat) -> Result<(), WriteError> {
        LutFile::create(path, layout)?.commit(self)
    }

    /// The same table with `source` as its source and its measured errors as stated metrics, unless it has
    /// its own: with these in a file, later damage to the table is noticed.
    #[must_use]
    pub fn with_source(self, source: &str) -> Lut {
        let own = self.metadata().clone();
        let stated_metrics = ErrorMetrics::compute(&self).to_stated();
        let found = Metadata { source: Some(source.to_owned()), stated_metrics, ..Metadata::default() };
        self.with_metadata(own.or(found))
    }
}
