//! Tables as short sums of integer products.
//!
//! Most published multipliers drop partial products or round operands, so that their tables are short sums
//!
//! ```text
//! T[a][w] = sum over k of scale_k f_k(a) g_k(w) + offset(w)
//! ```
//!
//! of factors that are integers of a byte or two: a layer is then that many exact integer products of operands that
//! are mapped once per activation and once per weight, which processors multiply many times faster than they look up.
//!
//! The factors of activations lie in the lattice of functions that the table's rows span, and those of weights in
//! that of its columns ([`lattice`]); in reduced bases of both, the table is a square core of as many rows as its
//! rank ([`bases`]), whose decomposition into pairs of factors is searched for ([`search`]). Pairs become products of
//! operands ([`narrow`], [`lower`]), which are compared with the table at all operands that can occur before they are
//! used. What was found is kept for the layers that follow ([`cache`]), and taken where it is faster than looking up
//! ([`way`]). A table whose rank is higher than products pay for has no such sum, which the lattice's dimensions show
//! at once.

mod bases;
mod cache;
mod form;
mod lattice;
mod lower;
mod narrow;
mod scale;
mod search;
mod way;

pub use lower::{Lowered, Operand, Term};
pub use way::{Way, bytes_of, choose};

use crate::kernel::EffectiveTable;
use cache::Cache;
use form::{BYTES, WORDS};
use lower::Occurring;
use std::sync::Arc;

impl Lowered<u8, i8> {
    /// The fewest products of bytes, `most` of them at most, that sum to the terms of `table` for the given bytes, of
    /// which both are in ascending order. `None` where none are found.
    pub fn find(table: &EffectiveTable, weights: &[u8], activations: &[u8], most: usize) -> Option<Arc<Self>> {
        static FOUND: Cache<u8, i8> = Cache::new(BYTES);
        FOUND.find(Occurring { table, activations, weights }, most)
    }
}

impl Lowered<i16, i16> {
    /// The fewest products of words, `most` of them at most, that sum to the terms of `table` for the given bytes, of
    /// which both are in ascending order. `None` where none are found.
    pub fn find(table: &EffectiveTable, weights: &[u8], activations: &[u8], most: usize) -> Option<Arc<Self>> {
        static FOUND: Cache<i16, i16> = Cache::new(WORDS);
        FOUND.find(Occurring { table, activations, weights }, most)
    }
}

#[cfg(test)]
mod tests;
