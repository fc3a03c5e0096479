//! Tables for people, as wide as their terminal.
//!
//! No line is longer than [`Style::width`]. Values of pairs and columns of prose are broken at words, names are
//! shortened in the middle, and columns that do not fit beside the others follow in a table of their own below,
//! behind the names once more; numbers stay whole.

use super::document::Document;
use super::fit::{shorten, width, wrap};
use super::{Exporter, Printable, Section, Style};
use crate::registry::Named;
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, presets};

#[derive(Debug)]
pub(super) struct Table;

impl Named for Table {
    fn name(&self) -> &'static str {
        "table"
    }

    fn summary(&self) -> &'static str {
        "Aligned columns for people"
    }
}

impl Exporter for Table {
    fn extensions(&self) -> &'static [&'static str] {
        &["txt"]
    }

    fn render(&self, document: &Printable, style: Style) -> Vec<u8> {
        let sections: Vec<String> = document.sections().iter().map(|section| render(section, style)).collect();
        sections.join("\n").into_bytes()
    }
}

/// Columns between two others.
const GAP: usize = 2;

/// Columns that names are not shortened below for the sake of another column: a coding's name is not.
const SHORTEST_NAME: usize = 14;

/// Names among which those that stay apart are looked for.
const MANY: usize = 1000;

/// Columns that prose is not broken below.
const SHORTEST_LINE: usize = 24;

fn render(section: &Section, style: Style) -> String {
    let title = section.title.iter().flat_map(|title| wrap(title, style.width));
    let title: String = title.map(|line| if style.color { bold(&line) } else { line } + "\n").collect();
    let blocks = if section.header.is_empty() { vec![pairs(section, style)] } else { columns(section, style) };
    title + &blocks.join("\n")
}

/// A line in bold, as comfy-table has its cells.
fn bold(line: &str) -> String {
    format!("\u{1b}[1m{line}\u{1b}[0m")
}

/// A table of pairs, whose values continue below where they begin.
fn pairs(section: &Section, style: Style) -> String {
    let names = section.rows.iter().map(|row| width(&row[0])).max().unwrap_or(0);
    let columns = style.width.saturating_sub(names + GAP).max(SHORTEST_LINE);
    let rows = section.rows.iter().map(|row| vec![row[0].clone(), wrap(&row[1], columns).join("\n")]);
    let mut table = start(style);
    for row in rows {
        let cells = row.iter().enumerate();
        table.add_row(cells.map(|(i, text)| cell(text, style.color && i == 0)).collect::<Vec<_>>());
    }
    finish(table, &[])
}

/// A column of a section, and how narrow it can be.
struct Column<'a> {
    header: &'a str,
    cells: Vec<&'a str>,
    is_numeric: bool,
    /// Whether some of its cells are more than a word, which are broken between words.
    is_prose: bool,
    /// Its width where there is room.
    natural: usize,
    /// Its width where there is none.
    least: usize,
}

impl<'a> Column<'a> {
    fn new(section: &'a Section, i: usize, columns: usize) -> Self {
        let (header, is_numeric) = (section.header[i].as_str(), section.numeric.contains(&i));
        let cells: Vec<&str> = section.rows.iter().map(|row| row.get(i).map_or("", String::as_str)).collect();
        let widest = cells.iter().map(|cell| width(cell)).max().unwrap_or(0);
        let (natural, word) = (widest.max(width(header)), longest_word(header));
        let is_prose = !is_numeric && widest > SHORTEST_LINE && cells.iter().any(|cell| cell.contains(' '));
        let least = if is_numeric {
            widest.max(word)
        } else if is_prose {
            widest.min(SHORTEST_LINE).max(word)
        } else {
            let most = widest.min((columns / 2).max(SHORTEST_NAME));
            let stays_apart = |&least: &usize| cells.len() <= MANY && shorten(&cells, least).1;
            (widest.min(SHORTEST_NAME)..most).find(stays_apart).unwrap_or(most).max(word)
        };
        Column { header, cells, is_numeric, is_prose, natural, least: least.min(natural) }
    }

    /// The header and the cells in `columns` columns.
    fn fitted(&self, columns: usize) -> (String, Vec<String>) {
        let header = wrap(self.header, columns).join("\n");
        let cells = if self.is_numeric {
            self.cells.iter().map(|&cell| cell.to_owned()).collect()
        } else if self.is_prose {
            self.cells.iter().map(|cell| wrap(cell, columns).join("\n")).collect()
        } else {
            shorten(&self.cells, columns).0
        };
        (header, cells)
    }
}

fn longest_word(text: &str) -> usize {
    text.split(' ').map(width).max().unwrap_or(0)
}

/// A table of columns, in as many blocks as the width asks for.
fn columns(section: &Section, style: Style) -> Vec<String> {
    let shown = (0..section.header.len()).filter(|i| style.details || !section.details.contains(i));
    let columns: Vec<Column> = shown.map(|i| Column::new(section, i, style.width)).collect();
    let Some((first, others)) = columns.split_first() else { return Vec::new() };
    // The narrowest names make the fewest blocks.
    let mut blocks: Vec<Vec<&Column>> = vec![Vec::new()];
    let mut used = first.least;
    for column in others {
        if used + GAP + column.least > style.width && blocks.last().is_some_and(|block| !block.is_empty()) {
            blocks.push(Vec::new());
            used = first.least;
        }
        used += GAP + column.least;
        blocks.last_mut().expect("there is a block from the beginning").push(column);
    }
    let room = |block: &Vec<&Column>| style.width.saturating_sub(block.iter().map(|column| GAP + column.least).sum());
    // Names have the same width in all blocks.
    let names = blocks.iter().map(room).min().unwrap_or(style.width).clamp(first.least, first.natural);
    let render = |block: &Vec<&Column>| render_block(first, names, block, style);
    blocks.iter().map(render).collect()
}

/// Columns side by side, the room that is left given to those that could use it, from the left.
fn render_block(first: &Column, names: usize, others: &[&Column], style: Style) -> String {
    let mut left = style.width.saturating_sub(names + others.iter().map(|column| GAP + column.least).sum::<usize>());
    let widths = others.iter().map(|column| {
        let more = left.min(column.natural - column.least);
        left -= more;
        (*column, column.least + more)
    });
    let columns: Vec<(&Column, usize)> = std::iter::once((first, names)).chain(widths).collect();
    let (header, cells): (Vec<String>, Vec<Vec<String>>) =
        columns.iter().map(|(column, columns)| column.fitted(*columns)).unzip();
    let mut table = start(style);
    if header.iter().any(|name| !name.is_empty()) {
        table.set_header(header.iter().map(|name| cell(name, style.color)));
    }
    for i in 0..first.cells.len() {
        table.add_row(cells.iter().map(|column| cell(&column[i], false)).collect::<Vec<_>>());
    }
    let numeric: Vec<usize> = (0..columns.len()).filter(|&i| columns[i].0.is_numeric).collect();
    finish(table, &numeric)
}

fn cell(text: &str, is_emphasized: bool) -> Cell {
    let cell = Cell::new(text);
    if is_emphasized { cell.add_attribute(Attribute::Bold) } else { cell }
}

fn start(style: Style) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if style.color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

fn finish(mut table: comfy_table::Table, numeric: &[usize]) -> String {
    for &column in numeric {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let last = table.column_count().saturating_sub(1);
    for (i, column) in table.column_iter_mut().enumerate() {
        // Escapes for colors would keep a gap after the last one in the line.
        column.set_padding((0, if i < last { GAP as u16 } else { 0 }));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn section(header: &[&str], rows: &[&[&str]], numeric: &[usize], details: &[usize]) -> Section {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        Section {
            title: None,
            header: texts(header),
            rows: rows.iter().map(|row| texts(row)).collect(),
            numeric: numeric.to_vec(),
            details: details.to_vec(),
        }
    }

    fn plain(width: usize) -> Style {
        Style { width, ..Style::default() }
    }

    #[test]
    fn values_continue_where_they_begin() {
        let section = Section::pairs([("note", "some words that go on".to_owned()), ("n", "1".to_owned())]);
        assert_eq!(render(&section, plain(31)), "note  some words that go on\nn     1\n");
        let lines = render(&Section::pairs([("note", "word ".repeat(12).trim().to_owned())]), plain(30));
        assert_eq!(lines, "note  word word word word word\n      word word word word word\n      word word\n");
    }

    #[test]
    fn columns_that_do_not_fit_follow_below() {
        let rows: [&[&str]; 2] = [&["conv1", "1,000", "5", "7"], &["fc", "20", "6", "8"]];
        let found = render(&section(&["layer", "products", "b", "c"], &rows, &[1, 2, 3], &[]), plain(18));
        let expected = "layer  products  b\nconv1     1,000  5\nfc           20  6\n\nlayer  c\nconv1  7\nfc     8\n";
        assert_eq!(found, expected);
    }

    #[test]
    fn headings_of_numbers_break_before_names_do() {
        let rows: [&[&str]; 1] = [&["encoder.layers.0.mlp", "0.02143", "5x5"]];
        let table = section(&["layer", "input scale", "weight"], &rows, &[1], &[2]);
        assert_eq!(
            render(&table, plain(29)),
            "layer                   input\n                        scale\nencoder.layers.0.mlp  0.02143\n"
        );
        let detailed = render(&table, Style { width: 40, details: true, ..Style::default() });
        assert!(detailed.contains("weight") && detailed.contains("5x5"), "{detailed}");
    }

    proptest! {
        /// Whatever the cells, no line is longer than the terminal is wide, and no number is cut.
        #[test]
        fn every_line_fits(
            names in prop::collection::vec("[a-z0-9._層]{1,60}", 1..8),
            words in prop::collection::vec("([a-z]{1,9} ){0,12}[a-z]{1,9}", 8),
            numbers in prop::collection::vec(-1_000_000_000i64..1_000_000_000, 8 * 9),
            details: bool,
        ) {
            let header: Vec<String> = ["layer", "summary"].into_iter().map(str::to_owned)
                .chain((0..9).map(|i| format!("number {i}"))).collect();
            let row = |(i, name): (usize, &String)| {
                [name.clone(), words[i].clone()].into_iter()
                    .chain(numbers[i * 9..][..9].iter().map(ToString::to_string)).collect::<Vec<_>>()
            };
            let rows: Vec<Vec<String>> = names.iter().enumerate().map(row).collect();
            let table = Section {
                title: Some(words.concat()), header, rows, numeric: (2..11).collect(), details: vec![4, 5],
            };
            let text = render(&table, Style { details, ..Style::default() });
            let colored = render(&table, Style { details, color: true, ..Style::default() });
            let plain = colored.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
            prop_assert!(plain.lines().all(|line| width(line) <= 80), "{plain}");
            prop_assert!(text.lines().all(|line| width(line) <= 80), "{text}");
            for (i, number) in numbers[..9 * names.len()].iter().enumerate() {
                let is_shown = details || ![2, 3].contains(&(i % 9));
                let is_there = text.split_whitespace().any(|word| word == number.to_string());
                prop_assert!(!is_shown || is_there, "{number} is not in {text}");
            }
        }
    }
}
