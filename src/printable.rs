//! Text from files, as it may be shown.
//!
//! Names of layers, classes and files are anybody's: they may hold escapes that a terminal obeys, line
//! breaks that forge a line of a report, or a megabyte of letters. Where text leaves the program, it goes
//! through [`printable`], and messages through [`shortened`] as well.

use serde::Serializer;
use std::borrow::Cow;
use std::error::Error;
use std::path::Path;

/// `text` with its control characters as `\u{1b}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if is_control(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Whether a character is an instruction to whoever shows it: those of ASCII and Unicode, separators of lines,
/// and those that turn the direction of writing.
pub fn is_control(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

/// An error and all that caused it, in a line.
pub fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |error| Error::source(*error));
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Text of a message: each word, then all of it, not longer than people read. Names are cut, what stands between
/// them stays.
pub fn shortened(text: &str) -> Cow<'_, str> {
    const LONGEST_WORD: usize = 300;
    const LONGEST: usize = 2000;
    if text.len() <= LONGEST_WORD {
        return Cow::Borrowed(text);
    }
    let words = text.split_inclusive(char::is_whitespace).map(|word| cut(word, LONGEST_WORD));
    Cow::Owned(cut(&words.collect::<String>(), LONGEST).into_owned())
}

/// `text`, of which an ellipsis replaces the middle where it is longer than `most` bytes: it begins with what
/// it is about, and ends with the fix.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(most * 2 / 3);
    let start = text.ceil_char_boundary(text.len() - most / 3);
    Cow::Owned(format!("{}…{}", &text[..end], &text[start..]))
}

/// Paths in reports are text: what is not UTF-8 in them becomes `U+FFFD`, as on a terminal.
///
/// # Errors
/// As the serializer has them.
pub(crate) fn serialize_path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use proptest::prelude::*;

    #[test]
    fn control_characters_are_shown_and_all_others_stay() {
        let cases = [
            ("conv1 é ü 層 \\n", "conv1 é ü 層 \\n"),
            ("a\u{1b}[31mb", "a\\u{1b}[31mb"),
            ("a\nb\tc\rd\0", "a\\nb\\tc\\rd\\u{0}"),
            ("\u{9b}1m\u{7f}", "\\u{9b}1m\\u{7f}"),
            ("exe\u{202e}gnp", "exe\\u{202e}gnp"),
        ];
        for_each_case(cases, |(text, expected)| {
            assert_eq!(printable(text), expected);
        });
    }

    #[test]
    fn long_names_leave_the_rest_of_a_message() {
        let name = "x".repeat(1 << 20);
        let message = format!("f.onnx: layer '{name}' is not in {name}: expected conv1");
        let shown = shortened(&message);
        assert!(shown.starts_with("f.onnx: layer 'xxx") && shown.ends_with("xxx: expected conv1"));
        assert!(shown.contains("xxx' is not in xxx") && shown.len() < 700, "{shown}");
        assert!(shortened(&"a name ".repeat(1 << 20)).len() < 2010);
    }

    proptest! {
        #[test]
        fn long_text_keeps_its_ends(text in ".{0,90}", most in 9usize..60) {
            let shown = cut(&text, most);
            if text.len() <= most {
                prop_assert_eq!(shown, text.as_str());
            } else {
                let (start, end) = shown.split_once('…').unwrap();
                prop_assert!(text.starts_with(start) && text.ends_with(end) && start.len() + end.len() <= most);
            }
            prop_assert!(!printable(&text).contains(is_control));
        }
    }
}
