//! The registry of formats: which one a file or folder is opened by, as stated or recognized.

use super::format::{Evidence, Format};
use super::probe::Probe;
use super::{DataError, Dataset, Split, cifar, csv, folder, idx, list, npy, npz, safetensors};
use crate::registry::{Named, Registry, by_name};
use std::path::Path;

/// Every dataset format.
pub static DATA_FORMATS: Registry<DataFormat> = Registry::new(
    "dataset format",
    &[
        DataFormat(&idx::FORMAT),
        DataFormat(&cifar::CIFAR10),
        DataFormat(&cifar::CIFAR100),
        DataFormat(&folder::FORMAT),
        DataFormat(&list::FORMAT),
        DataFormat(&safetensors::FORMAT),
        DataFormat(&npz::FORMAT),
        DataFormat(&csv::FORMAT),
        DataFormat(&npy::FORMAT),
        #[cfg(feature = "parquet")]
        DataFormat(&super::parquet::FORMAT),
    ],
);

/// A dataset format of [`DATA_FORMATS`].
#[derive(Clone, Copy)]
pub struct DataFormat(&'static Format);

impl Named for DataFormat {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn summary(&self) -> &'static str {
        self.0.summary
    }
}

by_name!(DataFormat, DATA_FORMATS);

impl DataFormat {
    /// The format that recognizes the file or folder at `path`.
    fn recognize(path: &Path) -> Result<DataFormat, DataError> {
        let mut probe = Probe::new(path)?;
        let evidence: Vec<_> = DATA_FORMATS.iter().map(|format| ((format.0.recognize)(&mut probe), *format)).collect();
        let best = evidence.iter().map(|(evidence, _)| *evidence).max().unwrap_or(Evidence::None);
        let mut fitting = evidence.into_iter().filter(|(evidence, _)| *evidence == best).map(|(_, format)| format);
        if best == Evidence::None {
            let known = DATA_FORMATS.names().collect::<Vec<_>>().join(", ");
            return Err(DataError::Unrecognized { path: path.to_owned(), found: probe.describe(), known });
        }
        match (fitting.next(), fitting.next()) {
            (Some(format), None) => Ok(format),
            (first, second) => {
                let names = first.into_iter().chain(second).chain(fitting).map(|format| format.to_string());
                let candidates = names.collect::<Vec<_>>().join(", ");
                Err(DataError::Ambiguous { path: path.to_owned(), candidates })
            }
        }
    }
}

impl std::fmt::Debug for DataFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "DataFormat({self})")
    }
}

impl PartialEq for DataFormat {
    fn eq(&self, other: &DataFormat) -> bool {
        self.name() == other.name()
    }
}

impl Eq for DataFormat {}

/// Opens the dataset at `path`: as `format`, or as the one that recognizes it.
///
/// `split` chooses the part of a folder with standard names; evaluation reads [`Split::Test`],
/// calibration [`Split::Train`].
///
/// # Errors
/// When nothing recognizes the path, files are missing, truncated or of another format, or images
/// and labels differ in number.
pub fn open(path: &Path, format: Option<DataFormat>, split: Split) -> Result<Dataset, DataError> {
    let format = match format {
        Some(format) => format,
        None => DataFormat::recognize(path)?,
    };
    (format.0.open)(path, split)
}
