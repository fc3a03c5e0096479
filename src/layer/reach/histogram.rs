//! Counting bytes of which many are the same.
//!
//! After a ReLU most bytes are one value, and a count that was just stored has to come back from the store before it
//! can rise again. Neighboring bytes are therefore counted in tables of their own, which are added up at the end.

use crate::kernel::for_simd_levels;

/// Values of a byte.
pub(super) const BYTES: usize = 256;

/// Tables that many bytes are counted in.
const TABLES: usize = 8;

/// Tables that few are counted in, since tables have to be emptied.
const HALF: usize = TABLES / 2;

/// Bytes that are not worth all tables.
const FEW: usize = 256;

/// How often each byte was seen. One is used again and again: [`drain`](Histogram::drain) empties it.
#[derive(Debug)]
pub(super) struct Histogram {
    tables: Box<[[u32; BYTES]; TABLES]>,
    /// Whether there is anything in the second half.
    are_all_used: bool,
}

impl Histogram {
    pub fn new() -> Self {
        Histogram { tables: Box::new([[0; BYTES]; TABLES]), are_all_used: false }
    }

    /// Counts every `step`th byte of `line`, from the first one.
    pub fn count(&mut self, line: &[u8], step: usize) {
        let tables = &mut *self.tables;
        if step > 1 {
            let mut pieces = line.chunks_exact(HALF * step);
            for piece in &mut pieces {
                tables[..HALF].iter_mut().enumerate().for_each(|(i, table)| add_one(table, piece[i * step]));
            }
            let rest = pieces.remainder().iter().step_by(step);
            tables.iter_mut().zip(rest).for_each(|(table, &byte)| add_one(table, byte));
            return;
        }
        let mut few = line;
        if line.len() > FEW {
            self.are_all_used = true;
            let (eights, rest) = line.as_chunks::<TABLES>();
            for eight in eights {
                tables.iter_mut().zip(eight).for_each(|(table, &byte)| add_one(table, byte));
            }
            few = rest;
        }
        let (fours, rest) = few.as_chunks::<HALF>();
        for four in fours {
            tables[..HALF].iter_mut().zip(four).for_each(|(table, &byte)| add_one(table, byte));
        }
        tables.iter_mut().zip(rest).for_each(|(table, &byte)| add_one(table, byte));
    }

    /// Adds what was counted to `counts`, and starts anew.
    pub fn drain(&mut self, counts: &mut [u32]) {
        let (halves, _) = self.tables.as_chunks_mut::<HALF>();
        let used = if std::mem::take(&mut self.are_all_used) { 2 } else { 1 };
        halves.iter_mut().take(used).for_each(|half| drain(half, counts));
    }
}

fn add_one(table: &mut [u32; BYTES], byte: u8) {
    table[usize::from(byte)] += 1;
}

for_simd_levels! {
    fn drain(tables: &mut [[u32; BYTES]; HALF], counts: &mut [u32]) {
        let [a, b, c, d] = tables;
        for ((((count, a), b), c), d) in counts.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *count = count.wrapping_add(*a + *b + *c + *d);
            (*a, *b, *c, *d) = (0, 0, 0, 0);
        }
    }
}

for_simd_levels! {
    /// Adds `others` to `counts`.
    pub(super) fn add(counts: &mut [u32], others: &[u32]) {
        counts.iter_mut().zip(others).for_each(|(count, other)| *count = count.wrapping_add(*other));
    }
}

for_simd_levels! {
    /// Takes `others` off `counts`; what passes zero on the way comes back when all is summed.
    pub(super) fn subtract(counts: &mut [u32], others: &[u32]) {
        counts.iter_mut().zip(others).for_each(|(count, other)| *count = count.wrapping_sub(*other));
    }
}
