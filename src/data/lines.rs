//! Text of lines that are not too long: a reader that fails where one is.
//!
//! Parsers of lines and fields collect one before they look at it. A file without line breaks would be
//! collected whole.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

/// Passes bytes on, and fails in a line longer than `longest`.
pub(super) struct Lines<R> {
    reader: R,
    longest: usize,
    /// Bytes since the last line break.
    current: usize,
}

impl<R> Lines<R> {
    pub fn new(reader: R, longest: usize) -> Self {
        Lines { reader, longest, current: 0 }
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buf)?;
        let mut lines = buf[..count].split(|byte| matches!(byte, b'\n' | b'\r'));
        let mut longest = self.current + lines.next().map_or(0, <[u8]>::len);
        self.current = longest;
        for line in lines {
            self.current = line.len();
            longest = longest.max(line.len());
        }
        if longest > self.longest {
            let long = format!("a line of more than {} bytes", self.longest);
            return Err(io::Error::new(ErrorKind::InvalidData, long));
        }
        Ok(count)
    }
}

impl<R: Seek> Seek for Lines<R> {
    /// To the start of a line.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.current = 0;
        self.reader.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{BufReader, Cursor};

    proptest! {
        #[test]
        fn a_long_line_is_found_however_it_is_read(text in "[ab\r\n]{0,60}", longest in 0usize..12, buffer in 1usize..9) {
            let mut reader = BufReader::with_capacity(buffer, Lines::new(Cursor::new(text.as_bytes()), longest));
            let mut read = String::new();
            let is_long = text.split(['\n', '\r']).any(|line| line.len() > longest);
            prop_assert_eq!(reader.read_to_string(&mut read).is_err(), is_long);
            prop_assert!(is_long || read == text);
        }
    }
}
