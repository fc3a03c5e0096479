//! Which output positions stand for all.

use std::ops::Range;

/// The most positions of a layer.
const MOST: usize = 2048;

/// The fewest, of layers that have so many.
const FEWEST: usize = 256;

/// Products that the positions of a layer come to, between these bounds: what a table costs to predict.
const PRODUCTS: usize = 1 << 25;

/// Some of the output positions of all samples, spread evenly: one at a random place of each of as many equal parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sampling {
    /// Samples that are seen.
    samples: u64,
    /// Positions wanted.
    wanted: usize,
}

impl Sampling {
    /// Of a layer with that many products at each position.
    pub fn new(samples: u64, products: usize) -> Self {
        let wanted = (PRODUCTS / products.max(1)).clamp(FEWEST, MOST) / FEWEST * FEWEST;
        Sampling { samples, wanted }
    }

    /// The positions in `samples`, each of which has `per_sample`: by number, and by place from the first one of
    /// `samples` on. All of them where they are no more than wanted.
    pub fn places(&self, samples: &Range<u64>, per_sample: usize) -> Vec<(usize, usize)> {
        let (all, first) =
            (u128::from(self.samples) * per_sample as u128, u128::from(samples.start) * per_sample as u128);
        let parts = all.min(self.wanted as u128);
        let end = u128::from(samples.end) * per_sample as u128;
        let place = |part: u128| {
            // Below `all`: where every position is a part, none moves.
            let offset = (u128::from(mixed(part as u64)) * all) >> 64;
            (part * all + offset) / parts
        };
        let inside = (0..parts).map(|part| (part, place(part))).filter(|(_, place)| (first..end).contains(place));
        inside.map(|(part, place)| (part as usize, (place - first) as usize)).collect()
    }
}

/// A number whose bits look random: the finalizer of SplitMix64.
fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_positions_are_all_taken() {
        let sampling = Sampling::new(3, 1 << 20);
        let found: Vec<_> = [0..1, 1..3].iter().flat_map(|samples| sampling.places(samples, 4)).collect();
        let expected = (0..12).map(|number| (number, if number < 4 { number } else { number - 4 }));
        assert_eq!(found, expected.collect::<Vec<_>>());
    }

    /// Whatever batches they come in, each in its own part of all.
    #[test]
    fn many_are_spread_evenly() {
        let (sampling, per_sample) = (Sampling::new(100, 1 << 16), 1000);
        let whole = sampling.places(&(0..100), per_sample);
        assert_eq!(whole.len(), 512);
        let part = 100_000.0 / 512.0;
        let is_inside = |&(number, place): &(usize, usize)| {
            let (number, place) = (number as f64, place as f64);
            place > number * part - 1.0 && place < (number + 1.0) * part
        };
        assert!(whole.iter().all(is_inside));
        let batches = [0..64, 64..100];
        let parts = batches.iter().flat_map(|batch| {
            let first = batch.start as usize * per_sample;
            sampling.places(batch, per_sample).into_iter().map(move |(number, place)| (number, first + place))
        });
        assert_eq!(parts.collect::<Vec<_>>(), whole);
    }

    #[test]
    fn products_bound_the_positions() {
        let wanted = [1, 1 << 15, 1 << 20].map(|products| Sampling::new(1, products).wanted);
        assert_eq!(wanted, [MOST, 1024, FEWEST]);
    }
}
