//! Where a dataset's bytes lie, and the set's identity that follows from them.

use super::DataError;
use crate::input;
use std::io::{self, Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Bytes that can be read from any place.
pub(super) trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// One file of a dataset: on disk, embedded in the program, or in the caller's memory.
#[derive(Debug, Clone)]
pub(super) enum Storage {
    File(PathBuf),
    Embedded { name: &'static str, bytes: &'static [u8] },
    Memory { name: Arc<str>, bytes: Arc<[u8]> },
}

impl Storage {
    /// Opens the bytes as they are stored, before any decompression.
    pub fn open(&self) -> io::Result<Box<dyn ReadSeek>> {
        Ok(match self {
            Storage::File(path) => Box::new(input::open(path)?),
            Storage::Embedded { bytes, .. } => Box::new(Cursor::new(*bytes)),
            Storage::Memory { bytes, .. } => Box::new(Cursor::new(Arc::clone(bytes))),
        })
    }

    /// All of the bytes, at most `limit`.
    pub fn read(&self, limit: u64) -> io::Result<Vec<u8>> {
        match self {
            Storage::File(path) => input::read(path, limit),
            Storage::Embedded { bytes, .. } => Ok(bytes.to_vec()),
            Storage::Memory { bytes, .. } => Ok(bytes.to_vec()),
        }
    }

    /// Stored bytes.
    pub fn len(&self) -> Result<u64, DataError> {
        match self {
            Storage::File(path) => input::len(path).map_err(|source| DataError::io(self, source)),
            Storage::Embedded { bytes, .. } => Ok(bytes.len() as u64),
            Storage::Memory { bytes, .. } => Ok(bytes.len() as u64),
        }
    }
}

impl std::fmt::Display for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Storage::File(path) => path.display().fmt(f),
            Storage::Embedded { name, .. } => write!(f, "embedded {name}"),
            Storage::Memory { name, .. } => f.write_str(name),
        }
    }
}

/// A dataset's name and files: what reports say about where the samples came from. It outlives the
/// reader, which moves into the thread that prepares batches.
#[derive(Debug)]
pub struct Origin {
    name: String,
    files: Arc<[Storage]>,
    /// The folder whose layout is part of the set: relative paths are then hashed too.
    root: Option<PathBuf>,
    hash: OnceLock<blake3::Hash>,
}

impl Origin {
    pub(super) fn new(name: String, files: impl Into<Arc<[Storage]>>) -> Origin {
        Origin { name, files: files.into(), root: None, hash: OnceLock::new() }
    }

    /// A set at `path`, named for the path's last component.
    pub(super) fn at(path: &Path, files: impl Into<Arc<[Storage]>>) -> Origin {
        let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let name = absolute.file_name().unwrap_or(absolute.as_os_str());
        Origin::new(name.to_string_lossy().into_owned(), files)
    }

    /// A set at `path` whose labels lie in its files' paths below `root`.
    pub(super) fn below(path: &Path, root: &Path, files: Arc<[Storage]>) -> Origin {
        Origin { root: Some(root.to_owned()), ..Origin::at(path, files) }
    }

    /// The same set, whose hash is known.
    pub(super) fn with_hash(self, hash: blake3::Hash) -> Origin {
        Origin { hash: hash.into(), ..self }
    }

    /// The name that reports use.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// BLAKE3 of the files' stored bytes one after the other, images before labels; for a list,
    /// its own before its images'; for class folders, of each file's path below the folder (with `/`), a zero byte, and its bytes. Computed on the
    /// first call, streaming.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn blake3(&self) -> Result<blake3::Hash, DataError> {
        if let Some(hash) = self.hash.get() {
            return Ok(*hash);
        }
        let mut hasher = blake3::Hasher::new();
        for file in &*self.files {
            if let (Some(root), Storage::File(path)) = (&self.root, file) {
                let below = path.strip_prefix(root).unwrap_or(path);
                let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
                hasher.update(parts.join("/").as_bytes()).update(&[0]);
            }
            let hashed = match file {
                Storage::Embedded { bytes, .. } => Ok(hasher.update(bytes)),
                Storage::Memory { bytes, .. } => Ok(hasher.update(bytes)),
                Storage::File(_) => file.open().and_then(|file| hasher.update_reader(file)),
            };
            hashed.map_err(|source| DataError::io(file, source))?;
        }
        Ok(*self.hash.get_or_init(|| hasher.finalize()))
    }
}

/// Reads until `len` bytes are there or the input ends, allocating only for what is there.
pub(super) fn read_up_to(reader: &mut dyn Read, len: u64) -> io::Result<Vec<u8>> {
    /// What is reserved before a byte has been seen.
    const TRUSTED: u64 = 16 << 20;
    let mut bytes = Vec::with_capacity(usize::try_from(len.min(TRUSTED)).unwrap_or(0));
    reader.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}
