//! What must not outlive the process: pending files and folders, processes that it has started.
//!
//! Whoever makes such a thing keeps a [`Pending`] beside it, which knows how to undo it. Usually that never
//! runs: things are finished or dropped. A signal that ends the process calls [`undo_all`] first.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

type Undo = Box<dyn Fn() + Send>;

/// How to undo what is pending, the oldest first.
static PENDING: Mutex<BTreeMap<u64, Undo>> = Mutex::new(BTreeMap::new());

/// Something pending. Declare it after what it stands for, so that it is dropped later.
#[derive(Debug)]
pub(crate) struct Pending(u64);

impl Pending {
    /// Makes something, together with what undoes it; no moment lies between its making and its listing.
    ///
    /// # Errors
    /// As `make` has them.
    pub fn new<T>(make: impl FnOnce() -> io::Result<(T, Undo)>) -> io::Result<(T, Pending)> {
        let mut pending = pending();
        let (made, undo) = make()?;
        let id = pending.last_key_value().map_or(0, |(last, _)| last + 1);
        pending.insert(id, undo);
        Ok((made, Pending(id)))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        pending().remove(&self.0);
    }
}

fn pending() -> MutexGuard<'static, BTreeMap<u64, Undo>> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Undoes all that is pending, the newest first, in a process that is about to end: whoever makes or
/// finishes such a thing waits from then on.
#[cfg(feature = "cli")]
pub fn undo_all() {
    let pending = pending();
    pending.values().rev().for_each(|undo| undo());
    std::mem::forget(pending);
}
