//! Panics of other crates' decoders, as errors.
//!
//! Decoders of images, archives and arrays return errors for most damage but panic at some. A panic within
//! [`guarded`] is caught and becomes an error, of which its message on standard error would only be a worse
//! copy. The hook that prints messages is the whole process's: it is wrapped once, and leaves out panics
//! of a thread that is within [`guarded`]; all others go to the hook that was there.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether this thread is within [`guarded`].
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// A decoder panicked: what it was given is damaged in a way that it does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("damage that its decoder does not expect ({message})")]
pub struct Panicked {
    message: String,
}

/// Runs a decoder, and catches its panics.
///
/// # Errors
/// When it panics.
pub fn guarded<T>(decode: impl FnOnce() -> T) -> Result<T, Panicked> {
    static WRAPPED: Once = Once::new();
    WRAPPED.call_once(|| {
        let print = take_hook();
        set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                print(panic);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    let decoded = catch_unwind(AssertUnwindSafe(decode));
    GUARDED.set(outer);
    decoded.map_err(|panic| Panicked { message: message(&*panic).to_owned() })
}

/// What a panic said.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied()).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_are_errors_also_of_calls_within_calls() {
        assert_eq!(guarded(|| 5), Ok(5));
        let index = std::hint::black_box(3);
        let inner = guarded(|| (guarded(|| [1, 2][index]).unwrap_err(), GUARDED.get())).unwrap();
        assert!(inner.0.to_string().contains("out of bounds") && inner.1, "{inner:?}");
        assert!(guarded(|| panic!("because")).is_err_and(|error: Panicked| error.message == "because"));
        assert!(!GUARDED.get());
    }
}
