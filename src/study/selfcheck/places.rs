//! Which outputs of a layer are recomputed: those where loops begin and end, and some in between.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Outputs that are drawn beside those at the ends.
const DRAWN: usize = 40;

/// Up to about a hundred places among the outputs of `[images, outputs, height, width]`: the first, the last and a
/// middle one along each axis, in all combinations of those that ends make interesting, and others drawn at random, the
/// same ones each time.
pub fn places([images, outputs, height, width]: [usize; 4]) -> Vec<usize> {
    let all = images * outputs * height * width;
    let ends = |size: usize| [0, size / 2, size.saturating_sub(1)];
    let mut places = Vec::new();
    if all == 0 {
        return places;
    }
    for image in [0, images - 1] {
        for output in ends(outputs) {
            for [y, x] in [[0, 0], [0, width - 1], [height - 1, 0], [height - 1, width - 1], [height / 2, width / 2]] {
                places.push(((image * outputs + output) * height + y) * width + x);
            }
        }
    }
    let mut rng = ChaCha8Rng::seed_from_u64(all as u64);
    places.extend((0..DRAWN).map(|_| rng.random_range(0..all)));
    places.sort_unstable();
    places.dedup();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_among_them() {
        let found = places([2, 3, 4, 5]);
        assert!(found.contains(&0) && found.contains(&(2 * 3 * 4 * 5 - 1)) && found.len() > 50);
        assert!(found.iter().all(|&place| place < 120) && found.is_sorted());
        assert_eq!(places([1, 1, 1, 1]), [0]);
        assert_eq!(places([1, 0, 3, 3]), [0; 0]);
    }
}
