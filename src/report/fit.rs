//! Text made to fit a number of columns: broken at words, or shortened in the middle.
//!
//! Widths are those of a terminal: a character of Chinese or Japanese takes two columns, an accent none.

use std::collections::HashSet;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands for the middle that was left out.
const ELLIPSIS: char = '…';

/// Columns that a text takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The lines of `text`, each of at most `columns` columns. Lines end between words; a word that is longer than
/// a line ends behind one of its separators where it can.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (i, mut word) in text.split(' ').enumerate() {
        if i > 0 {
            let line = lines.last_mut().expect("there is a line from the beginning");
            if width(line) + 1 + width(word) <= columns {
                line.push(' ');
            } else {
                lines.push(String::new());
            }
        }
        while width(word) > columns {
            let (start, rest) = word.split_at(break_at(word, columns));
            lines.last_mut().expect("there is a line from the beginning").push_str(start);
            lines.push(String::new());
            word = rest;
        }
        lines.last_mut().expect("there is a line from the beginning").push_str(word);
    }
    lines
}

/// Where a word of more than `columns` columns is broken: behind the last separator that leaves half a line.
fn break_at(word: &str, columns: usize) -> usize {
    let longest = prefix(word, columns).len().max(word.chars().next().map_or(0, char::len_utf8));
    let separator = |c: char| "/\\,;:=-_.".contains(c);
    let after = word[..longest].rfind(separator).map(|at| at + 1);
    after.filter(|&at| width(&word[..at]) * 2 >= columns).unwrap_or(longest)
}

/// The longest beginning of at most `columns` columns.
fn prefix(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    let end = text.char_indices().find(|(_, c)| {
        taken += c.width().unwrap_or(0);
        taken > columns
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// The longest end of at most `columns` columns.
fn suffix(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    let start = text.char_indices().rev().take_while(|(_, c)| {
        taken += c.width().unwrap_or(0);
        taken <= columns
    });
    &text[start.last().map_or(text.len(), |(at, _)| at)..]
}

/// `text` without the middle that does not fit, of whose other columns the first `head` are its beginning.
fn without_middle(text: &str, columns: usize, head: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let head = prefix(text, head.min(columns.saturating_sub(1)));
    let tail = suffix(text, columns.saturating_sub(1 + width(head)));
    format!("{head}{ELLIPSIS}{tail}")
}

/// Names that fit `columns` columns, each shortened in the middle at the same place; and whether names that
/// differ still do. Of the places that keep them apart, the first is a bit before the middle, since names of
/// layers and files end with what tells them apart.
pub(super) fn shorten(names: &[&str], columns: usize) -> (Vec<String>, bool) {
    let distinct = |shown: &[String]| {
        let pairs: HashSet<(&str, &str)> = names.iter().copied().zip(shown.iter().map(String::as_str)).collect();
        let shown: HashSet<&str> = pairs.iter().map(|(_, shown)| *shown).collect();
        pairs.len() == shown.len()
    };
    let usual = columns * 2 / 5;
    let at = |head: usize| names.iter().map(|name| without_middle(name, columns, head)).collect::<Vec<_>>();
    let heads = std::iter::once(usual).chain((0..usual).rev()).chain(usual + 1..columns);
    match heads.map(at).find(|shown| distinct(shown)) {
        Some(shown) => (shown, true),
        None => (at(usual), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use proptest::prelude::*;

    #[test]
    fn lines_end_between_words() {
        let cases: [(&str, usize, &[&str]); 6] = [
            ("", 5, &[""]),
            ("one two three", 7, &["one two", "three"]),
            ("one two three", 80, &["one two three"]),
            ("a /very/long/path/of/a/file.bin", 12, &["a", "/very/long/", "path/of/a/", "file.bin"]),
            ("abcdefghij", 4, &["abcd", "efgh", "ij"]),
            ("層層層 x", 4, &["層層", "層 x"]),
        ];
        for_each_case(cases, |(text, columns, lines)| assert_eq!(wrap(text, columns), lines));
    }

    #[test]
    fn names_lose_their_middle_and_stay_apart() {
        let (shown, apart) = shorten(&["encoder.layers.encoder_layer_0.mlp.0"], 20);
        assert_eq!((shown[0].as_str(), apart), ("encoder.…yer_0.mlp.0", true));
        let blocks: Vec<String> = (0..12).map(|i| format!("encoder.layers.encoder_layer_{i}.attention.out")).collect();
        let names: Vec<&str> = blocks.iter().map(String::as_str).collect();
        let (shown, apart) = shorten(&names, 20);
        assert!(apart && shown[11].ends_with("11.attention.out"), "{shown:?}");
        assert!(!shorten(&names, 8).1, "too short for the numbers");
        assert!(shorten(&["a", "a", "b"], 1).1, "names that are equal need not differ");
    }

    proptest! {
        #[test]
        fn wrapped_text_fits_and_is_whole(text in "[a-z層é/. ]{0,60}", columns in 2usize..20) {
            let lines = wrap(&text, columns);
            prop_assert!(lines.iter().all(|line| width(line) <= columns), "{lines:?}");
            let letters = |text: &str| text.replace(' ', "");
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }

        #[test]
        fn shortened_names_fit(names in prop::collection::vec("[a-c層é.]{0,30}", 1..6), columns in 2usize..20) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let (shown, apart) = shorten(&names, columns);
            for (name, shown) in names.iter().zip(&shown) {
                prop_assert!(width(shown) <= columns);
                let (start, end) = shown.split_once(ELLIPSIS).unwrap_or((name, ""));
                prop_assert!(name.starts_with(start) && name.ends_with(end));
            }
            for (i, a) in names.iter().enumerate() {
                for (j, b) in names.iter().enumerate().filter(|_| apart) {
                    prop_assert_eq!(a == b, shown[i] == shown[j]);
                }
            }
        }
    }
}
