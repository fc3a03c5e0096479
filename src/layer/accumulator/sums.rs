//! Sums of outputs side by side, one addition after the other.

use super::found::{Found, widen};
use super::setting::{AccOverflow, Accumulator};
use crate::kernel::for_simd_levels;

/// Lanes whose sums stay in registers.
const CHUNK: usize = 32;

/// An addition that comes after the products.
#[derive(Debug, Clone, Copy)]
pub enum Addition {
    /// The same to each lane.
    Constant(i64),
    /// The sum of the lane's activations times this.
    Activations(i64),
}

/// The additions to some lanes: outputs of one channel.
#[derive(Debug, Clone, Copy)]
pub struct Additions<'a> {
    /// The terms of each product's weight over all activation bytes.
    pub terms: &'a [&'a [i32; 256]],
    /// The activations of each product, a byte a lane.
    pub activations: &'a [&'a [u8]],
    /// What comes after the products, in order.
    pub after: &'a [Addition],
    /// The sum of each lane's activations.
    pub activation_sums: &'a [i64],
}

/// The sums of some lanes, whatever they become of.
trait Registers {
    /// Adds to the sum of lane `i`.
    fn add(&mut self, i: usize, term: i64);
}

/// Sums of any width, and the least and the largest that they have been.
struct Whole {
    sums: [i64; CHUNK],
    low: [i64; CHUNK],
    high: [i64; CHUNK],
}

impl Registers for Whole {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is compiled with the caller's instruction set")]
    fn add(&mut self, i: usize, term: i64) {
        let sum = self.sums[i] + term;
        self.sums[i] = sum;
        self.low[i] = self.low[i].min(sum);
        self.high[i] = self.high[i].max(sum);
    }
}

/// Sums that stay within a range, and how many additions left it.
struct Limited<const SATURATES: bool> {
    sums: [i64; CHUNK],
    left: [u64; CHUNK],
    range: [i64; 2],
}

impl<const SATURATES: bool> Limited<SATURATES> {
    fn new(range: [i64; 2]) -> Self {
        Limited { sums: [0; CHUNK], left: [0; CHUNK], range }
    }
}

impl<const SATURATES: bool> Registers for Limited<SATURATES> {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is compiled with the caller's instruction set")]
    fn add(&mut self, i: usize, term: i64) {
        // Sums that an `i64` cannot hold do not occur: those of a layer are far below.
        let sum = self.sums[i] + term;
        let [low, high] = self.range;
        let kept = if SATURATES { sum.clamp(low, high) } else { ((sum - low) & (high - low)) + low };
        self.left[i] += u64::from(kept != sum);
        self.sums[i] = kept;
    }
}

impl Additions<'_> {
    /// Adds all of it to the sums of `lanes` lanes from `first` on.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is compiled with the caller's instruction set")]
    fn add_to(&self, first: usize, lanes: usize, registers: &mut impl Registers) {
        for (terms, activations) in self.terms.iter().zip(self.activations) {
            for (i, &activation) in activations[first..first + lanes].iter().enumerate() {
                registers.add(i, i64::from(terms[usize::from(activation)]));
            }
        }
        for addition in self.after {
            match *addition {
                Addition::Constant(term) => (0..lanes).for_each(|i| registers.add(i, term)),
                Addition::Activations(factor) => {
                    let sums = &self.activation_sums[first..first + lanes];
                    sums.iter().enumerate().for_each(|(i, sum)| registers.add(i, factor * sum));
                }
            }
        }
    }
}

for_simd_levels! {
    fn add_whole(additions: &Additions, first: usize, lanes: usize, whole: &mut Whole) {
        if lanes == CHUNK { additions.add_to(first, CHUNK, whole) } else { additions.add_to(first, lanes, whole) }
    }
}

for_simd_levels! {
    fn add_wrapping(additions: &Additions, first: usize, lanes: usize, limited: &mut Limited<false>) {
        if lanes == CHUNK { additions.add_to(first, CHUNK, limited) } else { additions.add_to(first, lanes, limited) }
    }
}

for_simd_levels! {
    fn add_saturating(additions: &Additions, first: usize, lanes: usize, limited: &mut Limited<true>) {
        if lanes == CHUNK { additions.add_to(first, CHUNK, limited) } else { additions.add_to(first, lanes, limited) }
    }
}

/// Computes sums, and finds what their accumulators go through.
#[derive(Debug)]
pub struct Sums {
    accumulator: Accumulator,
    pub found: Found,
}

impl Sums {
    /// In such accumulators.
    pub fn new(accumulator: Accumulator) -> Self {
        Sums { accumulator, found: Found::default() }
    }

    /// Overwrites `sums` with what accumulators hold in the end, lane by lane.
    pub fn compute(&mut self, additions: &Additions, sums: &mut [i64]) {
        for (i, sums) in sums.chunks_mut(CHUNK).enumerate() {
            self.compute_chunk(additions, i * CHUNK, sums);
        }
    }

    fn compute_chunk(&mut self, additions: &Additions, first: usize, sums: &mut [i64]) {
        let lanes = sums.len();
        let mut whole = Whole { sums: [0; CHUNK], low: [0; CHUNK], high: [0; CHUNK] };
        add_whole(additions, first, lanes, &mut whole);
        let range = [whole.low.into_iter().fold(0, i64::min), whole.high.into_iter().fold(0, i64::max)];
        widen(&mut self.found.range, range);
        self.found.outputs += lanes as u64;
        match self.accumulator.range() {
            Some(limits) if range[0] < limits[0] || limits[1] < range[1] => match self.accumulator.overflow {
                AccOverflow::Wrap => {
                    let mut limited = Limited::new(limits);
                    add_wrapping(additions, first, lanes, &mut limited);
                    self.overflowed(&limited, sums);
                }
                AccOverflow::Saturate => {
                    let mut limited = Limited::new(limits);
                    add_saturating(additions, first, lanes, &mut limited);
                    self.overflowed(&limited, sums);
                }
            },
            // No addition leaves the range.
            _ => sums.copy_from_slice(&whole.sums[..lanes]),
        }
    }

    fn overflowed<const SATURATES: bool>(&mut self, limited: &Limited<SATURATES>, sums: &mut [i64]) {
        sums.copy_from_slice(&limited.sums[..sums.len()]);
        for &left in &limited.left[..sums.len()] {
            self.found.overflows += u64::from(left > 0);
            self.found.additions += left;
        }
    }
}
