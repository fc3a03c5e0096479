//! Products of two activations in accumulators.
//!
//! The second factor's columns are the lanes, and the first's rows in the place of weights; terms and what comes after
//! them are in the order of the factors.

use super::found::{Found, widen};
use super::operands::{sum, sum_activations};
use super::setting::Accumulator;
use super::sums::{Addition, Additions, Sums};
use crate::kernel::{EffectiveTable, Tile};
use crate::quant::ActivationParams;

/// Rows of a first factor by columns of a second one.
pub(in crate::layer) struct AccumulatedProduct<'a> {
    /// The factors.
    pub factors: [&'a ActivationParams; 2],
    /// Terms over (second, first).
    pub table: &'a EffectiveTable,
    pub accumulator: Accumulator,
}

impl AccumulatedProduct<'_> {
    /// Calls `write` with each of the `rows` of the first factor and its sums with the columns of `tile`.
    pub fn rows<'r>(
        &self,
        rows: impl Iterator<Item = &'r [u8]>,
        tile: &Tile,
        mut write: impl FnMut(usize, &[i64]),
    ) -> Found {
        let [first, second] = self.factors;
        let lanes = tile.columns();
        let activations: Vec<&[u8]> = tile.rows().iter().map(|row| &row.0[..lanes]).collect();
        let mut activation_sums = vec![0; lanes];
        sum_activations(&activations, second.range().signedness(), &mut activation_sums);
        let (mut sums, mut terms) = (vec![0; lanes], Vec::new());
        let mut accumulators = Sums::new(self.accumulator);
        for (i, row) in rows.enumerate() {
            terms.clear();
            terms.extend(row.iter().map(|&byte| self.table.row(byte)));
            let row_sum = sum(row.iter().copied(), first.range().signedness());
            let after = self.after(row_sum, row.len());
            let additions = Additions {
                terms: &terms,
                activations: &activations,
                after: &after,
                activation_sums: &activation_sums,
            };
            accumulators.compute(&additions, &mut sums);
            write(i, &sums);
        }
        accumulators.found
    }

    /// The zero-point terms of a row of `depth` integers with the sum `row_sum`.
    fn after(&self, row_sum: i64, depth: usize) -> [Addition; 3] {
        let [z_first, z_second] = self.factors.map(|factor| i64::from(factor.zero_point()));
        [
            Addition::Constant(-z_second * row_sum),
            Addition::Activations(-z_first),
            Addition::Constant(depth as i64 * z_first * z_second),
        ]
    }

    /// The range of sums of `depth` products that no operands leave, after any addition.
    pub fn worst_case(&self, depth: usize) -> [i64; 2] {
        let [first, second] = self.factors;
        let [z_first, z_second] = self.factors.map(|factor| i64::from(factor.zero_point()));
        let integers = |factor: &ActivationParams| factor.range().q_min()..=factor.range().q_max();
        // The least and the largest of a product, and of the same with the first one or two zero-point terms.
        let mut extremes = [[i64::MAX, i64::MIN]; 3];
        for a in integers(first) {
            let terms = self.table.row(a as u8);
            for b in integers(second) {
                let term = i64::from(terms[usize::from(b as u8)]);
                let one = term - z_second * i64::from(a);
                let steps = [term, one, one - z_first * i64::from(b)];
                extremes.iter_mut().zip(steps).for_each(|(extremes, step)| widen(extremes, [step; 2]));
            }
        }
        let depth = depth as i64;
        let mut range = [0; 2];
        let mut reached = [0; 2];
        for extremes in extremes {
            // All products may be the same; fewer of them reach less.
            reached = extremes.map(|extreme| extreme * depth);
            widen(&mut range, reached);
        }
        widen(&mut range, reached.map(|sum| sum + depth * z_first * z_second));
        range
    }
}
