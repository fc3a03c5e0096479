//! Look-ups without a byte permutation: the terms of sixteen outputs in one load.
//!
//! For one tile row, the terms of sixteen weights are transposed into a table whose entry `a` holds
//! what activation `a` contributes to each of sixteen outputs. A lane then takes a single aligned
//! load for sixteen products. Making the table costs about as much as reading it for 256 lanes, and
//! only as many entries are made as the row's largest byte asks for.
//!
//! Residuals are cut into planes of 16 bits. Entries are summed in 16-bit lanes, whole words and again
//! their upper bytes, and widened every 256 products: the sum of the lower bytes is the difference.

use crate::kernel::decomposition::{Residuals, UsedWeights};
use crate::kernel::{LANES, Lanes, Tile, WeightMatrix};
use std::arch::x86_64::*;
use std::ops::Range;
use std::sync::Arc;

/// Outputs of a table's entry.
pub(super) const OUTPUTS: usize = 16;
/// Products summed before widening: `256 * 255` is the most that fits 16 bits.
const CHUNK: usize = 256;
/// Tables read in one pass over the lanes; together they stay in the first-level cache.
const TABLES: usize = 4;

/// What one activation contributes to sixteen outputs.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(32))]
struct Entry([u16; OUTPUTS]);

/// One lane's sums of whole words, and of their upper bytes.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(64))]
struct Words([Entry; 2]);

/// Looked-up residuals of a layer's weights.
#[derive(Debug)]
pub(super) struct Columns {
    /// Weights by number, row-major.
    codes: Vec<u8>,
    depth: usize,
    terms: Arc<Planes>,
}

/// Residuals in planes of 16 bits.
#[derive(Debug)]
pub(super) struct Planes {
    offsets: Vec<i32>,
    shift: u32,
    /// For each plane, the residuals of each weight number over all activations.
    residuals: Vec<Vec<[u16; 256]>>,
}

impl Planes {
    pub(super) fn new(residuals: &Residuals) -> Self {
        let planes = (0..residuals.planes(16).max(1)).map(|plane| {
            residuals.rows().map(|row| std::array::from_fn(|a| (row[a] >> (16 * plane)) as u16)).collect()
        });
        Planes { offsets: residuals.offsets().to_vec(), shift: residuals.shift(), residuals: planes.collect() }
    }
}

/// Memory for tables and sums.
#[derive(Debug)]
pub(super) struct Workspace {
    /// [`TABLES`] of them.
    tables: Vec<[Entry; 256]>,
    /// Of [`LANES`] lanes.
    words: Vec<Words>,
}

impl Default for Workspace {
    fn default() -> Self {
        Workspace { tables: vec![[Entry::default(); 256]; TABLES], words: vec![Words::default(); LANES] }
    }
}

impl Columns {
    pub(super) fn new(weights: WeightMatrix, used: &UsedWeights, terms: &Arc<Planes>) -> Self {
        Columns { codes: used.encode(weights), depth: weights.depth(), terms: Arc::clone(terms) }
    }

    /// Adds the terms of outputs `rows` over the products of `depth` to `sums`.
    ///
    /// # Panics
    /// When rows or depth reach past the weights or the tile.
    #[target_feature(enable = "avx2")]
    pub(super) fn add(
        &self,
        workspace: &mut Workspace,
        tile: &Tile,
        rows: Range<usize>,
        depth: Range<usize>,
        sums: &mut [Lanes<i32>],
    ) {
        for (first, sums) in rows.step_by(OUTPUTS).zip(sums.chunks_mut(OUTPUTS)) {
            // Outputs past the last are computed as copies of it and dropped.
            let codes: [&[u8]; OUTPUTS] =
                std::array::from_fn(|i| &self.codes[(first + i.min(sums.len() - 1)) * self.depth..][..self.depth]);
            for (codes, sums) in codes.iter().zip(&mut *sums) {
                let offset = codes[depth.clone()]
                    .iter()
                    .fold(0i32, |offset, &code| offset.wrapping_add(self.terms.offsets[usize::from(code)]));
                sums.0.iter_mut().for_each(|sum| *sum = sum.wrapping_add(offset));
            }
            for (plane, shift) in self.terms.residuals.iter().zip((self.terms.shift..).step_by(16)) {
                for start in depth.clone().step_by(CHUNK) {
                    let chunk = start..(start + CHUNK).min(depth.end);
                    workspace.words.fill(Words::default());
                    for start in chunk.clone().step_by(TABLES) {
                        let ks = start..(start + TABLES).min(chunk.end);
                        workspace.look_up(plane, &codes, tile, ks);
                    }
                    workspace.widen(shift, sums);
                }
            }
        }
    }
}

impl Workspace {
    /// Sums the terms of up to [`TABLES`] products for all lanes of a tile.
    #[target_feature(enable = "avx2")]
    fn look_up(&mut self, plane: &[[u16; 256]], codes: &[&[u8]; OUTPUTS], tile: &Tile, ks: Range<usize>) {
        let tile_rows: [&Lanes<u8>; TABLES] = std::array::from_fn(|i| &tile.rows()[(ks.start + i).min(ks.end - 1)]);
        for ((table, row), k) in self.tables.iter_mut().zip(tile_rows).zip(ks.clone()) {
            let largest = row.0[..tile.columns()].iter().fold(0, |largest: u8, &byte| byte.max(largest));
            transpose(&codes.map(|codes| &plane[usize::from(codes[k])]), largest, table);
        }
        let words = &mut self.words[..tile.columns()];
        match ks.len() {
            1 => sum_entries::<1>(&self.tables, tile_rows, words),
            2 => sum_entries::<2>(&self.tables, tile_rows, words),
            3 => sum_entries::<3>(&self.tables, tile_rows, words),
            _ => sum_entries::<4>(&self.tables, tile_rows, words),
        }
    }

    /// Adds the sums of all lanes, times `2^shift`, to each output's.
    #[target_feature(enable = "avx2")]
    fn widen(&self, shift: u32, sums: &mut [Lanes<i32>]) {
        let count = _mm_cvtsi32_si128(shift.cast_signed());
        for (eight, lanes) in self.words.as_chunks::<8>().0.iter().enumerate() {
            for (half, sums) in sums.chunks_mut(8).enumerate() {
                let by_lane = lanes.each_ref().map(|Words([words, upper])| {
                    // SAFETY: half of an entry is eight terms, 16 bytes, whose access is unaligned.
                    let [words, upper] = [words, upper]
                        .map(|entry| unsafe { _mm_loadu_si128(entry.0[8 * half..][..8].as_ptr().cast()) });
                    let lower = _mm256_cvtepu16_epi32(_mm_sub_epi16(words, _mm_slli_epi16::<8>(upper)));
                    _mm256_add_epi32(lower, _mm256_slli_epi32::<8>(_mm256_cvtepu16_epi32(upper)))
                });
                for (by_output, sums) in transpose_words(by_lane).into_iter().zip(sums) {
                    let sums = sums.0[8 * eight..][..8].as_mut_ptr().cast();
                    // SAFETY: the slice is of eight sums, 32 bytes, whose access is unaligned.
                    unsafe {
                        let sum = _mm256_add_epi32(_mm256_loadu_si256(sums), _mm256_sll_epi32(by_output, count));
                        _mm256_storeu_si256(sums, sum);
                    }
                }
            }
        }
    }
}

/// Turns lane `i` of register `j` into lane `j` of register `i`.
#[target_feature(enable = "avx2")]
fn transpose_words(r: [__m256i; 8]) -> [__m256i; 8] {
    let pairs = |i: usize| (_mm256_unpacklo_epi32(r[i], r[i + 1]), _mm256_unpackhi_epi32(r[i], r[i + 1]));
    let ((a0, a1), (b0, b1), (c0, c1), (d0, d1)) = (pairs(0), pairs(2), pairs(4), pairs(6));
    let fours = |a, b| (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
    let ((ab0, ab1), (ab2, ab3), (cd0, cd1), (cd2, cd3)) = (fours(a0, b0), fours(a1, b1), fours(c0, d0), fours(c1, d1));
    let halves = [(ab0, cd0), (ab1, cd1), (ab2, cd2), (ab3, cd3)];
    let (low, high) = (
        halves.map(|(ab, cd)| _mm256_permute2x128_si256::<0x20>(ab, cd)),
        halves.map(|(ab, cd)| _mm256_permute2x128_si256::<0x31>(ab, cd)),
    );
    [low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]]
}

/// Makes the entries of activations up to `largest` from sixteen weights' terms.
#[target_feature(enable = "avx2")]
fn transpose(rows: &[&[u16; 256]; OUTPUTS], largest: u8, table: &mut [Entry; 256]) {
    for first in (0..=usize::from(largest)).step_by(8) {
        // SAFETY: `first` is a multiple of 8 below 256, so that eight terms from it on are within a row,
        // and eight entries within the table, which is aligned.
        unsafe {
            let half = |row: usize| _mm_loadu_si128(rows[row].as_ptr().add(first).cast());
            let pair = |row| _mm256_set_m128i(half(row + 8), half(row));
            let r: [__m256i; 8] = std::array::from_fn(pair);
            let words = |i: usize| (_mm256_unpacklo_epi16(r[i], r[i + 1]), _mm256_unpackhi_epi16(r[i], r[i + 1]));
            let ((a0, a1), (b0, b1), (c0, c1), (d0, d1)) = (words(0), words(2), words(4), words(6));
            for (half, [a, b, c, d]) in [[a0, b0, c0, d0], [a1, b1, c1, d1]].into_iter().enumerate() {
                let (ab0, ab1) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
                let (cd0, cd1) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
                let entries = table.as_mut_ptr().add(first + 4 * half).cast::<__m256i>();
                _mm256_store_si256(entries, _mm256_unpacklo_epi64(ab0, cd0));
                _mm256_store_si256(entries.add(1), _mm256_unpackhi_epi64(ab0, cd0));
                _mm256_store_si256(entries.add(2), _mm256_unpacklo_epi64(ab1, cd1));
                _mm256_store_si256(entries.add(3), _mm256_unpackhi_epi64(ab1, cd1));
            }
        }
    }
}

/// Adds, for each lane, the entries of its activations in the first `COUNT` tables.
#[target_feature(enable = "avx2")]
fn sum_entries<const COUNT: usize>(tables: &[[Entry; 256]], rows: [&Lanes<u8>; TABLES], words: &mut [Words]) {
    for (lane, sums) in words.iter_mut().enumerate().take(LANES) {
        // SAFETY: entries and sums are aligned registers.
        unsafe {
            let sums = sums.0.as_mut_ptr().cast::<__m256i>();
            let (mut words, mut upper) = (_mm256_load_si256(sums), _mm256_load_si256(sums.add(1)));
            for (table, row) in tables.iter().zip(rows).take(COUNT) {
                let entry = _mm256_load_si256(table[usize::from(row.0[lane])].0.as_ptr().cast());
                words = _mm256_add_epi16(words, entry);
                upper = _mm256_add_epi16(upper, _mm256_srli_epi16::<8>(entry));
            }
            _mm256_store_si256(sums, words);
            _mm256_store_si256(sums.add(1), upper);
        }
    }
}
