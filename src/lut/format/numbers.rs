//! The integers of a text in rows, before anything is known of what they are: labels or products.

use super::{FormatError, MAX_ENTRIES};

/// The most numbers of a text: two operands and a product for every entry.
const MAX_NUMBERS: usize = 3 * MAX_ENTRIES;

/// The numbers of a text, line by line.
pub(super) struct Numbers {
    pub values: Vec<i128>,
    /// The count of numbers in each line that has any.
    pub rows: Vec<usize>,
    /// Fields of the first line that are not numbers: the corner of a table with labels, or names of columns.
    pub names: Vec<String>,
    /// The line that has them.
    pub line: usize,
}

impl Numbers {
    /// Splits a text at commas, semicolons and white space.
    pub fn parse(text: &str) -> Result<Numbers, FormatError> {
        let mut numbers = Numbers { values: Vec::new(), rows: Vec::new(), names: Vec::new(), line: 0 };
        for (number, line) in (1..).zip(text.lines()) {
            let before = numbers.values.len();
            for field in fields(without_comment(line)) {
                match integer(field) {
                    Some(value) => numbers.values.push(value),
                    None if numbers.values.is_empty() && (numbers.names.is_empty() || numbers.line == number) => {
                        numbers.names.push(shorten(field));
                        numbers.line = number;
                    }
                    None => return Err(FormatError::Number { line: number, field: shorten(field) }),
                }
                if numbers.values.len() > MAX_NUMBERS {
                    return Err(FormatError::Shape { found: format!("more than {MAX_ENTRIES} entries") });
                }
            }
            if numbers.values.len() > before {
                numbers.rows.push(numbers.values.len() - before);
            }
        }
        Ok(numbers)
    }

    /// Fails where the first line has a field that is not a number.
    pub fn check_names(&self) -> Result<(), FormatError> {
        match self.names.first() {
            None => Ok(()),
            Some(field) => Err(FormatError::Number { line: self.line, field: field.clone() }),
        }
    }
}

/// Whether text looks like numbers: all of its lines, but for comments and a first line of names.
pub(super) fn looks_like(text: &str) -> bool {
    let lines = text.lines().map(without_comment).filter(|line| fields(line).next().is_some());
    let number = |c: char| c.is_ascii_whitespace() || c.is_ascii_digit() || "+-.,;eE".contains(c);
    let mut lines = lines.map(|line| line.chars().all(number)).enumerate().peekable();
    lines.peek().is_some() && {
        let (mut found, mut all) = (0, true);
        for (place, is_numbers) in lines {
            found += usize::from(is_numbers);
            all &= is_numbers || place == 0;
        }
        found > 0 && all
    }
}

/// A line up to what `#` or `//` begins; nothing of one that begins with `;` and has more than numbers, since
/// semicolons stand between numbers too.
fn without_comment(line: &str) -> &str {
    let end = line.find('#').into_iter().chain(line.find("//")).min().unwrap_or(line.len());
    let line = &line[..end];
    let is_comment = line.trim_start().starts_with(';') && fields(line).any(|field| integer(field).is_none());
    if is_comment { "" } else { line }
}

fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.split([',', ';', ' ', '\t']).map(str::trim).filter(|field| !field.is_empty())
}

/// An integer, also one written in hexadecimal behind `0x`, or as a float, as `numpy.savetxt` does.
fn integer(field: &str) -> Option<i128> {
    let hexadecimal = || {
        let digits = field.strip_prefix("0x").or_else(|| field.strip_prefix("0X"))?;
        u64::from_str_radix(digits, 16).ok().map(i128::from)
    };
    field.parse().ok().or_else(hexadecimal).or_else(|| whole(field.parse().ok()?))
}

/// A float that is a whole number, exactly.
pub(super) fn whole(value: f64) -> Option<i128> {
    #[expect(clippy::cast_possible_truncation, reason = "integral and below 2^53")]
    (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i128)
}

fn shorten(field: &str) -> String {
    field.chars().take(20).collect()
}
