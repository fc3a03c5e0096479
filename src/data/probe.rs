//! A first look at a file or folder, by which formats recognize their own.
//!
//! The look is taken once and shown to every format; where none recognizes it, it is described to the user.

use super::DataError;
use super::source::Source;
use std::path::Path;

/// What says that a text is in UTF-8.
pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// What formats look at to recognize their own.
pub(super) enum Probe {
    /// Sorted names of a folder's files, and of its folders.
    Folder { files: Vec<String>, folders: Vec<String> },
    /// A file and its first bytes, decompressed, without the mark that some programs put before texts.
    File { source: Source, head: Vec<u8> },
}

impl Probe {
    /// The most bytes of [`Probe::File::head`].
    const HEAD: u64 = 4096;

    /// Reads as much of a file or folder as formats look at.
    pub fn new(path: &Path) -> Result<Probe, DataError> {
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
    pub fn describe(&self) -> String {
        /// Where tar archives have their signature.
        const TAR: std::ops::Range<usize> = 257..262;
        match self {
            Probe::Folder { .. } if self.has_any(&["data_batch_1", "test_batch", "meta"]) => {
                "the Python version of CIFAR; download the binary version".to_owned()
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
                "a single NumPy array; save images and labels together with numpy.savez, or as x_test.npy and y_test.npy".to_owned()
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
