//! Random access to the bytes of one file, compressed or not, in bounded memory.
//!
//! Readers of formats know offsets; whether they are offsets into a plain file, a gzip stream or a
//! member of a zip archive is decided here. Plain bytes are read by seeking. Compressed ones are
//! decoded forward, and from the start again when an earlier offset is asked for: batches go
//! through a set in order, so that happens once a pass.

use super::DataError;
use super::storage::{ReadSeek, Storage, read_up_to};
use flate2::Crc;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder};
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// Stored bytes that a decoder takes from its file at a time.
const STREAM_BUFFER: usize = 64 << 10;

/// How the bytes are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    /// A gzip file, of any number of members.
    Gzip,
    /// A raw deflate stream, as zip archives hold it, with the CRC-32 of its content.
    Deflate {
        crc: u32,
    },
}

/// A run of stored bytes and its decompressed view.
pub(super) struct Source {
    storage: Storage,
    /// The stored run.
    start: u64,
    stored: u64,
    compression: Compression,
    /// Decompressed length, once it is known.
    len: Option<u64>,
    /// For plain bytes, the open file; for compressed ones, the stream and how far it has come.
    stream: Option<Stream>,
}

enum Stream {
    Plain(Box<dyn ReadSeek>),
    Decoded { reader: Box<dyn Read + Send>, position: u64 },
}

impl Source {
    /// The whole of `storage`, decompressed if it starts as gzip does.
    pub fn new(storage: Storage) -> Result<Source, DataError> {
        let stored = storage.len()?;
        let mut source = Source::window(storage, 0, stored, Compression::None, Some(stored));
        if source.head(3)? == [0x1f, 0x8b, 8] {
            source = Source::window(source.storage, 0, stored, Compression::Gzip, None);
        }
        Ok(source)
    }

    /// The whole of `storage` as it is stored.
    pub fn plain(storage: Storage) -> Result<Source, DataError> {
        let stored = storage.len()?;
        Ok(Source::window(storage, 0, stored, Compression::None, Some(stored)))
    }

    /// The file at `path`.
    pub fn open(path: &std::path::Path) -> Result<Source, DataError> {
        Source::new(Storage::File(path.to_owned()))
    }

    /// `stored` bytes of `storage` from `start`, that decompress to `len` bytes where that is known.
    pub fn window(storage: Storage, start: u64, stored: u64, compression: Compression, len: Option<u64>) -> Source {
        Source { storage, start, stored, compression, len, stream: None }
    }

    /// Decompressed bytes; for a gzip stream whose length has not been checked, nothing.
    pub fn known_len(&self) -> Option<u64> {
        self.len
    }

    /// Decompressed bytes, for which a gzip stream is decoded once.
    pub fn measure(&mut self) -> Result<u64, DataError> {
        let len = self.len.map_or_else(|| self.count(u64::MAX), Ok);
        let len = len.map_err(|source| DataError::io(&self.storage, source))?;
        self.len = Some(len);
        Ok(len)
    }

    /// Fails unless there are exactly `expected` bytes after decompression; `why` says where the
    /// number comes from.
    ///
    /// The trailer of a gzip member states its length, so that a stream is decoded for this only when
    /// that number is another: it then is truncated or has several members.
    pub fn check_len(&mut self, expected: u64, why: &str) -> Result<(), DataError> {
        let trailer = |len: u32| u64::from(len) == expected & 0xffff_ffff;
        let found = self.len.map_or_else(
            || if self.gzip_trailer()?.is_some_and(trailer) { Ok(expected) } else { self.count(expected) },
            Ok,
        );
        let found = found.map_err(|source| DataError::io(&self.storage, source))?;
        if found != expected {
            return Err(DataError::Length { file: self.to_string(), found, expected, why: why.to_owned() });
        }
        self.len = Some(found);
        Ok(())
    }

    /// The first bytes, at most `len`.
    pub fn head(&mut self, len: u64) -> Result<Vec<u8>, DataError> {
        self.fetch(0, len).map_err(|source| DataError::io(&self.storage, source))
    }

    /// The `len` bytes from `offset`. Reading up to a checked length also checks that a compressed
    /// stream ends there as it should.
    pub fn read(&mut self, offset: u64, len: u64) -> Result<Vec<u8>, DataError> {
        let failed = |storage: &Storage, source| DataError::io(storage, source);
        let bytes = self.fetch(offset, len).map_err(|source| failed(&self.storage, source))?;
        let end = offset.saturating_add(bytes.len() as u64);
        if (bytes.len() as u64) < len {
            let (expected, why) = (offset.saturating_add(len), format!("{len} bytes from byte {offset}"));
            return Err(DataError::Length { file: self.to_string(), found: end, expected, why });
        }
        if self.len == Some(end) && !self.fetch(end, 1).map_err(|source| failed(&self.storage, source))?.is_empty() {
            let why = "the length that it was opened with".to_owned();
            return Err(DataError::Length { file: self.to_string(), found: end + 1, expected: end, why });
        }
        Ok(bytes)
    }

    /// The bytes as a stream that stands at the start.
    pub fn into_reader(self) -> SourceReader {
        SourceReader { source: self, offset: 0 }
    }

    /// As many of the `len` bytes from `offset` as there are.
    fn fetch(&mut self, offset: u64, len: u64) -> io::Result<Vec<u8>> {
        if matches!(self.stream, Some(Stream::Decoded { position, .. }) if position > offset) {
            self.stream = None;
        }
        let stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.start_stream()?,
        };
        let (start, left) = (self.start.saturating_add(offset), self.stored.saturating_sub(offset));
        match self.stream.insert(stream) {
            // A read never passes the run's end, though the file may go on.
            Stream::Plain(file) => file.seek(SeekFrom::Start(start)).and_then(|_| read_up_to(file, len.min(left))),
            Stream::Decoded { reader, position } => skip(reader, offset - *position).and_then(|skipped| {
                *position += skipped;
                let bytes = read_up_to(reader, len)?;
                *position += bytes.len() as u64;
                Ok(bytes)
            }),
        }
    }

    fn start_stream(&self) -> io::Result<Stream> {
        let mut file = self.storage.open()?;
        file.seek(SeekFrom::Start(self.start))?;
        let stored = BufReader::with_capacity(STREAM_BUFFER, file).take(self.stored);
        let reader: Box<dyn Read + Send> = match self.compression {
            Compression::None => return Ok(Stream::Plain(self.storage.open()?)),
            Compression::Gzip => Box::new(MultiGzDecoder::new(stored)),
            Compression::Deflate { crc } => {
                Box::new(Checked { reader: DeflateDecoder::new(stored), seen: Crc::new(), expected: crc })
            }
        };
        Ok(Stream::Decoded { reader, position: 0 })
    }

    /// The length modulo 2^32 that the last gzip member states.
    fn gzip_trailer(&self) -> io::Result<Option<u32>> {
        /// Header and trailer of a member around no content at all.
        const SHORTEST: u64 = 20;
        if self.compression != Compression::Gzip || self.stored < SHORTEST {
            return Ok(None);
        }
        let mut trailer = [0; 4];
        let mut file = self.storage.open()?;
        file.seek(SeekFrom::Start(self.start + self.stored - 4))?;
        file.read_exact(&mut trailer)?;
        Ok(Some(u32::from_le_bytes(trailer)))
    }

    /// Decodes from the start, and counts bytes up to one more than `expected`.
    fn count(&self, expected: u64) -> io::Result<u64> {
        match self.start_stream()? {
            Stream::Plain(_) => Ok(self.stored),
            Stream::Decoded { mut reader, .. } => skip(&mut reader, expected.saturating_add(1)),
        }
    }
}

/// A source read from front to back, or from wherever it is sent.
pub(super) struct SourceReader {
    source: Source,
    offset: u64,
}

impl Seek for SourceReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let offset = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(by) => self.offset.checked_add_signed(by),
            SeekFrom::End(by) => self.source.len.and_then(|len| len.checked_add_signed(by)),
        };
        self.offset = offset.ok_or(io::ErrorKind::Unsupported)?;
        Ok(self.offset)
    }
}

impl Read for SourceReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let bytes = self.source.fetch(self.offset, buf.len() as u64)?;
        self.offset += bytes.len() as u64;
        buf[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

/// Reads over at most `len` bytes, and says how many there were.
fn skip(reader: &mut dyn Read, len: u64) -> io::Result<u64> {
    io::copy(&mut reader.take(len), &mut io::sink())
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        self.storage.fmt(f)
    }
}

/// A stream whose CRC-32 is compared where it ends.
struct Checked<R> {
    reader: R,
    seen: Crc,
    expected: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buf)?;
        self.seen.update(&buf[..count]);
        if count == 0 && !buf.is_empty() && self.seen.sum() != self.expected {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the content does not match its CRC-32"));
        }
        Ok(count)
    }
}
