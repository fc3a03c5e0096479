//! LaTeX: tables in the manner of booktabs, which a paper takes in by `\input`.
//!
//! What is written is whole by itself: text is escaped to ASCII or to what every engine's default encoding has, and
//! needs `\usepackage{booktabs}` alone. Tables fit into the text of an article: wide ones are set in a smaller size,
//! and columns that still do not fit beside the others follow in a table of their own, behind the names once more.

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

    fn render(&self, document: &Printable, style: Style) -> Vec<u8> {
        let title = escaped(&document.title());
        let head = format!(
            "% Needs \\usepackage{{booktabs}}. To number and name a table, put it into an environment:\n\
             % \\begin{{table}} \\centering \\caption{{{title}}} \\label{{tab:{}}} ... \\end{{table}}\n",
            label(&document.title())
        );
        let sections: Vec<String> = document.sections().iter().map(|section| render(section, style)).collect();
        (head + &sections.join("\n\\medskip\n\n")).into_bytes()
    }
}

/// Width that prose is broken at, of that of the text.
const PROSE: &str = "p{0.6\\linewidth}";

/// Characters from which on a cell is prose.
const LONG: usize = 48;

/// Points of the text's width in an article of 10 points, the narrowest of LaTeX's own classes.
const TEXT: f64 = 345.0;

/// A size of type: the command, points of a character (digits are wider than most letters), and points between
/// columns.
struct Size {
    command: &'static str,
    character: f64,
    gap: f64,
}

/// The sizes that are tried in turn; the first is that of the text.
const SIZES: [Size; 3] = [
    Size { command: "", character: 5.0, gap: 12.0 },
    Size { command: "\\small", character: 4.6, gap: 12.0 },
    Size { command: "\\footnotesize\\setlength{\\tabcolsep}{4pt}", character: 4.25, gap: 8.0 },
];

/// A column: which it is, how it is aligned, and the characters of its longest cell.
struct Column {
    i: usize,
    alignment: &'static str,
    characters: usize,
}

impl Column {
    fn new(section: &Section, i: usize) -> Self {
        let cells = section.rows.iter().chain([&section.header]).filter_map(|row| row.get(i));
        let characters = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        let alignment = match i {
            i if section.numeric.contains(&i) => "r",
            _ if characters > LONG => PROSE,
            _ => "l",
        };
        Column { i, alignment, characters }
    }

    fn points(&self, size: &Size) -> f64 {
        if self.alignment == PROSE { 0.6 * TEXT } else { self.characters as f64 * size.character }
    }
}

/// Points of the columns beside each other.
fn points(columns: &[&Column], size: &Size) -> f64 {
    let gaps = columns.len().saturating_sub(1) as f64 * size.gap;
    columns.iter().map(|column| column.points(size)).sum::<f64>() + gaps
}

fn render(section: &Section, style: Style) -> String {
    let all = section.rows.iter().map(Vec::len).chain([section.header.len()]).max().unwrap_or(0);
    let shown = (0..all).filter(|i| style.details || !section.details.contains(i));
    let columns: Vec<Column> = shown.map(|i| Column::new(section, i)).collect();
    let whole: Vec<&Column> = columns.iter().collect();
    let smallest = &SIZES[SIZES.len() - 1];
    let size = SIZES.iter().find(|size| points(&whole, size) <= TEXT).unwrap_or(smallest);
    let title = section.title.iter().map(|title| format!("\\noindent {}\\par\\smallskip\n", escaped(title)));
    let tables: Vec<String> = parts(&columns, size).iter().map(|part| tabular(section, part)).collect();
    let tables = tables.join("\\smallskip\n\n");
    let tables = if size.command.is_empty() { tables } else { format!("{{{}\n{tables}}}\n", size.command) };
    title.chain([tables]).collect()
}

/// The columns of each table that fits into the text: the first column, and as many others as there is room for.
fn parts<'a>(columns: &'a [Column], size: &Size) -> Vec<Vec<&'a Column>> {
    let Some((first, others)) = columns.split_first() else { return vec![Vec::new()] };
    let mut parts = vec![vec![first]];
    for column in others {
        let last = parts.last_mut().expect("there is one from the beginning");
        last.push(column);
        if last.len() > 2 && points(last, size) > TEXT {
            last.pop();
            parts.push(vec![first, column]);
        }
    }
    parts
}

fn tabular(section: &Section, columns: &[&Column]) -> String {
    let line = |cells: &[String]| {
        let cells = columns.iter().map(|column| cells.get(column.i).map(|cell| escaped(cell)).unwrap_or_default());
        format!("{} \\\\\n", cells.collect::<Vec<_>>().join(" & "))
    };
    let alignments: String = columns.iter().map(|column| column.alignment).collect();
    let header = (!section.header.is_empty()).then(|| line(&section.header) + "\\midrule\n");
    let start = format!("\\noindent\\begin{{tabular}}{{@{{}}{alignments}@{{}}}}\n\\toprule\n");
    let rows = section.rows.iter().map(|row| line(row));
    [start].into_iter().chain(header).chain(rows).chain(["\\bottomrule\n\\end{tabular}\\par\n".to_owned()]).collect()
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
        assert_eq!(render(&section, Style::default()), expected);
        section.header = vec!["a".to_owned(), "b_c".to_owned()];
        section.numeric = vec![1];
        let text = render(&section, Style::default());
        assert!(text.contains("{@{}lr@{}}") && text.contains("a & b\\_c \\\\\n\\midrule\n"), "{text}");
        section.details = vec![1];
        assert!(!render(&section, Style::default()).contains("b\\_c"));
        assert!(render(&section, Style { details: true, ..Style::default() }).contains("b\\_c"));
    }

    /// Columns of 30 digits, 150 points each, of which two fit beside a name of a letter.
    #[test]
    fn wide_tables_are_small_and_continue_below() {
        let wide = |columns: usize| Section {
            header: ["n"].into_iter().chain(std::iter::repeat_n("digits", columns)).map(str::to_owned).collect(),
            rows: vec![[vec!["x".to_owned()], vec!["0".repeat(30); columns]].concat()],
            numeric: (1..=columns).collect(),
            ..Section::default()
        };
        let cases = [(2, 1, ""), (4, 2, "\\footnotesize"), (6, 3, "\\footnotesize")];
        for_each_case(cases, |(columns, tables, size)| {
            let text = render(&wide(columns), Style::default());
            assert_eq!(text.matches("\\begin{tabular}").count(), tables, "{text}");
            assert_eq!((text.matches("x & ").count(), text.contains("\\footnotesize")), (tables, !size.is_empty()));
        });
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
