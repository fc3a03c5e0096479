//! LaTeX: tables in the manner of booktabs, which a paper takes in by `\input`.
//!
//! What is written is whole by itself: text is escaped to ASCII or to what every engine's default encoding has, and
//! needs `\usepackage{booktabs}` alone.

use super::document::Document;
use super::{Exporter, Printable, Section, Style};
use crate::registry::Named;

#[derive(Debug)]
pub(super) struct Latex;

impl Named for Latex {
    fn name(&self) -> &'static str {
        "latex"
    }

    fn summary(&self) -> &'static str {
        "Tables for papers, with \\usepackage{booktabs}"
    }
}

impl Exporter for Latex {
    fn extensions(&self) -> &'static [&'static str] {
        &["tex"]
    }

    fn render(&self, document: &Printable, _: Style) -> Vec<u8> {
        let title = escaped(&document.title());
        let head = format!(
            "% Needs \\usepackage{{booktabs}}. To number and name a table, put it into an environment:\n\
             % \\begin{{table}} \\centering \\caption{{{title}}} \\label{{tab:{}}} ... \\end{{table}}\n",
            label(&document.title())
        );
        let sections: Vec<String> = document.sections().iter().map(render).collect();
        (head + &sections.join("\n\\medskip\n\n")).into_bytes()
    }
}

/// Width that prose is broken at, of that of the text.
const PROSE: &str = "p{0.6\\linewidth}";

/// Characters from which on a cell is prose.
const LONG: usize = 48;

fn render(section: &Section) -> String {
    let columns = section.rows.iter().map(Vec::len).chain([section.header.len()]).max().unwrap_or(0);
    let is_long = |i: usize| section.rows.iter().filter_map(|row| row.get(i)).any(|cell| cell.chars().count() > LONG);
    let alignment = |i: usize| match i {
        i if section.numeric.contains(&i) => "r",
        i if is_long(i) => PROSE,
        _ => "l",
    };
    let line = |cells: &[String]| {
        let cells = (0..columns).map(|i| cells.get(i).map(|cell| escaped(cell)).unwrap_or_default());
        format!("{} \\\\\n", cells.collect::<Vec<_>>().join(" & "))
    };
    let title = section.title.iter().map(|title| format!("\\noindent {}\\par\\smallskip\n", escaped(title)));
    let alignments = format!("@{{}}{}@{{}}", (0..columns).map(alignment).collect::<String>());
    let header = (!section.header.is_empty()).then(|| line(&section.header) + "\\midrule\n");
    let start = format!("\\noindent\\begin{{tabular}}{{{alignments}}}\n\\toprule\n");
    let table = [start].into_iter().chain(header).chain(section.rows.iter().map(|row| line(row)));
    title.chain(table).chain(["\\bottomrule\n\\end{tabular}\\par\n".to_owned()]).collect()
}

/// A label of letters, digits and hyphens.
fn label(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

/// Text that LaTeX sets as it is. A cell that begins with a bracket would be taken for an option of the line break
/// before it, and hyphens for dashes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for (i, c) in text.chars().enumerate() {
        match c {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '|' => escaped.push_str("\\textbar{}"),
            '`' => escaped.push_str("\\textasciigrave{}"),
            '-' if is_minus(text, i) => escaped.push_str("$-$"),
            '-' if text.chars().nth(i + 1) == Some('-') => escaped.push_str("-{}"),
            '[' if i == 0 => escaped.push_str("{[}"),
            '*' if i == 0 => escaped.push_str("{*}"),
            '…' => escaped.push_str("\\ldots{}"),
            'µ' | 'μ' => escaped.push_str("$\\mu$"),
            '×' => escaped.push_str("$\\times$"),
            '±' => escaped.push_str("$\\pm$"),
            '#' | '$' | '%' | '&' | '_' | '{' | '}' => escaped.extend(['\\', c]),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Whether the hyphen at character `i` is the sign of a number.
fn is_minus(text: &str, i: usize) -> bool {
    let before = i.checked_sub(1).and_then(|i| text.chars().nth(i));
    before.is_none_or(|c| c == ' ' || c == '(') && text.chars().nth(i + 1).is_some_and(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use proptest::prelude::*;

    #[test]
    fn tables_have_rules_and_alignments() {
        let mut section = Section::pairs([("model", "lenet5".to_owned())]);
        let expected = "\\noindent\\begin{tabular}{@{}ll@{}}\n\\toprule\nmodel & lenet5 \\\\\n\\bottomrule\n\
                        \\end{tabular}\\par\n";
        assert_eq!(render(&section), expected);
        section.header = vec!["a".to_owned(), "b_c".to_owned()];
        section.numeric = vec![1];
        let text = render(&section);
        assert!(text.contains("{@{}lr@{}}") && text.contains("a & b\\_c \\\\\n\\midrule\n"), "{text}");
    }

    #[test]
    fn text_stays_text() {
        let cases = [
            ("mul8u_1JFF", "mul8u\\_1JFF"),
            ("50 % & more", "50 \\% \\& more"),
            ("-0.30 to -0.10", "$-$0.30 to $-$0.10"),
            ("drum-6", "drum-6"),
            ("--costs", "-{}-costs"),
            ("a\\b^c~d", "a\\textbackslash{}b\\textasciicircum{}c\\textasciitilde{}d"),
            ("[1, 2]", "{[}1, 2]"),
            ("{x} < #1 $", "\\{x\\} \\textless{} \\#1 \\$"),
        ];
        for_each_case(cases, |(text, expected)| assert_eq!(escaped(text), expected));
    }

    /// TeX's own rules of where text ends: nothing that is not behind a backslash or in math is special.
    fn is_inert(tex: &str) -> bool {
        let (mut chars, mut depth) = (tex.chars().peekable(), 0i32);
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some('#' | '$' | '%' | '&' | '_' | '{' | '}') => {}
                    Some(c) if c.is_ascii_alphabetic() => {
                        while chars.next_if(char::is_ascii_alphabetic).is_some() {}
                        if chars.next_if_eq(&'{').is_none() || chars.next_if_eq(&'}').is_none() {
                            return false;
                        }
                    }
                    _ => return false,
                },
                '{' => depth += 1,
                '}' => depth -= 1,
                '$' => {
                    let math: String = chars.by_ref().take_while(|&c| c != '$').collect();
                    if !["-", "\\mu", "\\times", "\\pm"].contains(&math.as_str()) {
                        return false;
                    }
                }
                '#' | '%' | '&' | '_' | '^' | '~' => return false,
                _ => {}
            }
            if depth < 0 {
                return false;
            }
        }
        depth == 0
    }

    proptest! {
        #[test]
        fn no_text_is_a_command(text in "[ -~µ×…é]{0,40}") {
            prop_assert!(is_inert(&escaped(&text)), "{}", escaped(&text));
        }
    }
}
