//! Paths in an experiment file, which are relative to its folder.

use std::ffi::OsString;
use std::path::{Path, is_separator};

/// What is a file's path or a name, as a file in `folder` states it: a path if such a file is in the folder, or
/// if it can be nothing else.
pub fn file_or_name(folder: &Path, text: &str) -> OsString {
    let path = Path::new(text);
    // Ranges such as drum-{3..7} have points, and braces are no part of an extension.
    let plain = without_braces(text);
    let has_extension = Path::new(&plain).extension().is_some();
    let is_path = || text.contains(is_separator) || has_extension || folder.join(path).exists();
    // '-' is standard input.
    if text != "-" && !text.is_empty() && is_path() { folder.join(path).into_os_string() } else { text.into() }
}

/// A text without what stands in braces.
fn without_braces(text: &str) -> String {
    let mut depth = 0;
    let is_outside = |c: &char| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => return depth == 0,
        }
        false
    };
    text.chars().filter(is_outside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn names_stay_and_paths_move() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("drum-3"), "").unwrap();
        let cases = [
            ("drum-6", "drum-6", false),
            ("-", "-", false),
            ("", "", false),
            ("mul8.bin", "mul8.bin", true),
            ("a/mul8", "a/mul8", true),
            ("drum-3", "drum-3", true),
            ("drum-{3..7}", "drum-{3..7}", false),
            ("mul_{3..7}.bin", "mul_{3..7}.bin", true),
            ("drum-*", "drum-*", false),
        ];
        for_each_case(cases, |(text, expected, moves)| {
            let expected = if moves { folder.path().join(expected) } else { expected.into() };
            assert_eq!(file_or_name(folder.path(), text), expected.into_os_string());
        });
        assert_eq!(file_or_name(folder.path(), "/a/b.bin"), "/a/b.bin");
        assert_eq!(file_or_name(Path::new(""), "a.bin"), "a.bin");
    }
}
