//! Comma-separated rows: a label, then the pixels of a square gray image, 0 to 255.
//!
//! That is how MNIST and its relatives are passed around as tables; a first row of names that
//! starts with that of the label is skipped. Rows have no fixed length, so that opening goes
//! through the file once, keeps all labels, and notes where every so many rows begin. The last row may
//! lack its newline when it is whole: as many numbers as in the others, each of which can be read.

use super::format::{Evidence, Format};
use super::lines::Lines;
use super::probe::Probe;
use super::source::{Source, SourceReader};
use super::storage::{Origin, Storage};
use super::{DataError, Dataset, PixelKind, Pixels, ReadPixels, Split};
use ::csv::{ByteRecord, Position, Reader, ReaderBuilder, Trim};
use std::ops::Range;
use std::path::Path;

pub(super) static FORMAT: Format =
    Format { name: "csv", summary: "Rows of a label and the pixels of a square gray image", recognize, open };

/// What a row of names starts with, in either case.
const HEADERS: [&str; 4] = ["label", "labels", "class", "target"];

/// Bytes of the longest row: the label and four digits for each of 4,096 x 4,096 pixels.
const LONGEST_ROW: usize = 64 << 20;

/// Rows between two places that are noted.
const STRIDE: usize = 256;

fn recognize(probe: &mut Probe) -> Evidence {
    let Probe::File { head, .. } = probe else { return Evidence::None };
    let text = head.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'));
    let mut fields = head.split(|&byte| byte == b',');
    let first = fields.next().unwrap_or_default();
    if text && fields.next().is_some() && (number::<u32>(first).is_some() || is_header(first)) {
        Evidence::Fits
    } else {
        Evidence::None
    }
}

fn open(path: &Path, _: Split) -> Result<Dataset, DataError> {
    let storage = Storage::File(path.to_owned());
    let source = Source::new(storage.clone())?;
    let file = source.to_string();
    // No quotes: they could make the rest of the file one field, and numbers have none.
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).quoting(false).trim(Trim::All).buffer_capacity(64 << 10);
    let mut reader = builder.from_reader(Lines::new(source.into_reader(), LONGEST_ROW));
    let Index { labels, side, marks } = Index::new(&file, &mut reader)?;
    let rows = Rows { file, reader, pixels: side * side, next: labels.len(), marks };
    Ok(Dataset::new(Origin::at(path, [storage]), [1, side, side], PixelKind::Bytes, labels, rows))
}

fn number<T: std::str::FromStr>(field: &[u8]) -> Option<T> {
    std::str::from_utf8(field).ok()?.trim().parse().ok()
}

fn is_header(field: &[u8]) -> bool {
    let field = field.trim_ascii();
    let bare = field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\"")).unwrap_or(field);
    HEADERS.iter().any(|header| bare.eq_ignore_ascii_case(header.as_bytes()))
}

/// What one pass over a file finds out.
struct Index {
    labels: Vec<u32>,
    side: usize,
    /// Where samples 0, `STRIDE`, and so on begin.
    marks: Vec<u64>,
}

impl Index {
    fn new(file: &str, rows: &mut Reader<Lines<SourceReader>>) -> Result<Index, DataError> {
        let mut index = Index { labels: Vec::new(), side: 0, marks: Vec::new() };
        let mut fields = None;
        let mut row = ByteRecord::new();
        while rows.read_byte_record(&mut row).map_err(|error| failed(file, error))? {
            let first = row.get(0).unwrap_or_default();
            if fields.replace(fields.unwrap_or(row.len())).is_none() && is_header(first) {
                continue;
            }
            let (line, byte) = row.position().map_or((0, 0), |position| (position.line(), position.byte()));
            let Some(label) = number(first) else {
                let found = format!("{:?} first in line {line}", String::from_utf8_lossy(first));
                let expected = "a label, a whole number from 0 (a header line starts with 'label')";
                return Err(DataError::content(file, found, expected));
            };
            if fields != Some(row.len()) {
                let expected = format!("{} as in the first", fields.unwrap_or(0));
                return Err(DataError::content(file, format!("{} fields in line {line}", row.len()), expected));
            }
            if index.labels.len().is_multiple_of(STRIDE) {
                index.marks.push(byte);
            }
            index.labels.push(label);
        }
        let pixels = fields.unwrap_or(0).saturating_sub(1);
        index.side = pixels.isqrt();
        if index.labels.is_empty() {
            return Err(DataError::content(file, "no rows of numbers", "a label and its pixels in each"));
        }
        if pixels == 0 || index.side * index.side != pixels {
            let expected = "a label and the pixels of a square gray image, such as 785 for 28 x 28";
            return Err(DataError::content(file, format!("{} fields a row", pixels + 1), expected));
        }
        Ok(index)
    }
}

struct Rows {
    file: String,
    reader: Reader<Lines<SourceReader>>,
    pixels: usize,
    marks: Vec<u64>,
    /// The sample that the reader stands at.
    next: usize,
}

impl Rows {
    /// Brings the reader to a sample, over the place noted last before it unless it is nearer already.
    fn go_to(&mut self, sample: usize, row: &mut ByteRecord) -> Result<(), DataError> {
        let mark = sample / STRIDE;
        if !(mark * STRIDE..=sample).contains(&self.next) {
            let mut position = Position::new();
            position.set_byte(self.marks[mark]);
            self.reader.seek(position).map_err(|error| failed(&self.file, error))?;
            self.next = mark * STRIDE;
        }
        while self.next < sample {
            self.read_row(row)?;
        }
        Ok(())
    }

    fn read_row(&mut self, row: &mut ByteRecord) -> Result<(), DataError> {
        self.reader.read_byte_record(row).map_err(|error| failed(&self.file, error))?;
        if row.len() != self.pixels + 1 {
            let found = format!("{} fields in sample {}", row.len(), self.next);
            return Err(DataError::content(&self.file, found, format!("{}", self.pixels + 1)));
        }
        self.next += 1;
        Ok(())
    }
}

impl ReadPixels for Rows {
    fn read(&mut self, samples: Range<usize>) -> Result<Pixels, DataError> {
        let mut row = ByteRecord::new();
        self.go_to(samples.start, &mut row)?;
        let mut pixels = Vec::new();
        for sample in samples {
            self.read_row(&mut row)?;
            for (column, field) in row.iter().enumerate().skip(1) {
                let pixel = number(field).ok_or_else(|| {
                    let field = String::from_utf8_lossy(field);
                    let found = format!("{field:?} in column {} of sample {sample}", column + 1);
                    DataError::content(&self.file, found, "a pixel from 0 to 255")
                });
                pixels.push(pixel?);
            }
        }
        Ok(Pixels::Bytes(pixels))
    }
}

fn failed(file: &str, error: ::csv::Error) -> DataError {
    DataError::io(file, error.into())
}
