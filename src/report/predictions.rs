//! The predictions of each sample, as CSV: written by one run, compared by another.

use crate::eval::BatchOutputs;
use crate::input;
use crate::output::{OutputError, OutputFile};
use crate::printable::serialize_path;
use crate::task::{Cell, Predictions, TASKS, Task};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Bytes of the largest file that is read: of 100 million samples.
const LARGEST: u64 = 4 << 30;

/// The columns of the file, of a network for `task`.
fn header(task: Task) -> Vec<&'static str> {
    ["index", "label"].into_iter().chain(task.columns().iter().map(|column| column.name)).collect()
}

/// A CSV file of index, label and the task's columns, written as samples are evaluated.
pub struct PredictionsFile {
    path: PathBuf,
    writer: csv::Writer<Hashed>,
}

/// A predictions file, as reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PredictionsReport {
    /// The file.
    #[serde(serialize_with = "serialize_path")]
    pub path: PathBuf,
    /// Its BLAKE3 hash.
    pub blake3: String,
}

/// A pending file and the hash of what was written.
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
#[non_exhaustive]
pub enum PredictionsError {
    /// The file does not exist or cannot be read.
    #[error("{}: cannot read the predictions", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The file is not CSV with a header.
    #[error("{}: not predictions in CSV", .path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Where and what.
        #[source]
        source: csv::Error,
    },
    /// The header is that of no task.
    #[error("{}: not predictions: the columns are {found}, expected {}", .path.display(), headers())]
    Header {
        /// The file.
        path: PathBuf,
        /// Its columns.
        found: String,
    },
    /// A field has a value that its column cannot have.
    #[error("{}: not predictions: row {row} has {column} '{found}'", .path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The row, from 0.
        row: usize,
        /// The column's name.
        column: &'static str,
        /// The field.
        found: String,
    },
    /// Samples are out of order.
    #[error("{}: row {row} is of sample {index}: expected each sample once, in the order of the dataset", .path.display())]
    Order {
        /// The file.
        path: PathBuf,
        /// The row, from 0.
        row: usize,
        /// The sample that it is of.
        index: usize,
    },
    /// Another run has overwritten the file.
    #[error("{}: not the predictions of the report, whose BLAKE3 hash is {expected}", .path.display())]
    Hash {
        /// The file.
        path: PathBuf,
        /// The hash in the report.
        expected: String,
    },
}

/// The headers of all tasks.
fn headers() -> String {
    TASKS.iter().map(|task| header(*task).join(",")).collect::<Vec<_>>().join(" or ")
}

impl PredictionsFile {
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
        Ok(PredictionsFile { path: path.to_owned(), writer })
    }

    /// Adds a batch.
    ///
    /// # Errors
    /// When writing fails.
    pub fn add(&mut self, batch: &BatchOutputs) -> io::Result<()> {
        let columns = batch.predictions.task().columns();
        for (index, (label, row)) in batch.predictions.samples().iter().zip(batch.predictions.rows()) {
            let cells: Vec<Cell> = columns.iter().zip(row).map(|(column, &value)| column.cell(value)).collect();
            self.writer.serialize((index, label, cells))?;
        }
        Ok(())
    }

    /// The file with all of them, to be committed, and what reports say of it.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(self) -> Result<(OutputFile, PredictionsReport), OutputError> {
        let PredictionsFile { path, writer } = self;
        let hashed =
            writer.into_inner().map_err(|error| OutputError { path: path.clone(), source: error.into_error() })?;
        let blake3 = hashed.hash.finalize().to_hex().to_string();
        Ok((hashed.file, PredictionsReport { path, blake3 }))
    }
}

impl PredictionsReport {
    /// Reads the file that the report at `report` names: by its path as seen from the folder of the
    /// report, or beside the report, whichever exists first.
    ///
    /// # Errors
    /// When there is no such file, it has no predictions, or it is another run's.
    pub fn read(&self, report: &Path) -> Result<Predictions, PredictionsError> {
        let folder = report.parent().unwrap_or(Path::new(""));
        let beside = self.path.file_name().map(|name| folder.join(name));
        let places = [Some(folder.join(&self.path)), beside].into_iter().flatten();
        let path = places.into_iter().find_map(|place| existing(&place)).unwrap_or_else(|| self.path.clone());
        let bytes = match input::read(&path, LARGEST) {
            Ok(bytes) => bytes,
            Err(source) => return Err(PredictionsError::Read { path, source }),
        };
        if blake3::hash(&bytes).to_hex().as_str() != self.blake3 {
            return Err(PredictionsError::Hash { path, expected: self.blake3.clone() });
        }
        parse(&path, &bytes)
    }
}

/// The file at `place`; where its name was not UTF-8, the one whose name reports show so.
fn existing(place: &Path) -> Option<PathBuf> {
    if place.exists() {
        return Some(place.to_owned());
    }
    let name = place.file_name()?.to_str().filter(|name| name.contains(char::REPLACEMENT_CHARACTER))?;
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut entries = folder.read_dir().ok()?.flatten();
    entries.find(|entry| entry.file_name().to_string_lossy() == name).map(|entry| entry.path())
}

/// The predictions of the CSV file at `path`, which holds `bytes`.
fn parse(path: &Path, bytes: &[u8]) -> Result<Predictions, PredictionsError> {
    let csv_error = |source| PredictionsError::Csv { path: path.to_owned(), source };
    let mut reader = csv::Reader::from_reader(bytes);
    let found = reader.headers().map_err(csv_error)?;
    let task = TASKS.iter().find(|task| found.iter().eq(header(**task)));
    let Some(&task) = task else {
        let found = found.iter().collect::<Vec<_>>().join(",");
        return Err(PredictionsError::Header { path: path.to_owned(), found });
    };
    let mut predictions = Predictions::new(task);
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(csv_error)?;
        // The reader sees to it that every record has as many fields as the header.
        let value = |column: &'static str, found: &str| PredictionsError::Value {
            path: path.to_owned(),
            row,
            column,
            found: found.to_owned(),
        };
        let index: usize = record[0].parse().map_err(|_| value("index", &record[0]))?;
        let label: u32 = record[1].parse().map_err(|_| value("label", &record[1]))?;
        if predictions.samples().last().is_some_and(|&last| index <= last) {
            return Err(PredictionsError::Order { path: path.to_owned(), row, index });
        }
        let fields = task.columns().iter().zip(record.iter().skip(2));
        let values = fields.map(|(column, text)| column.parse(text).ok_or_else(|| value(column.name, text)));
        predictions.push_sample(index, label, &values.collect::<Result<Vec<f64>, _>>()?);
    }
    Ok(predictions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let third = f64::from(1f32 / 3.0);
        let classes = Predictions::from_classes;
        let scores = Predictions::from_anomaly_scores;
        let cases = [
            [classes(&[0, 1], &[0, 2]), classes(&[1], &[2]), classes(&[0, 1, 1], &[0, 2, 2])],
            [scores(&[0, 1], &[1e-9, third]), scores(&[1], &[0.0]), scores(&[0, 1, 1], &[1e-9, third, 0.0])],
        ];
        for [first, second, all] in cases {
            let mut file = PredictionsFile::create(&folder.path().join("p.csv"), all.task()).unwrap();
            let second = second.of_samples(&[2]);
            for (first, predictions) in [(0, &first), (2, &second)] {
                file.add(&BatchOutputs { first, outputs: 3, logits: &[], predictions }).unwrap();
            }
            let (file, written) = file.finish().unwrap();
            file.commit().unwrap();
            assert_eq!(written.read(Path::new("elsewhere/report.json")).unwrap(), all);
            // Beside the report, wherever both were moved.
            let moved = PredictionsReport { path: "gone/p.csv".into(), ..written };
            assert_eq!(moved.read(&folder.path().join("report.json")).unwrap(), all);
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
        assert!(error(&format!("{header}\n0,1,2\n")).contains("p.csv: not predictions"));
        assert!(error(&format!("{header}\n1,1,1,true\n1,1,1,true\n")).contains("row 1 is of sample 1"));
        assert!(error(&format!("{header}\n3,1,1,true\n2,1,1,true\n")).contains("row 1 is of sample 2"));
        assert!(error("index,label,score\n0,1,high\n").contains("p.csv: not predictions"));
        assert!(error("index,label,other\n0,1,2\n").contains("expected index,label,prediction,correct or"));
        let other = PredictionsReport { path: path.clone(), blake3: "0".repeat(64) };
        assert!(other.read(Path::new("r.json")).unwrap_err().to_string().contains("not the predictions of the report"));
        let missing = PredictionsReport { path: folder.path().join("q.csv"), blake3: String::new() };
        assert!(missing.read(Path::new("r.json")).unwrap_err().to_string().contains("q.csv: cannot read"));
    }
}
