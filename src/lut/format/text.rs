//! Numbers in text: comma, semicolon or white space between them, a line a row or all in a stream.
//! Spreadsheets and data frames add the operands as labels, testbenches print them on every line; both are
//! recognized and used as stated. Lines of comments begin with `#`, `//` or `;`.

use super::numbers::{self, Numbers};
use super::{Contents, Entries, Format, FormatError, MAX_ENTRIES, labels, layout, matrix, triples};
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
        // The last line may have been cut.
        let head = &bytes[..bytes.len().min(4096)];
        std::str::from_utf8(head).is_ok_and(numbers::looks_like)
    }

    fn read(&self, bytes: &[u8]) -> Result<Contents, FormatError> {
        let text = std::str::from_utf8(bytes).map_err(|error| FormatError::Broken(format!("not a text: {error}")))?;
        let mut numbers = Numbers::parse(text.trim_start_matches('\u{feff}'))?;
        let mut stated = PartialReading::default();
        if triples::recognizes(&numbers) {
            (numbers, stated) = triples::arrange(&numbers)?;
        } else if let Some(labeled) = labels::strip(&numbers) {
            (numbers, stated) = labeled;
        }
        numbers.check_names()?;
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
