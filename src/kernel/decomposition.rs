//! Tables as vector kernels compute them: an exact product, an offset and a residual.
//!
//! For the weights that a layer uses and the activations that a tile holds, every term is
//!
//! ```text
//! term(a, w) = slope[w] * value(a) + offset[w] + (residual[w][a] << shift)
//! ```
//!
//! The slopes are one integer matrix product, the offsets one constant per output, and only the
//! residuals are looked up. Residuals are never negative, so that they split into byte planes, the
//! fewer the fewer bits they have. Arithmetic modulo 2^32 is enough: the whole sum fits an `i32`, even
//! where its parts do not.

use super::levels::for_simd_levels;
use super::{EffectiveTable, Signedness, WeightMatrix};
use std::ops::RangeInclusive;

/// The parts of a layer's terms, over all activations.
#[derive(Debug)]
pub(super) struct Decomposition {
    pub(super) used: UsedWeights,
    /// Absent where they would save no plane, or cost more than the planes they save.
    pub(super) slopes: Option<Slopes>,
    pub(super) residuals: Residuals,
    pub(super) activation: Signedness,
    pub(super) weight: Signedness,
}

impl Decomposition {
    /// Products from which on a second pass over the sums costs less than a plane.
    pub(super) const MIN_DEPTH_FOR_SLOPES: usize = 32;

    /// Decomposes the terms of `weights` for a kernel that looks up planes of `plane_bits`.
    pub(super) fn new(table: &EffectiveTable, weights: WeightMatrix, plane_bits: u32) -> Self {
        Self::of_used(table, UsedWeights::new(weights), weights.depth(), plane_bits)
    }

    /// Decomposes the terms of weights that are not known yet, in rows as long as slopes take to pay.
    pub(super) fn of_any(table: &EffectiveTable, plane_bits: u32) -> Self {
        Self::of_used(table, UsedWeights::all(), Self::MIN_DEPTH_FOR_SLOPES, plane_bits)
    }

    /// Decomposes the terms of weights of which only the bytes and the length of rows are known.
    pub(super) fn of_used(table: &EffectiveTable, used: UsedWeights, depth: usize, plane_bits: u32) -> Self {
        let (activation, weight) = (table.activation(), table.weight());
        let slopes = Slopes::fit(table, &used);
        let plain = Residuals::new(table, &used, None, 0..=255).expect("terms fit 32 bits");
        let pays = |sloped: &Residuals| {
            let planes = sloped.planes(plane_bits);
            planes < plain.planes(plane_bits) && (planes == 0 || depth >= Self::MIN_DEPTH_FOR_SLOPES)
        };
        match Residuals::new(table, &used, Some(&slopes), 0..=255).filter(pays) {
            Some(sloped) => Decomposition { used, slopes: Some(slopes), residuals: sloped, activation, weight },
            None => Decomposition { used, slopes: None, residuals: plain, activation, weight },
        }
    }

    /// How a kernel that looks up planes of `plane_bits` computes them, in words.
    pub(super) fn describe(&self, plane_bits: u32) -> String {
        let planes = self.residuals.planes(plane_bits);
        let plural = if planes == 1 { "" } else { "s" };
        let (bits, of) = (self.residuals.bits, planes as u32 * plane_bits);
        let looked_up = format!("{planes} looked-up plane{plural} ({bits} of {of} bits)");
        let has_offsets = self.residuals.offsets().iter().any(|&offset| offset != 0);
        match (&self.slopes, planes) {
            (Some(_), 0) if has_offsets => "integer products and offsets".to_owned(),
            (Some(_), 0) => "integer products alone".to_owned(),
            (Some(_), _) => format!("integer products and {looked_up}"),
            (None, 0) => "offsets alone".to_owned(),
            (None, _) => looked_up,
        }
    }
}

/// The distinct weight bytes of a layer, numbered.
#[derive(Debug)]
pub(super) struct UsedWeights {
    /// In ascending order.
    bytes: Vec<u8>,
    /// The number of each byte that is used.
    codes: [u8; 256],
}

impl UsedWeights {
    pub(super) fn new(weights: WeightMatrix) -> Self {
        let mut used = [false; 256];
        for &w in weights.bytes() {
            used[usize::from(w)] = true;
        }
        Self::of((0..=255).filter(|&w| used[usize::from(w)]).collect())
    }

    /// Those of `bytes`, in ascending order.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let mut codes = [0; 256];
        for (code, &w) in (0..=255).zip(&bytes) {
            codes[usize::from(w)] = code;
        }
        UsedWeights { bytes, codes }
    }

    /// Every byte, which is its own number.
    pub(super) fn all() -> Self {
        UsedWeights { bytes: (0..=255).collect(), codes: std::array::from_fn(|w| w as u8) }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All weights by number, row-major.
    pub(super) fn encode(&self, weights: WeightMatrix) -> Vec<u8> {
        if self.bytes.len() == self.codes.len() {
            return weights.bytes().to_vec();
        }
        weights.bytes().iter().map(|&w| self.codes[usize::from(w)]).collect()
    }
}

/// The multiple of the activation that comes closest to each used weight's terms.
#[derive(Debug)]
pub(super) struct Slopes {
    by_weight: [i16; 256],
}

impl Slopes {
    /// Within the range of a weight byte, the integers with the smallest range of residuals.
    pub(super) fn fit(table: &EffectiveTable, used: &UsedWeights) -> Self {
        let limits = match table.weight() {
            Signedness::Signed => -128..=127,
            Signedness::Unsigned => 0..=255,
        };
        let mut by_weight = [0; 256];
        for &w in used.bytes() {
            by_weight[usize::from(w)] = closest_slope(table, w, &limits);
        }
        Slopes { by_weight }
    }

    /// Multiplies the activation's value in terms of weight byte `w`.
    pub(super) fn slope(&self, w: u8) -> i16 {
        self.by_weight[usize::from(w)]
    }
}

/// Binary search for the smallest range of residuals, which is a convex function of the slope: a maximum
/// of linear functions minus a minimum of them.
fn closest_slope(table: &EffectiveTable, w: u8, limits: &RangeInclusive<i16>) -> i16 {
    let spread = |slope: i16| {
        let (min, max) = extremes(table, w, slope, &(0..=255));
        max - min
    };
    let (mut low, mut high) = (*limits.start(), *limits.end());
    while low < high {
        let middle = low + (high - low) / 2;
        if spread(middle) <= spread(middle + 1) { high = middle } else { low = middle + 1 }
    }
    low
}

/// The smallest and largest `term(a, w) - slope * value(a)`.
fn extremes(table: &EffectiveTable, w: u8, slope: i16, activations: &RangeInclusive<u8>) -> (i64, i64) {
    let range = usize::from(*activations.start())..=usize::from(*activations.end());
    let (terms, values) = (&table.row(w)[range.clone()], &table.activation().values()[range]);
    let (min, max) = extreme_residuals(terms, values, slope.into());
    (min as i64, max as i64)
}

for_simd_levels! {
    /// The smallest and largest `term - slope * value`, all of which are exact.
    fn extreme_residuals(terms: &[i32], values: &[f64], slope: f64) -> (f64, f64) {
        let mut min = [0.0; 256];
        for ((residual, &term), value) in min.iter_mut().zip(terms).zip(values) {
            *residual = f64::from(term) - slope * value;
        }
        let mut max = min;
        // Halves are compared, which compilers vectorize.
        let mut count = terms.len();
        while count > 1 {
            let half = count.div_ceil(2);
            halve(&mut min[..count], half, f64::min);
            halve(&mut max[..count], half, f64::max);
            count = half;
        }
        (min[0], max[0])
    }
}

/// Combines the values from `half` on with those before it.
#[inline]
fn halve(values: &mut [f64], half: usize, combine: impl Fn(f64, f64) -> f64) {
    let (first, second) = values.split_at_mut(half);
    for (value, &other) in first.iter_mut().zip(&*second) {
        *value = combine(*value, other);
    }
}

fn residual(table: &EffectiveTable, w: u8, slope: i16, a: u8) -> i64 {
    i64::from(table.term(a, w)) - i64::from(slope) * i64::from(table.activation().value(a))
}

/// The used weights' terms without slopes times activations, over a range of activations.
#[derive(Debug)]
pub(super) struct Residuals {
    /// The offset of each used weight's terms, by number.
    offsets: Vec<i32>,
    /// Trailing zeros that all residuals share, shifted out.
    shift: u32,
    bits: u32,
    /// `[used weight][activation]`.
    values: Vec<u32>,
    width: usize,
}

impl Residuals {
    /// `None` when a residual needs more than 32 bits, which terms without slopes never do.
    pub(super) fn new(
        table: &EffectiveTable,
        used: &UsedWeights,
        slopes: Option<&Slopes>,
        activations: RangeInclusive<u8>,
    ) -> Option<Self> {
        let width = activations.clone().count();
        let (mut offsets, mut values) = (Vec::new(), Vec::with_capacity(used.bytes().len() * width));
        for &w in used.bytes() {
            let slope = slopes.map_or(0, |slopes| slopes.slope(w));
            let (offset, _) = extremes(table, w, slope, &activations);
            // Sums need offsets modulo 2^32 only.
            offsets.push(offset as i32);
            for a in activations.clone() {
                values.push(u32::try_from(residual(table, w, slope, a) - offset).ok()?);
            }
        }
        let union = values.iter().fold(0, |union, residual| union | residual);
        let shift = if union == 0 { 0 } else { union.trailing_zeros() };
        for residual in &mut values {
            *residual >>= shift;
        }
        Some(Residuals { offsets, shift, bits: u32::BITS - (union >> shift).leading_zeros(), values, width })
    }

    /// Planes of `plane_bits` that the largest residual takes; none if there are no residuals.
    pub(super) fn planes(&self, plane_bits: u32) -> usize {
        self.bits.div_ceil(plane_bits) as usize
    }

    /// The power of two that residuals are multiples of.
    pub(super) fn shift(&self) -> u32 {
        self.shift
    }

    /// The offsets of the used weights, by number.
    pub(super) fn offsets(&self) -> &[i32] {
        &self.offsets
    }

    /// The residuals of each used weight, by number.
    pub(super) fn rows(&self) -> std::slice::ChunksExact<'_, u32> {
        self.values.chunks_exact(self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use Signedness::{Signed, Unsigned};

    fn all_weights() -> UsedWeights {
        let bytes: Vec<u8> = (0..=255).collect();
        UsedWeights::new(WeightMatrix::new(&bytes, 16))
    }

    /// Recomposes terms and compares them with the table.
    fn check(table: &EffectiveTable, used: &UsedWeights, slopes: Option<&Slopes>, residuals: &Residuals) {
        for ((&w, offset), row) in used.bytes().iter().zip(residuals.offsets()).zip(residuals.rows()) {
            for (a, residual) in (0..=255).zip(row) {
                let slope = slopes.map_or(0, |slopes| i32::from(slopes.slope(w)));
                let product = slope * table.activation().value(a);
                let whole = offset.wrapping_add((residual << residuals.shift()).cast_signed()).wrapping_add(product);
                assert_eq!(whole, table.term(a, w), "activation byte {a}, weight byte {w}");
                assert!(residuals.planes(8) == 4 || *residual < 1 << (8 * residuals.planes(8)));
            }
        }
    }

    #[test]
    fn weights_are_numbered_in_order() {
        let used = UsedWeights::new(WeightMatrix::new(&[9, 200, 9, 0, 200, 200], 3));
        assert_eq!(used.bytes(), [0, 9, 200]);
        assert_eq!(used.encode(WeightMatrix::new(&[200, 9, 0], 1)), [2, 1, 0]);
    }

    #[test]
    fn planes_are_as_many_as_rows_need() {
        // (term, planes without slopes, planes with slopes), each counted by hand.
        type Term = fn(i32, i32) -> i32;
        let cases: [(Term, usize, usize); 8] = [
            (|_, _| 0, 0, 0),
            (|_, w| w * 1_000_000, 0, 0),
            (|a, w| a * w, 2, 0),
            (|a, w| a * w - 70_000, 2, 0),
            (|a, w| a * w + (a & 3) * 85, 2, 1),
            (|a, w| (a + w) << 16, 1, 3),
            (|a, _| a * a * 200, 3, 3),
            (|a, _| if a == 0 { i32::MIN } else { i32::MAX }, 4, 4),
        ];
        for_each_case(cases.into_iter().enumerate(), |(case, (term, plain, sloped))| {
            let (table, used) = (EffectiveTable::from_fn(Unsigned, Unsigned, term), all_weights());
            let residuals = Residuals::new(&table, &used, None, 0..=255).unwrap();
            assert_eq!(residuals.planes(8), plain, "case {case}");
            check(&table, &used, None, &residuals);
            let slopes = Slopes::fit(&table, &used);
            if let Some(residuals) = Residuals::new(&table, &used, Some(&slopes), 0..=255) {
                assert_eq!(residuals.planes(8), sloped, "case {case} with slopes");
                check(&table, &used, Some(&slopes), &residuals);
            }
        });
    }

    #[test]
    fn slope_signedness_taken_where_they_save_a_plane() {
        let bytes: Vec<u8> = (0..=255).collect();
        let weights = WeightMatrix::new(&bytes, 64);
        let taken = |plane_bits, term: fn(i32, i32) -> i32| {
            let table = EffectiveTable::from_fn(Unsigned, Unsigned, term);
            Decomposition::new(&table, weights, plane_bits).slopes.is_some()
        };
        assert!(taken(8, |a, w| a * w) && taken(16, |a, w| a * w));
        assert!(taken(8, |a, w| a * w + (a & 1)) && !taken(16, |a, w| a * w + (a & 1)));
        assert!(!taken(8, |a, w| a * w + (a & 3) * 101));
        assert!(!taken(8, |_, w| w), "offsets alone leave no residuals");
    }

    #[test]
    fn decompositions_are_put_into_words() {
        type Term = fn(i32, i32) -> i32;
        let cases: [(Term, &str); 5] = [
            (|a, w| a * w, "integer products alone"),
            (|a, w| a * w - 70_000, "integer products and offsets"),
            (|a, w| a * w + (a & 3) * 85, "integer products and 1 looked-up plane (8 of 8 bits)"),
            (|_, w| w, "offsets alone"),
            // 255 * 255 * 200 / 8, the shift of all residuals, is 1,625,625.
            (|a, _| a * a * 200, "3 looked-up planes (21 of 24 bits)"),
        ];
        let bytes: Vec<u8> = (0..=255).collect();
        for_each_case(cases, |(term, words)| {
            let table = EffectiveTable::from_fn(Unsigned, Unsigned, term);
            assert_eq!(Decomposition::new(&table, WeightMatrix::new(&bytes, 64), 8).describe(8), words);
        });
    }

    #[test]
    fn slopes_of_exact_products_are_the_weights() {
        for (a, w) in [(Signed, Signed), (Signed, Unsigned), (Unsigned, Signed), (Unsigned, Unsigned)] {
            let (table, used) = (EffectiveTable::exact(a, w), all_weights());
            let slopes = Slopes::fit(&table, &used);
            assert!((0..=255).all(|byte| i32::from(slopes.slope(byte)) == w.value(byte)));
            assert!(
                Residuals::new(&table, &used, Some(&slopes), 0..=255)
                    .unwrap()
                    .offsets()
                    .iter()
                    .all(|&offset| offset == 0)
            );
        }
    }
}
