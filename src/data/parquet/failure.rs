//! What the parser makes of damaged files, as errors that name the file.
//!
//! The parser is another crate's, which returns errors for most damage but panics at some. A panic is
//! caught and becomes an error, of which its message on standard error would only be a worse copy. The
//! hook that prints messages is the whole process's: it is wrapped once, and leaves out panics of a
//! thread that is within [`guarded`]; all others go to the hook that was there.

use crate::data::DataError;
use ::parquet::errors::ParquetError;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::Path;
use std::sync::Once;

thread_local! {
    /// Whether this thread is within [`guarded`].
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs the parser on `file`; a panic is an error of the file.
pub(super) fn guarded<T>(file: &Path, parse: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    static WRAPPED: Once = Once::new();
    WRAPPED.call_once(|| {
        let print = take_hook();
        set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                print(panic);
            }
        }));
    });
    GUARDED.set(true);
    let parsed = catch_unwind(AssertUnwindSafe(parse));
    GUARDED.set(false);
    parsed.unwrap_or_else(|_| {
        Err(DataError::content(file.display(), "damage at which its parser panicked", "an intact Parquet file"))
    })
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
    DataError::content(file.display(), format!("damage ({error})"), "an intact Parquet file")
}
