//! What the parser of Parquet files returns for damage, and where it panics, as errors that name the file.

use crate::data::DataError;
use crate::guard;
use ::parquet::errors::ParquetError;
use std::path::Path;

/// What an undamaged file is called.
const INTACT: &str = "an intact Parquet file";

/// Runs the parser on `file`; a panic is an error of the file.
pub(super) fn guarded<T>(file: &Path, parse: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    guard::guarded(parse).unwrap_or_else(|panic| Err(DataError::content(file.display(), panic.to_string(), INTACT)))
}

/// The error of `file` that the parser returned.
pub(super) fn failed(file: &Path, error: ParquetError) -> DataError {
    const DISABLED: &str = "Disabled feature at compile time: ";
    if let ParquetError::General(message) = &error
        && let Some(codec) = message.strip_prefix(DISABLED)
    {
        let expected = "pages that are uncompressed or compressed by snappy, gzip or zstd";
        return DataError::content(file.display(), format!("pages compressed by {codec}"), expected);
    }
    DataError::content(file.display(), format!("damage ({error})"), INTACT)
}
