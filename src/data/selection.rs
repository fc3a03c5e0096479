//! Which samples of a dataset are read: all, the first ones, or some that are drawn at random.
//!
//! The first samples of a set that is sorted by class are of few classes. A draw follows from its seed alone, on every
//! machine: a partial Fisher-Yates shuffle of the indices `0..N`. With `N` samples, the draw `i` (from 0) picks one
//! of the `N - i` places that are left, `i + w % (N - i)`, where `w` is the next 64-bit word of
//! `ChaCha8Rng::seed_from_u64(seed)` (words past the last whole multiple of `N - i` are passed over), takes the
//! index there, and leaves the one of place `i` in its stead. So the draw of fewer samples is part of the draw of
//! more. What was drawn is read in the order of the dataset.
//!
//! Samples can be read in [parts](Parts) besides: those of each part, and only these, in the order of the dataset.

use super::Split;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// Which samples of a dataset are read. The default is all of them.
///
/// ```
/// use approx_eval::data::{Selection, Split};
///
/// assert_eq!(Selection::from(Some(3)).of(5), [0, 1, 2]);
/// let drawn = Selection::drawn(Some(3), 7, Split::Test).of(1000);
/// assert_eq!(drawn.len(), 3);
/// assert!(drawn.is_sorted() && drawn != [0, 1, 2]);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Selection {
    limit: Option<usize>,
    draw: Option<Draw>,
    /// The first place among these samples that is read, and the one after the last.
    part: Option<[usize; 2]>,
    parts: Option<Parts>,
}

/// Three parts of the samples that are read, one after the other: some that are drawn at random, more of these, and
/// those that are left. So the first two are as mixed as all are, whatever the order of the set, and what is found on
/// them can be confirmed on the third.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Samples of the first part, and of the first two together.
    pub ends: [usize; 2],
    /// Seed of the draw.
    pub seed: u64,
}

impl Parts {
    /// `indices` in the order of the parts: a draw of places among them, as for samples, on stream 2 of the generator.
    fn order(self, indices: &[usize]) -> Vec<usize> {
        let [first, both] = self.ends.map(|end| end.min(indices.len()));
        let mut places = Draw { seed: self.seed, stream: 2 }.places(both.max(first), indices.len());
        places[..first].sort_unstable();
        places[first..].sort_unstable();
        let mut is_drawn = vec![false; indices.len()];
        places.iter().for_each(|&place| is_drawn[place] = true);
        places.extend((0..indices.len()).filter(|&place| !is_drawn[place]));
        places.into_iter().map(|place| indices[place]).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Draw {
    seed: u64,
    stream: u64,
}

impl From<Option<usize>> for Selection {
    /// That many of the first samples; all without a limit.
    fn from(limit: Option<usize>) -> Self {
        Selection { limit, ..Selection::default() }
    }
}

impl Selection {
    /// As many samples as `limit` says, drawn by `seed`; all, in their order, where that is no fewer than there are.
    /// The generator's stream is 0 for [`Split::Test`] and 1 for [`Split::Train`], so that a set which is
    /// evaluated and one that is calibrated on are drawn independently.
    pub fn drawn(limit: Option<usize>, seed: u64, split: Split) -> Self {
        let stream = match split {
            Split::Test => 0,
            Split::Train => 1,
        };
        Selection { limit, draw: Some(Draw { seed, stream }), ..Selection::default() }
    }

    /// The same samples, read in `parts`.
    #[must_use]
    pub fn in_parts(self, parts: Parts) -> Self {
        Selection { parts: Some(parts), ..self }
    }

    /// Those at some places among the samples that it selects, in the order that they are read in; places beyond the
    /// last are passed over.
    ///
    /// ```
    /// use approx_eval::data::Selection;
    ///
    /// assert_eq!(Selection::from(Some(5)).part(3..9).of(100), [3, 4]);
    /// ```
    #[must_use]
    pub fn part(self, places: Range<usize>) -> Self {
        Selection { part: Some([places.start, places.end]), ..self }
    }

    /// The indices of the samples that are read of a dataset of `all` samples, in the order that they are read in: an
    /// increasing one, but for parts.
    pub fn of(&self, all: usize) -> Vec<usize> {
        self.indices(all).at(0..self.count(all))
    }

    /// How many samples of a dataset of `all` samples are read.
    pub fn count(&self, all: usize) -> usize {
        self.places(all).len()
    }

    /// The places that are read among the samples that are selected.
    fn places(&self, all: usize) -> Range<usize> {
        let selected = self.limit.unwrap_or(all).min(all);
        let [start, end] = self.part.unwrap_or([0, selected]);
        start.min(selected)..end.clamp(start.min(selected), selected)
    }

    /// Those of `labels`, which are of all samples of a dataset, that are of the samples read.
    pub fn labels<'l>(&self, labels: &'l [u32]) -> Cow<'l, [u32]> {
        match self.indices(labels.len()) {
            Indices::Consecutive(places) => Cow::Borrowed(&labels[places]),
            Indices::Drawn(drawn) => Cow::Owned(drawn.into_iter().map(|sample| labels[sample]).collect()),
        }
    }

    /// The seed of the draw, where one is asked for.
    pub fn seed(&self) -> Option<u64> {
        self.draw.map(|draw| draw.seed)
    }

    pub(super) fn indices(&self, all: usize) -> Indices {
        let (places, selected) = (self.places(all), self.limit.unwrap_or(all).min(all));
        let drawn = self.draw.filter(|_| selected < all).map(|draw| draw.draw(selected, all));
        let listed = match self.parts {
            Some(parts) => Some(parts.order(&drawn.unwrap_or_else(|| (0..selected).collect()))),
            None => drawn,
        };
        match listed {
            Some(listed) => Indices::Drawn(if places.len() < selected { listed[places].to_vec() } else { listed }),
            None => Indices::Consecutive(places),
        }
    }
}

impl Draw {
    /// `count` of the indices `0..all`, in increasing order.
    fn draw(self, count: usize, all: usize) -> Vec<usize> {
        let mut drawn = self.places(count, all);
        drawn.sort_unstable();
        drawn
    }

    /// The same in the order that they are drawn in, in memory that grows with `count` alone.
    fn places(self, count: usize, all: usize) -> Vec<usize> {
        let mut words = ChaCha8Rng::seed_from_u64(self.seed);
        words.set_stream(self.stream);
        // The indices at the places that do not have their own any more.
        let mut moved: HashMap<usize, usize> = HashMap::new();
        (0..count)
            .map(|i| {
                let place = i + below(&mut words, (all - i) as u64) as usize;
                let index_of = |place: usize| moved.get(&place).copied().unwrap_or(place);
                let (picked, left) = (index_of(place), index_of(i));
                moved.insert(place, left);
                picked
            })
            .collect()
    }
}

/// A number below `bound`, each as likely as any other.
fn below(words: &mut ChaCha8Rng, bound: u64) -> u64 {
    // Words that the last, incomplete multiple of `bound` has.
    let beyond = (u64::MAX % bound + 1) % bound;
    loop {
        let word = words.next_u64();
        if word <= u64::MAX - beyond {
            return word % bound;
        }
    }
}

/// Indices in the order that they are read in.
#[derive(Debug)]
pub(super) enum Indices {
    /// These, one after another.
    Consecutive(Range<usize>),
    /// Some, increasing within each part.
    Drawn(Vec<usize>),
}

impl Indices {
    pub fn len(&self) -> usize {
        match self {
            Indices::Consecutive(places) => places.len(),
            Indices::Drawn(drawn) => drawn.len(),
        }
    }

    /// The indices at some positions.
    pub fn at(&self, positions: Range<usize>) -> Vec<usize> {
        match self {
            Indices::Consecutive(places) => (places.start + positions.start..places.start + positions.end).collect(),
            Indices::Drawn(drawn) => drawn[positions].to_vec(),
        }
    }
}

/// Ranges of consecutive indices.
pub(super) fn runs(indices: &[usize]) -> impl Iterator<Item = Range<usize>> {
    indices.chunk_by(|a, b| a + 1 == *b).map(|run| run[0]..run[0] + run.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The shuffle as textbooks have it, over all indices.
    fn whole_shuffle(count: usize, all: usize, seed: u64, stream: u64) -> Vec<usize> {
        let mut words = ChaCha8Rng::seed_from_u64(seed);
        words.set_stream(stream);
        let mut indices: Vec<usize> = (0..all).collect();
        for i in 0..count {
            // No word of these seeds lies past the last multiple.
            indices.swap(i, i + (words.next_u64() % (all - i) as u64) as usize);
        }
        let mut drawn = indices[..count].to_vec();
        drawn.sort_unstable();
        drawn
    }

    #[test]
    fn draws_are_those_of_a_whole_shuffle() {
        for (count, all) in [(1, 2), (3, 5), (10, 11), (50, 1000), (999, 1000)] {
            for seed in [0, 1, u64::MAX] {
                for (stream, split) in [(0, Split::Test), (1, Split::Train)] {
                    let drawn = Selection::drawn(Some(count), seed, split).of(all);
                    assert_eq!(drawn, whole_shuffle(count, all, seed, stream), "{count} of {all}, seed {seed}");
                }
            }
        }
    }

    #[test]
    fn a_draw_of_fewer_is_part_of_one_of_more() {
        let draw = |count| Selection::drawn(Some(count), 3, Split::Test).of(200).into_iter().collect::<BTreeSet<_>>();
        assert!(draw(20).is_subset(&draw(60)));
        assert_eq!(draw(60).len(), 60);
    }

    /// Each index is drawn about as often as any other: 2,000 draws of 5 of 20 draw each 500 times, with a standard
    /// deviation of `sqrt(2000 * 0.25 * 0.75)`, 19.4.
    #[test]
    fn draws_are_even() {
        let mut counts = [0u32; 20];
        for seed in 0..2000 {
            Selection::drawn(Some(5), seed, Split::Test).of(20).into_iter().for_each(|i| counts[i] += 1);
        }
        assert!(counts.iter().all(|&count| count.abs_diff(500) < 5 * 20), "{counts:?}");
    }

    #[test]
    fn parts_are_of_what_is_selected() {
        for selection in [Selection::default(), Selection::from(Some(40)), Selection::drawn(Some(40), 5, Split::Test)] {
            let whole = selection.of(100);
            for places in [0..7, 7..40, 39..40, 40..40] {
                let part = selection.part(places.clone());
                assert_eq!(part.of(100), whole[places.clone()]);
                assert_eq!(part.count(100), places.len());
                let labels: Vec<u32> = (0..100).collect();
                assert!(part.labels(&labels).iter().map(|&label| label as usize).eq(part.of(100)));
            }
            assert_eq!(selection.part(30..1000).of(100), whole[30..]);
            assert_eq!(selection.part(1000..2000).of(100), [0; 0]);
        }
    }

    /// The first part is a draw, the first two are the draw of more, and all three are every sample once.
    #[test]
    fn parts_are_draws() {
        let parts = |ends| Selection::from(Some(90)).in_parts(Parts { ends, seed: 5 }).of(100);
        let found = parts([20, 50]);
        assert!(found[..20].is_sorted() && found[20..50].is_sorted() && found[50..].is_sorted());
        assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), (0..90).collect());
        assert_eq!(found[..20], whole_shuffle(20, 90, 5, 2));
        let both: BTreeSet<usize> = found[..50].iter().copied().collect();
        assert!(both.iter().copied().eq(whole_shuffle(50, 90, 5, 2)));
        assert_eq!(
            Selection::from(Some(90)).in_parts(Parts { ends: [20, 50], seed: 5 }).part(50..90).of(100),
            found[50..]
        );
        // Ends beyond the samples, or out of order, leave less for later parts.
        assert_eq!((parts([200, 300]), parts([50, 20])), ((0..90).collect(), parts([50, 50])));
        // Of drawn samples, places are drawn.
        let drawn = Selection::drawn(Some(30), 1, Split::Test);
        let found = drawn.in_parts(Parts { ends: [10, 20], seed: 5 });
        assert_eq!(found.of(100).into_iter().collect::<BTreeSet<_>>(), drawn.of(100).into_iter().collect());
        let labels: Vec<u32> = (0..100).collect();
        assert!(found.labels(&labels).iter().map(|&label| label as usize).eq(found.of(100)));
    }

    #[test]
    fn limits() {
        assert_eq!(Selection::default().of(3), [0, 1, 2]);
        for limit in [Some(3), Some(9), None] {
            assert_eq!(Selection::drawn(limit, 1, Split::Test).of(3), [0, 1, 2]);
        }
        assert_eq!(Selection::from(Some(0)).of(3), [0; 0]);
        assert_eq!(*Selection::from(Some(2)).labels(&[7, 8, 9]), [7, 8]);
        let labels: Vec<u32> = (100..200).collect();
        let drawn = Selection::drawn(Some(9), 1, Split::Train);
        assert!(drawn.labels(&labels).iter().map(|&label| label as usize - 100).eq(drawn.of(100)));
        let found: Vec<_> = runs(&[0, 1, 2, 5, 7, 8]).collect();
        assert_eq!(found, [0..3, 5..6, 7..9]);
    }
}
