//! Places in memory, shared by values that are not needed at the same time.

use super::value::{Kept, KeptKind};
use crate::layer::Form;
use std::cmp::Reverse;

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

/// Gives everything that is kept a place, largest first: the smallest that is free from its first step to its last.
/// So what is small does not lie where there has to be room for much, while that needs another place.
pub fn assign(kept: &mut [Kept]) {
    let mut order: Vec<usize> = (0..kept.len()).collect();
    order.sort_by_key(|&i| (Reverse(size(&kept[i])), kept[i].steps));
    // The steps in which each place is in use, places from the largest to the smallest.
    let mut places: [Vec<Vec<[usize; 2]>>; KINDS] = Default::default();
    for i in order {
        let Kept { kind: of, steps, .. } = &kept[i];
        let places = &mut places[kind(of)];
        // What a step reads must not lie where it writes.
        let is_free = |uses: &Vec<[usize; 2]>| uses.iter().all(|used| used[1] < steps[0] || steps[1] < used[0]);
        let slot = places.iter().rposition(is_free).unwrap_or(places.len());
        if slot == places.len() {
            places.push(Vec::new());
        }
        places[slot].push(*steps);
        kept[i].slot = slot;
    }
}

/// Numbers or operands that a sample has; nothing is known of tensors, which bring their own memory.
fn size(kept: &Kept) -> usize {
    kept.as_images().map_or(0, |images| images.place(1).len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::ValueId;
    use crate::graph::plan::value::{ImageType, KeptImages, Order};
    use crate::kernel::ImageLayout;
    use proptest::prelude::*;

    /// Images of so many numbers a sample, in use from a step to another.
    fn kept([channels, first, last]: [usize; 3]) -> Kept {
        let ty = ImageType { per_sample: 1, size: [1, 1], channels };
        let layout = ImageLayout::plain([1, 1], channels);
        let images = KeptImages { form: Form::Reals, order: Order::ChannelsFirst, ty, layout };
        Kept { value: ValueId(0), kind: KeptKind::Images(images), slot: 0, reader: 0, steps: [first, last] }
    }

    /// The numbers of all places, each of which has room for the largest that lies there.
    fn room(kept: &[Kept]) -> usize {
        let places = 0..=kept.iter().map(|kept| kept.slot).max().unwrap_or(0);
        places.map(|slot| kept.iter().filter(|kept| kept.slot == slot).map(size).max().unwrap_or(0)).sum()
    }

    #[test]
    fn small_values_leave_large_places_to_large_ones() {
        let mut all = [[100, 0, 1], [1, 2, 5], [100, 3, 4], [2, 6, 7]].map(kept);
        assign(&mut all);
        assert_eq!(room(&all), 102);
    }

    proptest! {
        #[test]
        fn what_is_in_use_at_the_same_time_has_places_of_its_own(
            values in prop::collection::vec((1usize..9, 0usize..20, 0usize..6), 1..30),
        ) {
            let mut all: Vec<Kept> =
                values.into_iter().map(|(channels, first, steps)| kept([channels, first, first + steps])).collect();
            assign(&mut all);
            for (i, a) in all.iter().enumerate() {
                for b in &all[..i] {
                    let is_apart = a.steps[1] < b.steps[0] || b.steps[1] < a.steps[0];
                    prop_assert!(is_apart || a.slot != b.slot);
                }
            }
        }
    }
}
