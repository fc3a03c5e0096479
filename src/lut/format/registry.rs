//! The registry of LUT file formats, and which of them a file has.

use super::{Format, c, memh, npy, raw, safetensors, text};
use crate::lut::Lut;
use crate::registry::Registry;
use std::path::Path;

/// Every format. The first that recognizes its bytes reads a file of unknown extension.
pub static FORMATS: Registry<&dyn Format> = Registry::new(
    "LUT file format",
    &[&npy::Npy, &safetensors::Safetensors, &text::CSV, &text::TEXT, &memh::Memh, &c::C, &raw::Raw],
);

/// The format that files with `path`'s extension have.
pub fn by_extension(path: &Path) -> Option<&'static dyn Format> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    FORMATS.iter().copied().find(|format| format.extensions().contains(&extension.as_str()))
}

/// The format that `bytes` look like; raw entries when like nothing else.
pub fn by_contents(bytes: &[u8]) -> &'static dyn Format {
    FORMATS.iter().copied().find(|format| format.recognizes(bytes)).unwrap_or(&raw::Raw)
}

/// The names of all formats, for messages.
pub(in crate::lut) fn format_names() -> String {
    FORMATS.names().collect::<Vec<_>>().join(", ")
}

/// The bytes of the native format, which the hash of a computed table is taken of.
pub(in crate::lut) fn native_bytes(lut: &Lut) -> Vec<u8> {
    safetensors::bytes(lut)
}
