//! JSON: all of a document, for programs.

use super::{Document, Exporter};
use crate::registry::Named;

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

    fn export(&self, document: &dyn Document, _: bool) -> Vec<u8> {
        let mut text =
            serde_json::to_vec_pretty(&document.json()).expect("a JSON value has no other keys than strings");
        text.push(b'\n');
        text
    }
}
