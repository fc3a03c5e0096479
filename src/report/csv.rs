//! CSV: a document's records, for spreadsheets.

use super::document::Document;
use super::{Exporter, Printable, Style};
use crate::registry::Named;

#[derive(Debug)]
pub(super) struct Csv;

impl Named for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn summary(&self) -> &'static str {
        "One record a row, for spreadsheets"
    }
}

impl Exporter for Csv {
    fn extensions(&self) -> &'static [&'static str] {
        &["csv"]
    }

    fn render(&self, document: &Printable, _: Style) -> Vec<u8> {
        let records = document.records();
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in std::iter::once(&records.header).chain(&records.rows) {
            writer.write_record(row).expect("records have as many fields as the header, and memory does not fail");
        }
        writer.into_inner().expect("memory does not fail")
    }
}
