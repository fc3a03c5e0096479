//! The integers of a text in rows, before anything is known of what they are: labels or products.

use super::{FormatError, MAX_ENTRIES};

/// The most labels of rows and columns, with a corner.
const MAX_LABELS: usize = 2 * 256 + 1;

/// The numbers of a text, line by line.
pub(super) struct Numbers {
    pub values: Vec<i128>,
    /// The count of numbers in each line that has any.
    pub rows: Vec<usize>,
    /// The first field and its line, when it is not a number: the corner of a table with labels.
    pub corner: Option<(usize, String)>,
}

impl Numbers {
    /// Splits a text at commas, semicolons and white space.
    pub fn parse(text: &str) -> Result<Numbers, FormatError> {
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
