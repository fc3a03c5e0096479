//! C headers and sources: an array's initializer, and what comments state about the multiplier.

use super::{Contents, Entries, Format, FormatError, MAX_ENTRIES, layout, matrix};
use crate::integer::IntegerType;
use crate::lut::Lut;
use crate::lut::c_source::{comment_fields, split_comments};
use crate::lut::fields::lut_fields;
use crate::lut::reading::PartialReading;
use crate::registry::Named;
use std::fmt::Write;

/// `.h` and `.c` files. Of several initializers the longest is the table.
pub struct C;

impl Named for C {
    fn name(&self) -> &'static str {
        "c"
    }
}

impl Format for C {
    fn extensions(&self) -> &'static [&'static str] {
        &["h", "c", "hpp", "cpp", "inc"]
    }

    fn recognizes(&self, bytes: &[u8]) -> bool {
        std::str::from_utf8(bytes).is_ok_and(|text| text.contains('{') && text.contains('='))
    }

    fn read(&self, bytes: &[u8]) -> Result<Contents, FormatError> {
        let text = String::from_utf8_lossy(bytes);
        let (code, comments) = split_comments(&text);
        let Initializer { values, rows } = longest(&code)?;
        Ok(Contents {
            shape: matrix(&rows, values.len())?,
            entries: Entries::Numbers { values, entry: None },
            fields: comment_fields(&comments),
        })
    }

    fn write(&self, lut: &Lut, stated: &PartialReading) -> Result<Vec<u8>, FormatError> {
        let (entry, index) = layout(self.name(), lut, stated, &[IntegerType::U16, IntegerType::I16, IntegerType::I32])?;
        let mut text = String::from("/*\n");
        for (key, value) in lut_fields(lut, index) {
            // Nothing in a value may end the comment.
            let value = value.replace("*/", "* /").replace(['\n', '\r'], " ");
            let _ = writeln!(text, " * {key} = {value}");
        }
        let name: String = lut.name().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let kind = format!("{}int{}", if entry.is_signed() { "" } else { "u" }, 8 * entry.size());
        let [rows, columns] = lut.bits().map(crate::lut::Bits::values);
        let _ = writeln!(text, " */\n#include <stdint.h>\n\nstatic const {kind}_t lut_{name}[{rows}][{columns}] = {{");
        let entries: Vec<i32> = lut.entries(index).collect();
        for row in entries.chunks(columns) {
            let row = row.iter().map(i32::to_string).collect::<Vec<_>>().join(", ");
            let _ = writeln!(text, "  {{ {row} }},");
        }
        text.push_str("};\n");
        Ok(text.into_bytes())
    }
}

struct Initializer {
    values: Vec<i128>,
    /// The lengths of rows, one for all when there are no inner braces.
    rows: Vec<usize>,
}

/// The initializer with the most numbers. Others may be of texts; one that breaks off counts only
/// when there is no better one.
fn longest(code: &str) -> Result<Initializer, FormatError> {
    let none = "no array with an initializer (a C function that multiplies is tabulated by 'approx-eval lut from-c')";
    let mut found = Err(FormatError::Broken(none.to_owned()));
    let mut from = 0;
    let mut is_first = true;
    while let Some(start) = next_initializer(code, from) {
        from = start + 1;
        match parse(code, start) {
            Ok((initializer, end)) => {
                from = end;
                if found.as_ref().map_or(0, |found: &Initializer| found.values.len()) < initializer.values.len() {
                    found = Ok(initializer);
                }
            }
            Err(error) if is_first => found = Err(error),
            Err(_) => {}
        }
        is_first = false;
    }
    found
}

/// Where the next `= {` after `from` opens its brace.
fn next_initializer(code: &str, from: usize) -> Option<usize> {
    code[from..].match_indices('{').map(|(at, _)| from + at).find(|&at| code[..at].trim_end().ends_with('='))
}

/// Reads the initializer whose brace is at `start`, to where it ends.
fn parse(code: &str, start: usize) -> Result<(Initializer, usize), FormatError> {
    let (mut values, mut rows) = (Vec::new(), Vec::new());
    let (mut depth, mut row_start) = (0, 0);
    let mut at = start;
    loop {
        let rest = &code[at..];
        let Some(next) = rest.chars().next() else {
            return Err(FormatError::Broken("an initializer without its closing brace".to_owned()));
        };
        match next {
            '{' => {
                depth += 1;
                row_start = values.len();
                at += 1;
            }
            '}' => {
                depth -= 1;
                at += 1;
                if values.len() > row_start {
                    rows.push(values.len() - row_start);
                    row_start = values.len();
                }
                if depth == 0 {
                    return Ok((Initializer { values, rows }, at));
                }
            }
            c if c.is_whitespace() || c == ',' => at += c.len_utf8(),
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || ",{}".contains(c)).unwrap_or(rest.len());
                let literal = &rest[..end];
                values.push(integer(literal).ok_or_else(|| FormatError::Number {
                    line: code[..at].lines().count().max(1),
                    field: literal.chars().take(20).collect(),
                })?);
                if values.len() > MAX_ENTRIES {
                    return Err(FormatError::Shape { found: format!("more than {MAX_ENTRIES} entries") });
                }
                at += end;
            }
        }
    }
}

/// A C integer literal with an optional sign: decimal, octal or hexadecimal, suffixed or not.
fn integer(literal: &str) -> Option<i128> {
    let (negative, magnitude) = match literal.strip_prefix('-') {
        Some(magnitude) => (true, magnitude),
        None => (false, literal.strip_prefix('+').unwrap_or(literal)),
    };
    let lower = magnitude.to_ascii_lowercase();
    let digits = lower.trim_end_matches(['u', 'l']);
    let value = if let Some(hexadecimal) = digits.strip_prefix("0x") {
        u64::from_str_radix(hexadecimal, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        u64::from_str_radix(digits, 8)
    } else {
        digits.parse()
    };
    let value = i128::from(value.ok().filter(|_| digits.starts_with(|c: char| c.is_ascii_digit()))?);
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use crate::lut::Bits;

    fn values(source: &str) -> Vec<i128> {
        match C.read(source.as_bytes()).unwrap().entries {
            Entries::Numbers { values, .. } => values,
            _ => unreachable!("C arrays are numbers"),
        }
    }

    #[test]
    fn initializers_in_their_many_forms() {
        let table: Vec<i128> = (0..4).flat_map(|a| (0..4).map(move |b| a * b)).collect();
        let cases = [
            "int t[4][4] = {{0,0,0,0},{0,1,2,3},{0,2,4,6},{0,3,6,9}};",
            "const uint8_t t[16]={0,0,0,0, 0,1,2,3, 0,2,4,6, 0,3,6,9,};",
            "int n[] = {1};\nconst char *names[] = {\"a\"};\nint t[4][4] =\n{ /* row {0} */ {0u,0x0,00,0L},{0,1,2,3},{0,2,04,6},{0,3,6,0x9}, };",
        ];
        for_each_case(cases, |source| {
            assert_eq!(values(source), table, "{source}");
        });
        let bits = Bits::try_from(2).unwrap();
        assert_eq!(C.read(b"x = {{0,0,0,0},{0,1,2,3},{0,2,4,6},{0,3,6,9}}").unwrap().shape, Some([bits; 2]));
    }

    #[test]
    fn broken_sources_are_refused() {
        let cases = [
            ("int f(void) { return 0; }", "no array"),
            ("int t[] = { 1, 2", "closing brace"),
            ("int t[] = {\n1, two }", "line 2: 'two'"),
            ("int t[] = { 1, 2, 3 };", "expected a power of two"),
            ("int t[] = { -x };", "'-x'"),
        ];
        for_each_case(cases, |(source, expected)| {
            let error = C.read(source.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{source}: {error}");
        });
    }
}
