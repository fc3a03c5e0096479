//! Tables for people.

use super::document::Document;
use super::{Exporter, Printable, Section};
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

    fn render(&self, document: &Printable, color: bool) -> Vec<u8> {
        let sections: Vec<String> = document.sections().iter().map(|section| render(section, color)).collect();
        sections.join("\n").into_bytes()
    }
}

fn render(section: &Section, color: bool) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    let emphasized = |text: &str| {
        let cell = Cell::new(text);
        if color { cell.add_attribute(Attribute::Bold) } else { cell }
    };
    if !section.header.is_empty() {
        table.set_header(section.header.iter().map(|name| emphasized(name)));
    }
    for row in &section.rows {
        let pairs = section.header.is_empty();
        let cell = |(i, text): (usize, &String)| if pairs && i == 0 { emphasized(text) } else { Cell::new(text) };
        table.add_row(row.iter().enumerate().map(cell));
    }
    for &column in &section.numeric {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    section.title.iter().map(|title| format!("{title}\n")).chain(lines).collect()
}
