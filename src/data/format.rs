//! The registry of formats, and how a path is given to one of them.

use super::source::Source;
use super::{DataError, Dataset, Split, cifar, csv, folder, idx, list, npz, safetensors};
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
        #[cfg(feature = "parquet")]
        DataFormat(&super::parquet::FORMAT),
    ],
);

/// What says that a text is in UTF-8.
pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// One format: how it is known, and how it is opened.
pub(super) struct Format {
    /// The name that options and reports use.
    pub name: &'static str,
    /// What it is, in a line for help texts.
    pub summary: &'static str,
    /// How well a file or folder matches this format; must not fail, and read no more than it needs.
    pub recognize: fn(&mut Probe) -> Evidence,
    /// Opens what the user says, or [`Format::recognize`] found, to be of this format.
    pub open: fn(&Path, Split) -> Result<Dataset, DataError>,
}

/// How sure a format is that something is its own. The surest one is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Evidence {
    None,
    /// Nothing speaks against it.
    Possible,
    /// The content fits throughout.
    Fits,
    /// A signature or standard names.
    Certain,
}

/// What formats look at to recognize their own.
pub(super) enum Probe {
    /// Sorted names of a folder's files, and of its folders.
    Folder { files: Vec<String>, folders: Vec<String> },
    /// A file and its first bytes, decompressed, without the mark that some programs put before texts.
    File { source: Source, head: Vec<u8> },
}

impl Probe {
    /// Bytes of [`Probe::File::head`], where there are as many.
    const HEAD: u64 = 4096;

    fn new(path: &Path) -> Result<Probe, DataError> {
        if !path.is_dir() {
            let mut source = Source::open(path)?;
            let mut head = source.head(Self::HEAD)?;
            if head.starts_with(BYTE_ORDER_MARK.as_bytes()) {
                head.drain(..BYTE_ORDER_MARK.len());
            }
            return Ok(Probe::File { source, head });
        }
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        let io = |source| DataError::io(path.display(), source);
        for entry in path.read_dir().map_err(io)? {
            let entry = entry.map_err(io)?;
            let list = if entry.path().is_dir() { &mut folders } else { &mut files };
            list.push(entry.file_name().to_string_lossy().into_owned());
        }
        files.sort_unstable();
        folders.sort_unstable();
        Ok(Probe::Folder { files, folders })
    }

    /// Whether this is a folder with a file of one of these names.
    pub fn has_any(&self, names: &[&str]) -> bool {
        matches!(self, Probe::Folder { files, .. } if files.iter().any(|file| names.contains(&file.as_str())))
    }

    /// What a user sees of it, for messages.
    fn describe(&self) -> String {
        /// Where tar archives have their signature.
        const TAR: std::ops::Range<usize> = 257..262;
        match self {
            Probe::Folder { .. } if self.has_any(&["data_batch_1", "test_batch", "meta"]) => {
                "CIFAR's Python version; the binary version is read".to_owned()
            }
            Probe::Folder { files, folders } => match (&files[..], &folders[..]) {
                ([], []) => "an empty folder".to_owned(),
                ([file, ..], _) => format!("a folder with {} files, the first being {file}", files.len()),
                ([], [folder, ..]) => format!("a folder with {} folders, the first being {folder}", folders.len()),
            },
            Probe::File { head, .. } if head.get(TAR) == Some(b"ustar") => "a tar archive; unpack it first".to_owned(),
            Probe::File { head, .. } if head.starts_with(b"PAR1") => {
                "a Parquet file, which needs the cargo feature 'parquet'".to_owned()
            }
            Probe::File { head, .. } if head.starts_with(b"\x93NUMPY") => {
                "a single NumPy array; numpy.savez puts images and labels into one .npz file".to_owned()
            }
            Probe::File { head, .. } if head.is_empty() => "an empty file".to_owned(),
            Probe::File { head, .. } if let Some(text) = first_line(head) => {
                format!("a text that starts with {text:?}")
            }
            Probe::File { head, .. } => format!("a file that starts with {:02x?}", &head[..head.len().min(8)]),
        }
    }
}

/// As much of a text's first line as a message shows; `None` where it is no text.
fn first_line(head: &[u8]) -> Option<String> {
    const SHOWN: usize = 40;
    let line = str::from_utf8(head.split(|byte| matches!(byte, b'\n' | b'\r')).next()?).ok()?;
    let is_text = !line.is_empty() && !line.contains(|c: char| c.is_control() && c != '\t');
    is_text.then(|| line.chars().take(SHOWN).collect())
}

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
