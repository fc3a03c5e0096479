//! The kernels for processors with AVX2, without and with VNNI for exact products.
//!
//! They differ in one instruction: AVX2 alone multiplies 16-bit words, AVX-VNNI bytes. Look-ups are
//! the same, through tables whose entries are the terms of many outputs at once.

#![allow(
    clippy::wildcard_imports,
    clippy::cast_ptr_alignment,
    clippy::inline_always,
    reason = "intrinsics by the dozen, unaligned loads, and helpers that must take the caller's instruction set"
)]

mod columns;
mod dot;

use super::decomposition::Decomposition;
use super::dot::{Bytes256, IntegerDot, Portable, RealDot, Reals, Reals256, Tiled, Words256};
use super::operands::{ByteOperands, WordOperands};
use super::scalar::{TermRows, Terms};
use super::{EffectiveTable, Kernel, Lanes, LookUpRate, PackedWeights, PreparedTable, Rates, Tile, WeightMatrix};
use columns::{Columns, Workspace};
use dot::Panel;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

/// Exact products by `vpmaddwd`.
pub struct Avx2;

/// Exact products by `vpdpbusd`.
pub struct AvxVnni;

impl Kernel for Avx2 {
    fn name(&self) -> &'static str {
        "avx2"
    }

    fn is_supported(&self) -> bool {
        is_x86_feature_detected!("avx2")
    }

    fn plane_bits(&self) -> u32 {
        16
    }

    fn integers(&self) -> IntegerDot {
        IntegerDot::Words(&Tiled(Words256))
    }

    fn reals(&self) -> &'static RealDot {
        reals()
    }

    fn rates(&self) -> Rates {
        Rates {
            product: 9.3,
            look_up: LookUpRate { start: 0.0, plane: 52.5 },
            low_look_up: LookUpRate { start: 0.0, plane: 37.8 },
            slope: 13.3,
        }
    }

    fn pack(&self, table: &EffectiveTable, weights: WeightMatrix) -> Box<dyn PackedWeights> {
        assert!(self.is_supported(), "kernel {} on a processor without it", self.name());
        Prepared::new(Decomposition::new(table, weights, self.plane_bits()), Form::Words).pack(weights)
    }

    fn prepare(&self, table: &EffectiveTable) -> Box<dyn PreparedTable> {
        assert!(self.is_supported(), "kernel {} on a processor without it", self.name());
        Box::new(Prepared::new(Decomposition::of_any(table, self.plane_bits()), Form::Words))
    }
}

impl Kernel for AvxVnni {
    fn name(&self) -> &'static str {
        "avxvnni"
    }

    fn is_supported(&self) -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni")
    }

    fn plane_bits(&self) -> u32 {
        16
    }

    fn integers(&self) -> IntegerDot {
        IntegerDot::Bytes(&Tiled(Bytes256))
    }

    fn reals(&self) -> &'static RealDot {
        reals()
    }

    fn rates(&self) -> Rates {
        Rates {
            product: 4.2,
            look_up: LookUpRate { start: 0.0, plane: 52.5 },
            low_look_up: LookUpRate { start: 0.0, plane: 37.8 },
            slope: 4.2,
        }
    }

    fn pack(&self, table: &EffectiveTable, weights: WeightMatrix) -> Box<dyn PackedWeights> {
        assert!(self.is_supported(), "kernel {} on a processor without it", self.name());
        Prepared::new(Decomposition::new(table, weights, self.plane_bits()), Form::Bytes).pack(weights)
    }

    fn prepare(&self, table: &EffectiveTable) -> Box<dyn PreparedTable> {
        assert!(self.is_supported(), "kernel {} on a processor without it", self.name());
        Box::new(Prepared::new(Decomposition::of_any(table, self.plane_bits()), Form::Bytes))
    }
}

/// With FMA, which processors with AVX2 need not have.
fn reals() -> &'static RealDot {
    if is_x86_feature_detected!("fma") { &Tiled(Reals256) } else { &Portable(Reals) }
}

/// What a processor multiplies slopes as.
#[derive(Debug, Clone, Copy)]
enum Form {
    Words,
    /// With AVX-VNNI.
    Bytes,
}

/// A table's terms, laid out where any are looked up. Only made where AVX2 is there, and AVX-VNNI for bytes.
struct Prepared {
    terms: Decomposition,
    form: Form,
    lookups: Option<(Arc<columns::Planes>, Terms)>,
}

impl Prepared {
    fn new(terms: Decomposition, form: Form) -> Self {
        let looked_up = terms.slopes.is_none() || terms.residuals.planes(16) > 0;
        let lookups =
            looked_up.then(|| (Arc::new(columns::Planes::new(&terms.residuals)), Terms::new(&terms.residuals)));
        Prepared { terms, form, lookups }
    }
}

impl PreparedTable for Prepared {
    fn pack(&self, weights: WeightMatrix) -> Box<dyn PackedWeights> {
        let Prepared { terms, form, lookups } = self;
        let products = match form {
            Form::Words => WordOperands::words(weights, terms).map(Products::Words),
            Form::Bytes => ByteOperands::bytes(weights, terms).map(Products::Bytes),
        };
        let lookups = lookups.as_ref().map(|(planes, rows)| Lookups {
            columns: Columns::new(weights, &terms.used, planes),
            rows: TermRows::new(weights, &terms.used, rows),
        });
        Box::new(Packed { rows: weights.rows(), depth: weights.depth(), products, lookups })
    }
}

/// Slopes in the form that a processor multiplies.
enum Products {
    Words(WordOperands),
    /// Only made where AVX-VNNI is there.
    Bytes(ByteOperands),
}

/// Only made where AVX2 is there.
struct Packed {
    rows: usize,
    depth: usize,
    products: Option<Products>,
    lookups: Option<Lookups>,
}

/// Residuals, for many outputs at once and for few.
struct Lookups {
    columns: Columns,
    rows: TermRows,
}

/// The fewest outputs for which tables of their terms pay.
const FEW: usize = 4;

impl Lookups {
    /// Adds the terms of outputs `rows` over the products of `depth` to `sums`.
    ///
    /// # Safety
    /// AVX2 is there.
    unsafe fn add(
        &self,
        workspace: &mut Workspace,
        tile: &Tile,
        rows: Range<usize>,
        depth: Range<usize>,
        sums: &mut [Lanes<i32>],
    ) {
        // Whole sixteens, and what is left over if it is worth a table.
        let left_over = rows.len() % columns::OUTPUTS;
        let tabled = if left_over < FEW { rows.len() - left_over } else { rows.len() };
        let (many, few) = sums.split_at_mut(tabled);
        // SAFETY: as the caller states.
        unsafe { self.columns.add(workspace, tile, rows.start..rows.start + tabled, depth.clone(), many) };
        for (row, sums) in (rows.start + tabled..rows.end).zip(few) {
            self.rows.add(row, depth.clone(), &tile.rows()[depth.clone()], &mut sums.0[..tile.columns()]);
        }
    }
}

/// Memory that calls on one thread share.
#[derive(Default)]
struct Scratch {
    panel: Panel,
    workspace: Workspace,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl PackedWeights for Packed {
    fn depth(&self) -> usize {
        self.depth
    }

    fn sums(&self, tile: &Tile, rows: Range<usize>, depth: Range<usize>, sums: &mut [Lanes<i32>]) {
        assert!(rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        assert!(depth.end <= self.depth && depth.end <= tile.rows().len(), "products {depth:?} of {}", self.depth);
        let sums = &mut sums[..rows.len()];
        if depth.is_empty() || rows.is_empty() {
            return sums.fill(Lanes::default());
        }
        SCRATCH.with_borrow_mut(|Scratch { panel, workspace }| {
            // SAFETY: only prepared tables make packed weights, and `pack` and `prepare`, which make those,
            // assert that AVX2 is there, and AVX-VNNI where operands are bytes.
            unsafe {
                match &self.products {
                    Some(Products::Words(words)) => {
                        dot::word_products(words, panel, tile, rows.clone(), depth.clone(), sums);
                    }
                    Some(Products::Bytes(bytes)) => {
                        dot::byte_products(bytes, panel, tile, rows.clone(), depth.clone(), sums);
                    }
                    None => sums.fill(Lanes::default()),
                }
                if let Some(lookups) = &self.lookups {
                    lookups.add(workspace, tile, rows, depth, sums);
                }
            }
        });
    }
}
