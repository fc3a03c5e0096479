//! Memory that a thread keeps from layer to layer.

use super::{dots, look_ups};
use std::cell::Cell;

/// What a thread computes with.
#[derive(Default)]
pub(super) struct Workspace {
    pub integers: dots::Memory<i32>,
    pub reals: dots::Memory<f32>,
    pub look_ups: look_ups::Memory,
    /// Numbers of a block of positions.
    pub numbers: Vec<f32>,
    /// And their bytes.
    pub bytes: Vec<u8>,
}

thread_local! {
    static WORKSPACE: Cell<Workspace> = Cell::default();
}

/// Calls `body` with this thread's memory.
pub(super) fn with_workspace<R>(body: impl FnOnce(&mut Workspace) -> R) -> R {
    // Taken, not borrowed: rayon may run another task on a thread that waits for tasks of its own.
    let mut workspace = WORKSPACE.take();
    let result = body(&mut workspace);
    WORKSPACE.set(workspace);
    result
}
