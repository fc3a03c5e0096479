//! The registry of formats, and how a path is given to one of them.

use super::source::Source;
use super::{DataError, Dataset, Split, cifar, csv, folder, idx, list, npz, safetensors};
use std::path::Path;

/// All formats, in the order that messages list them.
static FORMATS: &[&Format] = &[
    &idx::FORMAT,
    &cifar::CIFAR10,
    &cifar::CIFAR100,
    &folder::FORMAT,
    &list::FORMAT,
    &safetensors::FORMAT,
    &npz::FORMAT,
    &csv::FORMAT,
    #[cfg(feature = "parquet")]
    &super::parquet::FORMAT,
];

/// What says that a text is in UTF-8.
pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// One format: how it is known, and how it is opened.
pub(super) struct Format {
    /// The name that `--data-format` takes.
    pub name: &'static str,
    /// How much speaks for this format; must not fail, and read no more than it needs.
    pub recognise: fn(&mut Probe) -> Evidence,
    /// Opens what the user says, or [`Format::recognise`] found, to be of this format.
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

/// What formats look at to recognise their own.
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
                "a Parquet file, which builds with `--features parquet` read".to_owned()
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

/// A dataset format, by its registry entry.
#[derive(Clone, Copy)]
pub struct DataFormat(&'static Format);

impl DataFormat {
    /// All formats, in the order that help texts list them.
    pub fn all() -> impl Iterator<Item = DataFormat> {
        FORMATS.iter().map(|&format| DataFormat(format))
    }

    /// The name that options and messages use.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The format that recognises what lies at `path`.
    fn recognise(path: &Path) -> Result<DataFormat, DataError> {
        let mut probe = Probe::new(path)?;
        let seen: Vec<_> = Self::all().map(|format| ((format.0.recognise)(&mut probe), format)).collect();
        let best = seen.iter().map(|(evidence, _)| *evidence).max().unwrap_or(Evidence::None);
        let fitting: Vec<_> =
            seen.iter().filter(|(evidence, _)| *evidence == best).map(|(_, format)| *format).collect();
        match fitting[..] {
            _ if best == Evidence::None => Err(DataError::Unrecognised {
                path: path.to_owned(),
                found: probe.describe(),
                known: list(Self::all()),
            }),
            [format] => Ok(format),
            _ => Err(DataError::Ambiguous { path: path.to_owned(), candidates: list(fitting) }),
        }
    }
}

fn list(formats: impl IntoIterator<Item = DataFormat>) -> String {
    formats.into_iter().map(DataFormat::name).collect::<Vec<_>>().join(", ")
}

impl std::str::FromStr for DataFormat {
    type Err = DataError;

    fn from_str(name: &str) -> Result<DataFormat, DataError> {
        let unknown = || DataError::UnknownFormat { name: name.to_owned(), known: list(Self::all()) };
        Self::all().find(|format| format.name() == name).ok_or_else(unknown)
    }
}

impl std::fmt::Display for DataFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::fmt::Debug for DataFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "DataFormat({})", self.name())
    }
}

impl PartialEq for DataFormat {
    fn eq(&self, other: &DataFormat) -> bool {
        self.name() == other.name()
    }
}

impl Eq for DataFormat {}

/// Opens the dataset at `path`: as `format`, or as the one that recognises it.
///
/// `split` chooses the part of a folder with standard names; evaluation reads [`Split::Test`],
/// calibration [`Split::Train`].
///
/// # Errors
/// When nothing recognises the path, files are missing, truncated or of another format, or images
/// and labels differ in number.
pub fn open(path: &Path, format: Option<DataFormat>, split: Split) -> Result<Dataset, DataError> {
    let format = match format {
        Some(format) => format,
        None => DataFormat::recognise(path)?,
    };
    (format.0.open)(path, split)
}
