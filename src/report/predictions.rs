//! What a network says of each sample, as CSV: written by one run, compared by another.

use crate::eval::{Answered, Answers, Scores};
use crate::model::Task;
use crate::output::{OutputError, OutputFile};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Columns of the file, by the network's task.
fn header(task: Task) -> &'static [&'static str] {
    match task {
        Task::Classification => &["index", "label", "prediction", "correct"],
        Task::AnomalyDetection => &["index", "label", "score"],
    }
}

/// A CSV file of `index,label,prediction,correct`, or of `index,label,score` of an anomaly detector,
/// written as samples are evaluated.
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
    /// Opens the file, of a network for `task`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(path: &Path, task: Task) -> Result<Self, OutputError> {
        let hashed = Hashed { file: OutputFile::create(path)?, hash: blake3::Hasher::new() };
        let mut writer = csv::Writer::from_writer(hashed);
        writer
            .write_record(header(task))
            .map_err(|error| OutputError { path: path.to_owned(), source: error.into() })?;
        Ok(Predictions { path: path.to_owned(), writer })
    }

    /// Adds a batch.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn add(&mut self, scores: &Scores) -> io::Result<()> {
        let labels = (scores.first..).zip(scores.labels);
        match scores.answers {
            Answers::Classes(predictions) => {
                for ((index, label), prediction) in labels.zip(predictions) {
                    self.writer.serialize((index, label, prediction, label == prediction))?;
                }
            }
            Answers::AnomalyScores(anomaly_scores) => {
                for ((index, label), score) in labels.zip(anomaly_scores) {
                    self.writer.serialize((index, label, score))?;
                }
            }
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
    pub fn read(&self, report: &Path) -> Result<Answered, PredictionsError> {
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
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let is_of = |columns: &csv::StringRecord, task| columns.iter().eq(header(task).iter().copied());
        let (labels, answers) = match reader.headers() {
            Ok(columns) if is_of(columns, Task::AnomalyDetection) => {
                let (labels, scores) = rows(&path, reader, |row: (usize, u32, f64)| (row.0, (row.1, row.2)))?;
                (labels, Answers::AnomalyScores(scores))
            }
            _ => {
                let (labels, classes) = rows(&path, reader, |row: (usize, u32, u32, bool)| (row.0, (row.1, row.2)))?;
                (labels, Answers::Classes(classes))
            }
        };
        Ok(Answered::new(labels, answers))
    }
}

/// Labels and answers of every row, of which `split` gives the sample's index, its label and its answer.
fn rows<Row: serde::de::DeserializeOwned, T>(
    path: &Path,
    mut reader: csv::Reader<&[u8]>,
    split: impl Fn(Row) -> (usize, (u32, T)),
) -> Result<(Vec<u32>, Vec<T>), PredictionsError> {
    let row = |(row, record): (usize, csv::Result<Row>)| {
        let record = record.map_err(|source| PredictionsError::Csv { path: path.to_owned(), source })?;
        let (index, answer) = split(record);
        if index != row {
            return Err(PredictionsError::Order { path: path.to_owned(), row, index });
        }
        Ok(answer)
    };
    reader.deserialize().enumerate().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let third = f64::from(1f32 / 3.0);
        let cases = [
            [Answers::Classes(vec![0, 2]), Answers::Classes(vec![2]), Answers::Classes(vec![0, 2, 2])],
            [
                Answers::AnomalyScores(vec![1e-9, third]),
                Answers::AnomalyScores(vec![0.0]),
                Answers::AnomalyScores(vec![1e-9, third, 0.0]),
            ],
        ];
        for [first, second, all] in cases {
            let mut file = Predictions::create(&folder.path().join("p.csv"), all.task()).unwrap();
            for (first, labels, answers) in [(0, &[0, 1][..], &first), (2, &[1], &second)] {
                file.add(&Scores { first, outputs: 3, logits: &[], labels, answers }).unwrap();
            }
            let written = file.commit().unwrap();
            let expected = Answered::new(vec![0, 1, 1], all);
            assert_eq!(written.read(Path::new("elsewhere/report.json")).unwrap(), expected);
            // Beside the report, wherever both were moved.
            let moved = PredictionsReport { path: "gone/p.csv".into(), ..written };
            assert_eq!(moved.read(&folder.path().join("report.json")).unwrap(), expected);
        }
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
        let header = header(Task::Classification).join(",");
        assert!(error(&format!("{header}\n0,1,x,false\n")).contains("p.csv: not predictions"));
        assert!(error(&format!("{header}\n1,1,1,true\n")).contains("row 0 is of sample 1"));
        assert!(error("index,label,score\n0,1,high\n").contains("p.csv: not predictions"));
        let other = PredictionsReport { path: path.clone(), blake3: "0".repeat(64) };
        assert!(other.read(Path::new("r.json")).unwrap_err().to_string().contains("not the predictions of the report"));
        let missing = PredictionsReport { path: folder.path().join("q.csv"), blake3: String::new() };
        assert!(missing.read(Path::new("r.json")).unwrap_err().to_string().contains("q.csv: cannot read"));
    }
}
