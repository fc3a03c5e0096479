//! The portable kernel: four products' rows of terms at a time over all lanes of a tile.
//!
//! Four rows share one pass over the sums and stay in the first-level cache. Exact products are
//! multiplied instead, which compilers vectorize.

use super::decomposition::{Decomposition, Residuals, UsedWeights};
use super::operands::WordOperands;
use super::{EffectiveTable, Kernel, Lanes, LookUpRate, PackedWeights, PreparedTable, Rates, Tile, WeightMatrix};
use crate::sabotage::{self, Fault};
use std::ops::Range;
use std::sync::Arc;

/// Runs anywhere.
pub struct Scalar;

impl Kernel for Scalar {
    fn name(&self) -> &'static str {
        "scalar"
    }

    fn is_supported(&self) -> bool {
        true
    }

    fn plane_bits(&self) -> u32 {
        32
    }

    fn rates(&self) -> Rates {
        Rates {
            product: 116.0,
            look_up: LookUpRate { start: 0.0, plane: 178.0 },
            low_look_up: LookUpRate { start: 0.0, plane: 175.0 },
            slope: 150.0,
        }
    }

    fn pack(&self, table: &EffectiveTable, weights: WeightMatrix) -> Box<dyn PackedWeights> {
        Prepared::new(Decomposition::new(table, weights, self.plane_bits())).pack(weights)
    }

    fn prepare(&self, table: &EffectiveTable) -> Box<dyn PreparedTable> {
        Box::new(Prepared::new(Decomposition::of_any(table, self.plane_bits())))
    }
}

/// A table's terms, laid out where any are looked up.
struct Prepared {
    terms: Decomposition,
    rows: Option<Terms>,
}

impl Prepared {
    fn new(terms: Decomposition) -> Self {
        let looked_up = terms.slopes.is_none() || terms.residuals.planes(32) > 0;
        Prepared { rows: looked_up.then(|| Terms::new(&terms.residuals)), terms }
    }
}

impl PreparedTable for Prepared {
    fn pack(&self, weights: WeightMatrix) -> Box<dyn PackedWeights> {
        let products = WordOperands::words(weights, &self.terms);
        let rows = self.rows.as_ref().map(|rows| TermRows::new(weights, &self.terms.used, rows));
        Box::new(ScalarWeights { depth: weights.depth(), products, rows })
    }
}

struct ScalarWeights {
    depth: usize,
    products: Option<WordOperands>,
    rows: Option<TermRows>,
}

impl PackedWeights for ScalarWeights {
    fn depth(&self) -> usize {
        self.depth
    }

    fn sums(&self, tile: &Tile, rows: Range<usize>, depth: Range<usize>, sums: &mut [Lanes<i32>]) {
        let columns = tile.columns();
        let activations = &tile.rows()[depth.clone()];
        for (row, sums) in rows.clone().zip(&mut sums[..rows.len()]) {
            let sums = &mut sums.0[..columns];
            match &self.products {
                Some(operands) => multiply(operands, row, depth.clone(), activations, sums),
                None => sums.fill(0),
            }
            if let Some(rows) = &self.rows {
                rows.add(row, depth.clone(), activations, sums);
            }
        }
    }
}

/// Overwrites `sums` with the slopes of output `row` times activations, and its constant.
fn multiply(operands: &WordOperands, row: usize, depth: Range<usize>, activations: &[Lanes<u8>], sums: &mut [i32]) {
    sums.fill(operands.constant(row, depth.clone()));
    let slopes = &operands.from(row, depth.start)[..depth.len()];
    let signed = operands.activation_signedness() == super::Signedness::Signed;
    for (slopes, lanes) in slopes.chunks(4).zip(activations.chunks(4)) {
        // Products past the last have slopes of zero.
        let slope: [i16; 4] = std::array::from_fn(|i| slopes.get(i).copied().unwrap_or(0));
        let lane: [&[u8]; 4] = std::array::from_fn(|i| &lanes[i.min(lanes.len() - 1)].0[..sums.len()]);
        if signed {
            add_products(slope, lane, |byte| i16::from(byte.cast_signed()), sums);
        } else {
            add_products(slope, lane, i16::from, sums);
        }
    }
}

fn add_products(slopes: [i16; 4], lanes: [&[u8]; 4], value: impl Fn(u8) -> i16, sums: &mut [i32]) {
    let [a, b, c, d] = lanes.map(|lanes| &lanes[..sums.len()]);
    for (n, sum) in sums.iter_mut().enumerate() {
        let product = |slope: i16, byte: u8| i32::from(slope) * i32::from(value(byte));
        let pairs =
            (product(slopes[0], a[n]) + product(slopes[1], b[n]), product(slopes[2], c[n]) + product(slopes[3], d[n]));
        *sum = sum.wrapping_add(pairs.0.wrapping_add(pairs.1));
    }
}

/// Terms that are looked up one at a time, without the slopes' part.
#[derive(Debug)]
pub(super) struct TermRows {
    /// Weights by number, row-major.
    codes: Vec<u8>,
    depth: usize,
    terms: Terms,
}

/// The terms of each weight number over all activations.
#[derive(Debug, Clone)]
pub(super) struct Terms(Arc<[[i32; 256]]>);

impl Terms {
    pub(super) fn new(residuals: &Residuals) -> Self {
        let term = |offset: i32, rest: u32| offset.wrapping_add((rest << residuals.shift()).cast_signed());
        let rows = residuals.offsets().iter().zip(residuals.rows());
        Terms(rows.map(|(&offset, row)| std::array::from_fn(|a| term(offset, row[a]))).collect())
    }
}

impl TermRows {
    pub(super) fn new(weights: WeightMatrix, used: &UsedWeights, terms: &Terms) -> Self {
        TermRows { codes: used.encode(weights), depth: weights.depth(), terms: terms.clone() }
    }

    /// Adds the terms of output `row` over the products of `depth`, whose activations are given.
    pub(super) fn add(&self, row: usize, depth: Range<usize>, activations: &[Lanes<u8>], sums: &mut [i32]) {
        let codes = &self.codes[row * self.depth..][..self.depth][depth];
        let (fours, rest) = codes.as_chunks::<4>();
        let (four_lanes, rest_lanes) = activations.as_chunks::<4>();
        for (codes, [a0, a1, a2, a3]) in fours.iter().zip(four_lanes) {
            let [t0, t1, t2, t3] = codes.map(|code| &self.terms.0[usize::from(code)]);
            for (n, sum) in sums.iter_mut().enumerate() {
                let term = |terms: &[i32; 256], lanes: &Lanes<u8>| terms[usize::from(lanes.0[n])];
                let pairs = (term(t0, a0).wrapping_add(term(t1, a1)), term(t2, a2).wrapping_add(term(t3, a3)));
                *sum = sum.wrapping_add(pairs.0.wrapping_add(pairs.1));
            }
        }
        let rest = if sabotage::is(Fault::KernelTail) { &[] } else { rest };
        for (&code, lanes) in rest.iter().zip(rest_lanes) {
            let terms = &self.terms.0[usize::from(code)];
            for (sum, &a) in sums.iter_mut().zip(&lanes.0) {
                *sum = sum.wrapping_add(terms[usize::from(a)]);
            }
        }
    }
}
