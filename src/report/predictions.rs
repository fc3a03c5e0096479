//! Predictions sample by sample, as CSV: written by one run, compared by another.

use crate::eval::{Predicted, Scores};
use crate::output::{OutputError, OutputFile};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const HEADER: [&str; 4] = ["index", "label", "prediction", "correct"];

/// A CSV file of `index,label,prediction,correct`, written as samples are evaluated.
pub struct Predictions {
    path: PathBuf,
    writer: csv::Writer<Hashed>,
}

/// A predictions file, as reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredictionsReport {
    /// The file.
    pub path: PathBuf,
    /// Its hash.
    pub blake3: String,
}

/// A file in the making and the hash of what was written.
struct Hashed {
    file: OutputFile,
    hash: blake3::Hasher,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Why a file of predictions cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PredictionsError {
    /// The file is not there or not readable.
    #[error("{}: cannot read the predictions", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A row is not as `--predictions` writes it.
    #[error("{}: not predictions as --predictions writes them", .path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Where and what.
        #[source]
        source: csv::Error,
    },
    /// Samples are missing or out of order.
    #[error("{}: row {row} is of sample {index}: expected every sample in order", .path.display())]
    Order {
        /// The file.
        path: PathBuf,
        /// The row, from 0.
        row: usize,
        /// The sample that it is of.
        index: usize,
    },
    /// Another run has written the file since.
    #[error("{}: not the predictions of the report, whose BLAKE3 hash is {expected}", .path.display())]
    Hash {
        /// The file.
        path: PathBuf,
        /// The hash that the report has.
        expected: String,
    },
}

impl Predictions {
    /// Opens the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(path: &Path) -> Result<Self, OutputError> {
        let hashed = Hashed { file: OutputFile::create(path)?, hash: blake3::Hasher::new() };
        let mut writer = csv::Writer::from_writer(hashed);
        writer.write_record(HEADER).map_err(|error| OutputError { path: path.to_owned(), source: error.into() })?;
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
    pub fn commit(self) -> Result<PredictionsReport, OutputError> {
        let Predictions { path, writer } = self;
        let hashed =
            writer.into_inner().map_err(|error| OutputError { path: path.clone(), source: error.into_error() })?;
        hashed.file.commit()?;
        Ok(PredictionsReport { path, blake3: hashed.hash.finalize().to_hex().to_string() })
    }
}

impl PredictionsReport {
    /// Reads the file that the report `report` names: as it stands there, from the folder of the
    /// report, or beside the report, whichever there is first.
    ///
    /// # Errors
    /// When there is none, it is no such file, or it is another run's.
    pub fn read(&self, report: &Path) -> Result<Predicted, PredictionsError> {
        let folder = report.parent().unwrap_or(Path::new(""));
        let beside = self.path.file_name().map(|name| folder.join(name));
        let places = [Some(folder.join(&self.path)), beside].into_iter().flatten();
        let path = places.into_iter().find(|place| place.is_file()).unwrap_or_else(|| self.path.clone());
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) => return Err(PredictionsError::Read { path, source }),
        };
        if blake3::hash(&bytes).to_hex().as_str() != self.blake3 {
            return Err(PredictionsError::Hash { path, expected: self.blake3.clone() });
        }
        let mut predicted = Predicted::default();
        for (row, record) in csv::Reader::from_reader(bytes.as_slice()).deserialize().enumerate() {
            let (index, label, prediction, _): (usize, u32, u32, bool) = match record {
                Ok(record) => record,
                Err(source) => return Err(PredictionsError::Csv { path, source }),
            };
            if index != row {
                return Err(PredictionsError::Order { path, row, index });
            }
            predicted.push(label, prediction);
        }
        Ok(predicted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores<'a>(first: usize, labels: &'a [u32], predictions: &'a [u32]) -> Scores<'a> {
        Scores { first, classes: 3, logits: &[], labels, predictions }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = Predictions::create(&folder.path().join("p.csv")).unwrap();
        file.add(&scores(0, &[0, 1], &[0, 2])).unwrap();
        file.add(&scores(2, &[2], &[2])).unwrap();
        let written = file.commit().unwrap();
        let predicted = written.read(Path::new("elsewhere/report.json")).unwrap();
        assert_eq!((predicted.labels(), predicted.predictions()), (&[0, 1, 2][..], &[0, 2, 2][..]));
        // Beside the report, wherever both were moved.
        let moved = PredictionsReport { path: "gone/p.csv".into(), ..written };
        assert_eq!(moved.read(&folder.path().join("report.json")).unwrap(), predicted);
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        let error = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let blake3 = blake3::hash(text.as_bytes()).to_hex().to_string();
            PredictionsReport { path: path.clone(), blake3 }.read(Path::new("r.json")).unwrap_err().to_string()
        };
        let header = HEADER.join(",");
        assert!(error(&format!("{header}\n0,1,x,false\n")).contains("p.csv: not predictions"));
        assert!(error(&format!("{header}\n1,1,1,true\n")).contains("row 0 is of sample 1"));
        let other = PredictionsReport { path: path.clone(), blake3: "0".repeat(64) };
        assert!(other.read(Path::new("r.json")).unwrap_err().to_string().contains("not the predictions of the report"));
        let missing = PredictionsReport { path: folder.path().join("q.csv"), blake3: String::new() };
        assert!(missing.read(Path::new("r.json")).unwrap_err().to_string().contains("q.csv: cannot read"));
    }
}
