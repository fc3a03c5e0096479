//! Numbers in text: comma, semicolon or white space between them, a line a row or all in a stream.
//! Spreadsheets and data frames add the operands as labels; these are recognized and used as stated.

use super::numbers::Numbers;
use super::{Contents, Entries, Format, FormatError, MAX_ENTRIES, labels, layout, matrix};
use crate::integer::IntegerType;
use crate::lut::Lut;
use crate::lut::fields::Fields;
use crate::lut::reading::PartialReading;
use crate::registry::Named;

/// Text files; all are read alike and differ in how they are written.
pub struct Text {
    name: &'static str,
    extensions: &'static [&'static str],
    separator: &'static str,
}

/// Commas between numbers.
pub static CSV: Text = Text { name: "csv", extensions: &["csv"], separator: "," };

/// White space between numbers.
pub static TEXT: Text = Text { name: "text", extensions: &["txt", "tsv"], separator: " " };

impl Named for Text {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl Format for Text {
    fn extensions(&self) -> &'static [&'static str] {
        self.extensions
    }

    fn recognizes(&self, bytes: &[u8]) -> bool {
        let number = |byte: &u8| byte.is_ascii_whitespace() || byte.is_ascii_digit() || b"+-.,;eE".contains(byte);
        !bytes.is_empty() && bytes.iter().take(4096).all(number)
    }

    fn read(&self, bytes: &[u8]) -> Result<Contents, FormatError> {
        let text = std::str::from_utf8(bytes).map_err(|error| FormatError::Broken(format!("not a text: {error}")))?;
        let mut numbers = Numbers::parse(text.trim_start_matches('\u{feff}'))?;
        let mut stated = PartialReading::default();
        match labels::strip(&numbers) {
            Some((values, orders)) => {
                numbers = values;
                stated = orders;
            }
            None => {
                if let Some((line, field)) = numbers.corner {
                    return Err(FormatError::Number { line, field });
                }
            }
        }
        let Numbers { values, rows, .. } = numbers;
        if values.len() > MAX_ENTRIES {
            return Err(FormatError::Shape { found: format!("{} entries", values.len()) });
        }
        Ok(Contents {
            shape: matrix(&rows, values.len())?,
            entries: Entries::Numbers { values, entry: None },
            fields: Fields { stated, ..Fields::default() },
        })
    }

    fn write(&self, lut: &Lut, stated: &PartialReading) -> Result<Vec<u8>, FormatError> {
        let (_, index) = layout(self.name(), lut, stated, &[IntegerType::I32])?;
        let entries: Vec<i32> = lut.entries(index).collect();
        let line = |row: &[i32]| row.iter().map(i32::to_string).collect::<Vec<_>>().join(self.separator) + "\n";
        Ok(entries.chunks(lut.bits()[1].values()).map(line).collect::<String>().into_bytes())
    }
}
