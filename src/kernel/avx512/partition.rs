//! Tile rows separated by their largest byte: those below 128 take half the look-ups.

use super::lookup::AHEAD;
use crate::kernel::{Lanes, Tile};
use std::arch::x86_64::*;
use std::ops::Range;

/// Tile rows and one output's codes for them, `AHEAD` more than there are rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) rows: &'a [Lanes<u8>],
    pub(super) codes: &'a [u8],
}

/// Rows that were moved together, where a tile has both kinds.
#[derive(Debug, Default)]
struct Moved {
    rows: Vec<Lanes<u8>>,
    codes: Vec<u8>,
}

/// The kinds of a range of tile rows.
#[derive(Debug, Default)]
pub(super) struct Partition {
    /// A bit for each row, in words of 64: whether any byte in use is above 127.
    whole: Vec<u64>,
    low_rows: Moved,
    whole_rows: Moved,
}

impl Partition {
    /// Sorts the rows of `depth`.
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn split(&mut self, tile: &Tile, depth: Range<usize>) {
        let rows = &tile.rows()[depth];
        self.whole.clear();
        for rows in rows.chunks(64) {
            let reaches = |row: &Lanes<u8>| row.0[..tile.columns()].iter().fold(0, |union, byte| union | byte) >> 7;
            let word = rows.iter().enumerate().fold(0, |word, (k, row)| word | u64::from(reaches(row)) << k);
            self.whole.push(word);
        }
        self.low_rows.rows.clear();
        self.whole_rows.rows.clear();
        let count: usize = self.whole.iter().map(|word| word.count_ones() as usize).sum();
        if count == 0 || count == rows.len() {
            return;
        }
        for (k, row) in rows.iter().enumerate() {
            let whole = self.whole[k / 64] >> (k % 64) & 1 == 1;
            if whole { &mut self.whole_rows } else { &mut self.low_rows }.rows.push(*row);
        }
    }

    /// The parts of the rows that were sorted, first the one below 128, for one output's `codes`,
    /// which are `AHEAD` more than the rows.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2")]
    pub(super) fn parts<'a>(
        &'a mut self,
        tile: &'a Tile,
        depth: Range<usize>,
        codes: &'a [u8],
    ) -> (Part<'a>, Part<'a>) {
        let (all, none) = (Part { rows: &tile.rows()[depth], codes }, Part { rows: &[], codes: &codes[..AHEAD] });
        if self.whole_rows.rows.is_empty() {
            return if self.whole[0] == 0 { (all, none) } else { (none, all) };
        }
        for (moved, flip) in [(&mut self.low_rows, u64::MAX), (&mut self.whole_rows, 0)] {
            moved.codes.resize(moved.rows.len() + 64 + AHEAD, 0);
            let mut filled = 0;
            for (word, start) in self.whole.iter().zip((0..).step_by(64)) {
                let count = (all.rows.len() - start).min(64);
                let present = u64::MAX >> (64 - count);
                let chosen = (word ^ flip) & present;
                // SAFETY: only the `count` codes that are there are read.
                let codes = unsafe { _mm512_maskz_loadu_epi8(present, codes[start..][..count].as_ptr().cast()) };
                let out = &mut moved.codes[filled..][..64];
                // SAFETY: `out` is 64 bytes long.
                unsafe { _mm512_storeu_epi8(out.as_mut_ptr().cast(), _mm512_maskz_compress_epi8(chosen, codes)) };
                filled += chosen.count_ones() as usize;
            }
        }
        let part = |moved: &'a Moved| Part { rows: &moved.rows, codes: &moved.codes };
        (part(&self.low_rows), part(&self.whole_rows))
    }
}
