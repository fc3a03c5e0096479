//! The kernel for processors with AVX-512 VBMI and VNNI (Ice Lake, Zen 4 and later).
//!
//! A layer's terms are decomposed into an integer matrix product and residuals, either of which may be
//! absent: an exact multiplier has no residuals, and slopes are taken only where they save a byte plane.

#![allow(
    clippy::wildcard_imports,
    clippy::cast_ptr_alignment,
    clippy::inline_always,
    reason = "intrinsics by the dozen, unaligned loads, and helpers that must take the caller's instruction set"
)]

mod dot;
mod lookup;
mod partition;

use super::decomposition::{Decomposition, Residuals};
use super::dot::{Bytes512, IntegerDot, RealDot, Reals512, Tiled};
use super::operands::ByteOperands;
use super::{
    EffectiveTable, Kernel, LANES, Lanes, LookUpRate, PackedWeights, Plane, PreparedTable, Rates, Tile, WeightMatrix,
};
use dot::Panel;
use lookup::{AHEAD, BLOCK, BLOCKS, Lookup};
use partition::Partition;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

/// Tile rows that outputs are summed over before the next ones are, so that they stay in the
/// second-level cache from output to output, beside the residuals that are looked up.
const DEPTH: usize = 1024;

/// Looks up in registers; exact products by dot-product instructions.
pub struct Avx512;

impl Kernel for Avx512 {
    fn name(&self) -> &'static str {
        "avx512vbmi"
    }

    fn is_supported(&self) -> bool {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vbmi2")
            && is_x86_feature_detected!("avx512vnni")
    }

    fn plane_bits(&self) -> u32 {
        8
    }

    fn integers(&self) -> IntegerDot {
        IntegerDot::Bytes(&Tiled(Bytes512))
    }

    fn reals(&self) -> &'static RealDot {
        &Tiled(Reals512)
    }

    fn rates(&self) -> Rates {
        Rates {
            product: 1.96,
            look_up: LookUpRate { start: 3.3, plane: 6.15 },
            low_look_up: LookUpRate { start: 5.1, plane: 2.4 },
            slope: 2.3,
        }
    }

    fn pack(&self, table: &EffectiveTable, weights: WeightMatrix) -> Box<dyn PackedWeights> {
        assert!(self.is_supported(), "kernel {} on a processor without it", self.name());
        Prepared::new(table, Decomposition::new(table, weights, self.plane_bits())).pack(weights)
    }

    fn prepare(&self, table: &EffectiveTable) -> Box<dyn PreparedTable> {
        assert!(self.is_supported(), "kernel {} on a processor without it", self.name());
        Box::new(Prepared::new(table, Decomposition::of_any(table, self.plane_bits())))
    }
}

/// A table's terms, laid out where any are looked up. Only made where the features are there.
struct Prepared {
    terms: Decomposition,
    tables: Option<Arc<Tables>>,
}

/// Residuals over all activations, and over those below 128.
struct Tables {
    low: Lookup<2>,
    whole: Lookup<4>,
}

impl Prepared {
    fn new(table: &EffectiveTable, terms: Decomposition) -> Self {
        let tables = (terms.slopes.is_none() || terms.residuals.planes(8) > 0).then(|| {
            let low = Residuals::new(table, &terms.used, terms.slopes.as_ref(), 0..=127);
            let low = low.expect("residuals of fewer activations fit as those of all did");
            Arc::new(Tables { low: Lookup::new(&low), whole: Lookup::new(&terms.residuals) })
        });
        Prepared { terms, tables }
    }
}

impl PreparedTable for Prepared {
    fn pack(&self, weights: WeightMatrix) -> Box<dyn PackedWeights> {
        let products = ByteOperands::bytes(weights, &self.terms);
        let lookups = self.tables.as_ref().map(|tables| {
            let mut codes = self.terms.used.encode(weights);
            codes.resize(codes.len() + AHEAD, 0);
            Lookups { codes, tables: Arc::clone(tables) }
        });
        Box::new(Packed { rows: weights.rows(), depth: weights.depth(), products, lookups })
    }
}

struct Packed {
    rows: usize,
    depth: usize,
    products: Option<ByteOperands>,
    lookups: Option<Lookups>,
}

/// Weights whose residuals are looked up.
struct Lookups {
    /// Weights by number, row-major, and `AHEAD` more.
    codes: Vec<u8>,
    tables: Arc<Tables>,
}

/// Memory that calls on one thread share.
#[derive(Default)]
struct Scratch {
    panel: Panel,
    constants: Vec<i32>,
    partition: Partition,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl PackedWeights for Packed {
    fn sums(&self, tile: &Tile, rows: Range<usize>, depth: Range<usize>, sums: &mut [Lanes<i32>]) {
        assert!(rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        assert!(depth.end <= self.depth && depth.end <= tile.rows().len(), "products {depth:?} of {}", self.depth);
        let sums = &mut sums[..rows.len()];
        if depth.is_empty() {
            return sums.fill(Lanes::default());
        }
        SCRATCH.with_borrow_mut(|scratch| {
            for start in depth.clone().step_by(DEPTH) {
                let part = start..(start + DEPTH).min(depth.end);
                // SAFETY: only prepared tables make packed weights; what makes those asserts that the features are there.
                unsafe { self.sums_within(scratch, tile, rows.clone(), part, start == depth.start, sums) };
            }
        });
    }

    fn depth(&self) -> usize {
        self.depth
    }

    fn slide(&self, plane: &Plane, tap: usize, row: usize, positions: Range<usize>, sums: &mut [Lanes<i32>]) {
        assert!(row < self.rows && tap + self.depth <= plane.depth(), "row {row} of {}, tap {tap}", self.rows);
        assert!(positions.end <= plane.positions());
        let sums = &mut sums[..positions.len().div_ceil(LANES)];
        // SAFETY: only prepared tables make packed weights; what makes those asserts that the features are there.
        unsafe { self.slide_within(plane, tap, row, positions, sums) };
    }
}

impl Packed {
    /// [`PackedWeights::sums`] over a part of the depth, with its bounds asserted: added to `sums`, or
    /// overwriting them if those are `fresh`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,avx512vnni")]
    fn sums_within(
        &self,
        scratch: &mut Scratch,
        tile: &Tile,
        rows: Range<usize>,
        depth: Range<usize>,
        fresh: bool,
        sums: &mut [Lanes<i32>],
    ) {
        let blocks = tile.columns().div_ceil(BLOCK);
        if let Some(operands) = &self.products {
            scratch.panel.fill(&tile.rows()[depth.clone()], blocks, operands.flip());
            scratch.constants.clear();
            scratch.constants.extend(rows.clone().map(|row| operands.constant(row, depth.clone())));
            dot::products(operands, &scratch.panel, rows.clone(), depth.clone(), &scratch.constants, fresh, sums);
        }
        let Some(lookups) = &self.lookups else { return };
        scratch.partition.split(tile, depth.clone());
        for (row, sums) in rows.zip(sums) {
            let start = row * self.depth;
            let codes = &lookups.codes[start + depth.start..start + depth.end + AHEAD];
            let (low, whole) = scratch.partition.parts(tile, depth.clone(), codes);
            let (low_count, whole_count) = (low.rows.len(), whole.rows.len());
            let fresh = fresh && self.products.is_none();
            // SAFETY: a part has `AHEAD` more codes than rows, and those of rows number the weights
            // that the residuals were of. Rows hold `BLOCKS` registers.
            unsafe {
                if low_count > 0 {
                    lookups.tables.low.add(
                        low.codes,
                        low_count,
                        |k| low.rows.as_ptr().add(k).cast(),
                        blocks,
                        fresh,
                        sums,
                    );
                }
                if whole_count > 0 {
                    let fresh = fresh && low_count == 0;
                    lookups.tables.whole.add(
                        whole.codes,
                        whole_count,
                        |k| whole.rows.as_ptr().add(k).cast(),
                        blocks,
                        fresh,
                        sums,
                    );
                }
            }
        }
    }
}

impl Packed {
    /// [`PackedWeights::slide`], with its bounds asserted.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,avx512vnni")]
    fn slide_within(&self, plane: &Plane, tap: usize, row: usize, positions: Range<usize>, sums: &mut [Lanes<i32>]) {
        let union = || (tap..tap + self.depth).fold(0, |union, k| union | plane.union(k, positions.clone()));
        let is_low = self.lookups.is_some() && union() < 128;
        for (start, sums) in positions.clone().step_by(LANES).zip(sums) {
            let blocks = (positions.end - start).div_ceil(BLOCK).min(BLOCKS);
            if let Some(operands) = &self.products {
                dot::slide(operands, row, |k| plane.tap(tap + k, start), blocks, sums);
            }
            let Some(lookups) = &self.lookups else { continue };
            let codes = &lookups.codes[row * self.depth..][..self.depth + AHEAD];
            let at = |k| plane.tap(tap + k, start).as_ptr();
            let fresh = self.products.is_none();
            // SAFETY: there are `AHEAD` more codes than taps, all of them numbers of the weights that
            // the residuals were of, and a tap is of `LANES` bytes.
            unsafe {
                if is_low {
                    lookups.tables.low.add(codes, self.depth, at, blocks, fresh, sums);
                } else {
                    lookups.tables.whole.add(codes, self.depth, at, blocks, fresh, sums);
                }
            }
        }
    }
}
