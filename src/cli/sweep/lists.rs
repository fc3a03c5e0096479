//! Several values in one text.

use std::path::Path;

/// The parts between the commas of `text`, but for those in braces and brackets, which are parts of globs.
pub(super) fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0usize, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The same, unless a file or folder has the whole for its name.
pub(super) fn split_unless_file(text: &str) -> Vec<&str> {
    if Path::new(text).exists() { vec![text] } else { split(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn commas_in_braces_are_parts_of_globs() {
        let cases: [(&str, &[&str]); 6] = [
            ("a", &["a"]),
            ("a,b", &["a", "b"]),
            ("group:{a,b},each", &["group:{a,b}", "each"]),
            ("x[a,b]y,,z", &["x[a,b]y", "", "z"]),
            ("a}b,c", &["a}b", "c"]),
            ("{a{b,c},d},e", &["{a{b,c},d}", "e"]),
        ];
        for_each_case(cases, |(text, expected)| assert_eq!(split(text), expected));
        assert_eq!(split_unless_file("Cargo.toml,a"), ["Cargo.toml", "a"]);
        assert_eq!(split_unless_file("Cargo.toml"), ["Cargo.toml"]);
    }
}
