//! Numbers in text: comma, semicolon or white space between them, a line a row or all in a stream.

use super::{Contents, Entries, Format, FormatError, MAX_ENTRIES, layout, table_bits};
use crate::lut::Lut;
use crate::lut::metadata::Metadata;
use crate::lut::reading::{Entry, Stated};

/// `.csv` and `.txt` files.
pub struct Text;

impl Format for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["csv", "txt", "tsv"]
    }

    fn recognises(&self, bytes: &[u8]) -> bool {
        let number = |byte: &u8| byte.is_ascii_whitespace() || byte.is_ascii_digit() || b"+-.,;eE".contains(byte);
        !bytes.is_empty() && bytes.iter().take(4096).all(number)
    }

    fn read(&self, bytes: &[u8]) -> Result<Contents, FormatError> {
        let text = std::str::from_utf8(bytes).map_err(|error| FormatError::Broken(format!("not a text: {error}")))?;
        let text = text.trim_start_matches('\u{feff}');
        let mut values = Vec::new();
        let mut rows = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let before = values.len();
            for field in line.split([',', ';', ' ', '\t']).filter(|field| !field.trim().is_empty()) {
                let value = integer(field.trim());
                values.push(value.ok_or_else(|| FormatError::Number { line: number, field: shorten(field) })?);
                if values.len() > MAX_ENTRIES {
                    return Err(FormatError::Shape { found: format!("more than {MAX_ENTRIES} entries") });
                }
            }
            if values.len() > before {
                rows.push(values.len() - before);
            }
        }
        Ok(Contents {
            shape: shape(&rows, values.len())?,
            entries: Entries::Numbers { values, entry: None },
            stated: Stated::default(),
            metadata: Metadata::default(),
        })
    }

    fn write(&self, lut: &Lut, stated: &Stated) -> Result<Vec<u8>, FormatError> {
        let (_, index) = layout(self.name(), lut, stated, &[Entry::I32])?;
        let entries: Vec<i32> = lut.entries(index).collect();
        let line = |row: &[i32]| row.iter().map(i32::to_string).collect::<Vec<_>>().join(",") + "\n";
        Ok(entries.chunks(lut.bits()[1].values()).map(line).collect::<String>().into_bytes())
    }
}

/// An integer, also one written as a float, as `numpy.savetxt` does.
fn integer(field: &str) -> Option<i128> {
    field.parse().ok().or_else(|| {
        let value: f64 = field.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "integral and below 2^53")]
        (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i128)
    })
}

fn shorten(field: &str) -> String {
    field.chars().take(20).collect()
}

/// A matrix when its lines are rows of it; nothing is said by a stream, whose lines are of any length.
fn shape(rows: &[usize], entries: usize) -> Result<Option<[crate::lut::Bits; 2]>, FormatError> {
    let columns = rows.first().copied().unwrap_or(0);
    let ragged = rows.iter().position(|&row| row != columns);
    match (ragged, table_bits(rows.len(), columns)) {
        (None, Ok(bits)) => Ok(Some(bits)),
        _ if entries.is_power_of_two() && entries >= 16 => Ok(None),
        (None, Err(error)) => Err(error),
        (Some(row), _) => Err(FormatError::Broken(format!(
            "{entries} numbers in rows of {columns} and, as row {}, of {}, expected 256 x 256 numbers",
            row + 1,
            rows[row]
        ))),
    }
}
