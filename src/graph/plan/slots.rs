//! Places in memory, shared by values that are not needed at the same time.

use super::value::{Kept, KeptKind};
use crate::layer::Form;

/// Kinds of memory: tensors, numbers, bytes and words, each with places of its own.
pub const KINDS: usize = 4;

/// The kind of memory that something is kept in.
pub fn kind(kept: &KeptKind) -> usize {
    match kept {
        KeptKind::Tensor => 0,
        KeptKind::Images(images) => match images.form {
            Form::Reals => 1,
            Form::Bytes(_) => 2,
            Form::Words(_) => 3,
        },
    }
}

/// Gives everything that is kept a place, the first that is free from its first step to its last.
pub fn assign(kept: &mut [Kept]) {
    let mut order: Vec<usize> = (0..kept.len()).collect();
    order.sort_by_key(|&i| kept[i].steps);
    // The last step that reads each place.
    let mut places: [Vec<usize>; KINDS] = Default::default();
    for i in order {
        let Kept { kind: of, steps: [first, last], .. } = &kept[i];
        let places = &mut places[kind(of)];
        // What a step reads must not lie where it writes.
        let free = places.iter().position(|until| until < first);
        let slot = free.unwrap_or(places.len());
        if free.is_none() {
            places.push(*last);
        } else {
            places[slot] = *last;
        }
        kept[i].slot = slot;
    }
}
