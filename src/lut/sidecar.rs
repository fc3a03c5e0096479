//! Sidecars: metadata in a file beside a table whose format has no room for it.
//!
//! A sidecar is known by its name, that of the table with `.json` in place of the extension, and by
//! its contents: a flat object. Reports and quantization parameters, which people keep under a
//! multiplier's name too, are nested objects, and so not taken for sidecars.

use super::fields::{FieldError, Fields};
use super::provenance::LutWarning;
use crate::input;
use serde_json::{Map, Value};
use std::io;
use std::path::{Path, PathBuf};

/// The largest file that is taken for a sidecar.
const MAX_SIDECAR: u64 = 1 << 20;

/// Why a sidecar cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SidecarError {
    /// The file cannot be read from disk.
    #[error("cannot read its sidecar {}", .path.display())]
    Io {
        /// The sidecar.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not a JSON object.
    #[error("its sidecar {} is not a JSON object", .path.display())]
    Json {
        /// The sidecar.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A field has an invalid value.
    #[error("its sidecar {}", .path.display())]
    Field {
        /// The sidecar.
        path: PathBuf,
        /// The field.
        #[source]
        source: FieldError,
    },
}

/// The sidecar of a table file, if there is one, and a warning of its unknown fields.
pub(super) fn read(table: &Path) -> Result<Option<(Fields, Option<LutWarning>)>, SidecarError> {
    let path = table.with_extension("json");
    if path == table || !path.metadata().is_ok_and(|found| found.is_file() && found.len() <= MAX_SIDECAR) {
        return Ok(None);
    }
    let bytes = input::peek(&path, MAX_SIDECAR).map_err(|source| SidecarError::Io { path: path.clone(), source })?;
    let object: Map<String, Value> =
        serde_json::from_slice(&bytes).map_err(|source| SidecarError::Json { path: path.clone(), source })?;
    if !is_flat(&object) {
        return Ok(None);
    }
    input::record(&path);
    let texts: Vec<(String, String)> =
        object.into_iter().filter_map(|(key, value)| Some((key, text(value)?))).collect();
    let fields = Fields::parse(texts.iter().map(|(key, value)| (key.as_str(), value.as_str())))
        .map_err(|source| SidecarError::Field { path: path.clone(), source })?;
    let keys = fields.unknown.clone();
    let unknown = (!keys.is_empty()).then_some(LutWarning::UnknownFields { path, keys });
    Ok(Some((fields, unknown)))
}

/// Whether an object is one of numbers, texts and lists of these.
fn is_flat(object: &Map<String, Value>) -> bool {
    let is_plain = |value: &Value| !value.is_object() && !value.is_array();
    object.values().all(|value| value.as_array().map_or(is_plain(value), |items| items.iter().all(is_plain)))
}

/// A JSON value as metadata's text: `[8, 4]` is `8x4`, null is nothing.
fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        Value::Array(values) => Some(values.into_iter().filter_map(text).collect::<Vec<_>>().join("x")),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(contents: &str) -> Result<Option<(Fields, Option<LutWarning>)>, SidecarError> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("mul8.json"), contents).unwrap();
        read(&directory.path().join("mul8.bin"))
    }

    #[test]
    fn only_flat_objects_are_sidecars() {
        for other in [
            r#"{"schema":1,"tool":{"name":"approx-eval"},"lut":{"name":"x","signed":true}}"#,
            r#"{"schema":1,"layers":{}}"#,
            r#"{"files":[{"path":"mul8.bin"}]}"#,
        ] {
            assert!(beside(other).unwrap().is_none(), "{other}");
        }
        let (fields, unknown) = beside(r#"{"name":"x","bits":[8,4],"mae":1.5,"area":null}"#).unwrap().unwrap();
        assert_eq!(
            (fields.name.as_deref(), fields.stated.bits.map(|bits| bits.map(u32::from))),
            (Some("x"), Some([8, 4]))
        );
        assert_eq!((fields.metadata.stated_metrics["mae"].value(), unknown), (1.5, None));
        assert!(beside(r#"{"color":"red"}"#).unwrap().unwrap().1.is_some());
    }

    #[test]
    fn bad_sidecars_are_errors() {
        for broken in ["", "[1, 2]", "{\"signed\": tru"] {
            assert!(matches!(beside(broken), Err(SidecarError::Json { .. })), "{broken}");
        }
        assert!(matches!(beside(r#"{"energy": -1}"#), Err(SidecarError::Field { .. })));
    }
}
