//! Numbers in text: comma, semicolon or white space between them, a line a row or all in a stream.
//! Spreadsheets and data frames add the operands as labels; these are recognized and used as stated.

use super::{Contents, Entries, Format, FormatError, MAX_ENTRIES, labels, layout, matrix};
use crate::integer::IntegerType;
use crate::lut::Lut;
use crate::lut::metadata::Fields;
use crate::lut::reading::PartialReading;
use crate::registry::Named;

/// Text files; all are read alike and differ in how they are written.
pub struct Text {
    name: &'static str,
    extensions: &'static [&'static str],
    separator: &'static str,
}

/// The most labels of rows and columns, with a corner.
const MAX_LABELS: usize = 2 * 256 + 1;

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
        let mut numbers = numbers(text.trim_start_matches('\u{feff}'))?;
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

/// The numbers of a text, line by line.
pub(super) struct Numbers {
    pub values: Vec<i128>,
    /// How many numbers each line has that has any.
    pub rows: Vec<usize>,
    /// The first field with its line when it is no number: the corner of a table with labels.
    pub corner: Option<(usize, String)>,
}

fn numbers(text: &str) -> Result<Numbers, FormatError> {
    let mut numbers = Numbers { values: Vec::new(), rows: Vec::new(), corner: None };
    for (number, line) in (1..).zip(text.lines()) {
        let before = numbers.values.len();
        for field in line.split([',', ';', ' ', '\t']).map(str::trim).filter(|field| !field.is_empty()) {
            match integer(field) {
                Some(value) => numbers.values.push(value),
                None if numbers.values.is_empty() && numbers.corner.is_none() => {
                    numbers.corner = Some((number, shorten(field)));
                }
                None => return Err(FormatError::Number { line: number, field: shorten(field) }),
            }
            if numbers.values.len() > MAX_ENTRIES + MAX_LABELS {
                return Err(FormatError::Shape { found: format!("more than {MAX_ENTRIES} entries") });
            }
        }
        if numbers.values.len() > before {
            numbers.rows.push(numbers.values.len() - before);
        }
    }
    Ok(numbers)
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
