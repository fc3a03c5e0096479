//! A table in reduced bases of the lattices that its rows and its columns span.

use super::form::Form;
use super::lattice::{Lattice, Length};
use super::lower::Occurring;
use super::narrow::{Product, narrow};
use super::search::{Pair, Problem};

/// Rows from one that a lattice is made of to the next: a prime above all numbers of rows.
const STRIDE: usize = 353;

/// `T[a][w] - T[a0][w]`, for the first activation `a0`, as `G core F^T`.
#[derive(Debug)]
pub(super) struct Bases {
    activations: Lattice,
    weights: Lattice,
    /// `[weights][activations]`, of full rank.
    core: Vec<Vec<i64>>,
}

impl Bases {
    /// `None` where the rank is above `most`.
    pub(super) fn new(Occurring { table, activations, weights }: Occurring, most: usize) -> Option<Self> {
        let row = |&w: &u8| {
            let first = i64::from(table.term(activations[0], w));
            activations.iter().map(|&a| i64::from(table.term(a, w)) - first).collect()
        };
        let rows: Vec<Vec<i64>> = weights.iter().map(row).collect();
        // Neighbors are alike: those far apart show soon that a table is no short sum.
        let spread = (0..rows.len()).map(|i| &rows[(i * STRIDE) % rows.len()]);
        let of_activations = Lattice::spanned(spread, Length::Variance, most)?.saturated()?;
        // All rows in that basis, and then the columns of their coordinates in a basis of theirs.
        let columns = transposed(&coordinates(&of_activations, &rows)?, of_activations.dimensions());
        let of_weights = Lattice::spanned(&columns, Length::Norm, most)?.saturated()?;
        let core = transposed(&coordinates(&of_weights, &columns)?, of_weights.dimensions());
        Some(Bases { activations: of_activations, weights: of_weights, core })
    }

    pub(super) fn rank(&self) -> usize {
        self.core.len()
    }

    /// The rank of the rows at `positions` among the weights.
    pub(super) fn rank_at(&self, positions: &[usize]) -> usize {
        self.weights.rank_at(positions)
    }

    /// The fewest products of operands, `most` of them at most, that are found.
    pub(super) fn products(&self, form: Form, most: usize) -> Option<Vec<Product>> {
        let problem = Problem { activations: &self.activations, weights: &self.weights, core: &self.core, form, most };
        let product = |pair: Pair| Product {
            scale: pair.scale,
            activations: self.activations.combine(&pair.activations),
            weights: self.weights.combine(&pair.weights),
        };
        let mut best: Option<Vec<Product>> = None;
        for pairs in problem.sums() {
            let products = narrow(pairs.into_iter().map(product).collect(), form);
            if products.len() <= most && best.as_ref().is_none_or(|best| products.len() < best.len()) {
                best = Some(products);
            }
            if best.as_ref().is_some_and(|best| best.len() <= self.rank()) {
                break;
            }
        }
        best
    }
}

/// What `lattice`'s basis must be multiplied by to give each of `vectors`.
fn coordinates(lattice: &Lattice, vectors: &[Vec<i64>]) -> Option<Vec<Vec<i64>>> {
    vectors.iter().map(|vector| lattice.coordinates(vector)).collect()
}

fn transposed(rows: &[Vec<i64>], columns: usize) -> Vec<Vec<i64>> {
    (0..columns).map(|column| rows.iter().map(|row| row[column]).collect()).collect()
}
