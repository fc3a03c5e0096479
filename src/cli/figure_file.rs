//! The option that names a picture's file.

use crate::figure::{Figure, FigureFormat, figure_format};
use crate::output::OutputFile;
use anyhow::Context;
use std::path::{Path, PathBuf};

/// A file for a picture, in the format of its extension.
#[derive(Debug, Clone)]
pub(super) struct FigureFile {
    path: PathBuf,
    format: &'static dyn FigureFormat,
}

/// The file of that path.
pub(super) fn figure_file(path: &str) -> Result<FigureFile, String> {
    let path = PathBuf::from(path);
    let format = figure_format(&path).map_err(|error| error.to_string())?;
    Ok(FigureFile { path, format })
}

impl FigureFile {
    /// Where it will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file, before the work starts.
    pub fn create(&self) -> anyhow::Result<OutputFile> {
        OutputFile::create(&self.path).context("--output")
    }

    /// The bytes of a picture in it.
    pub fn encode(&self, figure: &Figure) -> Vec<u8> {
        self.format.encode(figure)
    }
}
