//! Markdown: tables that paste into a paper or a job's summary as they are.

use super::document::Document;
use super::{Exporter, Printable, Section, Style};
use crate::registry::Named;

#[derive(Debug)]
pub(super) struct Markdown;

impl Named for Markdown {
    fn name(&self) -> &'static str {
        "markdown"
    }

    fn summary(&self) -> &'static str {
        "Tables for papers and job summaries"
    }
}

impl Exporter for Markdown {
    fn extensions(&self) -> &'static [&'static str] {
        &["md", "markdown"]
    }

    fn render(&self, document: &Printable, _: Style) -> Vec<u8> {
        let title = format!("### {}\n", escaped(&document.title()));
        let sections = document.sections();
        let parts: Vec<String> = std::iter::once(title).chain(sections.iter().map(render)).collect();
        parts.join("\n").into_bytes()
    }
}

/// A table of GitHub's dialect. One of pairs has an empty header, which the dialect asks for.
fn render(section: &Section) -> String {
    let columns = section.rows.iter().map(Vec::len).chain([section.header.len()]).max().unwrap_or(0);
    let line = |cells: &[String]| {
        let cells = (0..columns).map(|i| cells.get(i).map(|cell| escaped(cell)).unwrap_or_default());
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule = (0..columns).map(|i| if section.numeric.contains(&i) { "---:" } else { "---" });
    let rule = format!("| {} |\n", rule.collect::<Vec<_>>().join(" | "));
    let title = section.title.iter().map(|title| format!("{}\n\n", escaped(title)));
    let table = [line(&section.header), rule].into_iter().chain(section.rows.iter().map(|row| line(row)));
    title.chain(table).collect()
}

/// Text that Markdown shows as it is: inside words, underscores mean nothing.
fn escaped(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let is_inner =
        |i: usize| i > 0 && chars[i - 1].is_alphanumeric() && chars.get(i + 1).is_some_and(|c| c.is_alphanumeric());
    let mut escaped = String::new();
    for (i, &c) in chars.iter().enumerate() {
        match c {
            '\r' | '\n' => escaped.push(' '),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '_' if is_inner(i) => escaped.push(c),
            '\\' | '|' | '*' | '`' | '_' | '[' | ']' | '~' | '$' => escaped.extend(['\\', c]),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn tables_of_the_dialect() {
        let mut section = Section::pairs([("model", "lenet5".to_owned())]);
        assert_eq!(render(&section), "|  |  |\n| --- | --- |\n| model | lenet5 |\n");
        section.header = vec!["a".to_owned(), "b".to_owned()];
        section.numeric = vec![1];
        section.title = Some("T".to_owned());
        assert_eq!(render(&section), "T\n\n| a | b |\n| --- | ---: |\n| model | lenet5 |\n");
    }

    #[test]
    fn text_stays_text() {
        let cases = [
            ("a|b", "a\\|b"),
            ("mul8u_1JFF", "mul8u_1JFF"),
            ("_init_ x", "\\_init\\_ x"),
            ("<b> & *", "&lt;b> &amp; \\*"),
            ("two\nlines", "two lines"),
        ];
        for_each_case(cases, |(text, expected)| {
            assert_eq!(escaped(text), expected);
        });
    }
}
