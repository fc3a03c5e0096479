//! JSON: all of a document, for programs.

use super::document::Document;
use super::{Exporter, Printable, Style};
use crate::printable::is_control;
use crate::registry::Named;
use std::borrow::Cow;
use std::fmt::Write;

#[derive(Debug)]
pub(super) struct Json;

impl Named for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn summary(&self) -> &'static str {
        "Everything, for programs"
    }
}

impl Exporter for Json {
    fn extensions(&self) -> &'static [&'static str] {
        &["json"]
    }

    fn render(&self, document: &Printable, _: Style) -> Vec<u8> {
        let text = serde_json::to_string_pretty(&document.json()).expect("a JSON value has no other keys than strings");
        let mut bytes = escaped(&text).into_owned().into_bytes();
        bytes.push(b'\n');
        bytes
    }
}

/// JSON's own rules let some control characters through, all of them in strings: their escapes mean the same.
fn escaped(json: &str) -> Cow<'_, str> {
    let is_harmful = |c: char| is_control(c) && c != '\n';
    if !json.contains(is_harmful) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_harmful(c) {
            // All of them are of the basic plane: one unit of UTF-16.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_mean_the_same() {
        let value = serde_json::json!({"a\u{9b}": "\u{1b}[1m\u{7f}\u{202e}é\n", "b": [1, "\u{2028}"]});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = escaped(&text);
        assert!(text.contains(|c| is_control(c) && c != '\n') && !shown.contains(|c| is_control(c) && c != '\n'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
