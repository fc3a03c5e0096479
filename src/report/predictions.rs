//! Predictions sample by sample, as CSV.

use crate::eval::Scores;
use crate::output::{OutputError, OutputFile};
use std::io;
use std::path::{Path, PathBuf};

/// A CSV file of `index,label,prediction,correct`, written as samples are evaluated.
pub struct Predictions {
    path: PathBuf,
    writer: csv::Writer<OutputFile>,
}

impl Predictions {
    /// Opens the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(path: &Path) -> Result<Self, OutputError> {
        let mut writer = csv::Writer::from_writer(OutputFile::create(path)?);
        writer
            .write_record(["index", "label", "prediction", "correct"])
            .map_err(|error| OutputError { path: path.to_owned(), source: error.into() })?;
        Ok(Predictions { path: path.to_owned(), writer })
    }

    /// Adds a batch.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn add(&mut self, scores: &Scores) -> io::Result<()> {
        for (i, (label, prediction)) in scores.labels.iter().zip(scores.predictions).enumerate() {
            self.writer.serialize((scores.first + i, label, prediction, label == prediction))?;
        }
        Ok(())
    }

    /// Puts the finished file in its place.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn commit(self) -> Result<(), OutputError> {
        let Predictions { path, writer } = self;
        writer.into_inner().map_err(|error| OutputError { path, source: error.into_error() })?.commit()
    }
}
