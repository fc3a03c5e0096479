//! Bytes replaced by the entries of a table.

/// Overwrites `out` with the entries of `bytes`.
///
/// # Panics
/// When the slices differ in length.
pub fn map<T: Entry>(table: &[T; 256], bytes: &[u8], out: &mut [T]) {
    assert_eq!(bytes.len(), out.len());
    T::map(table, bytes, out);
}

/// What tables are of.
pub trait Entry: Copy {
    /// [`map`], for slices of one length.
    fn map(table: &[Self; 256], bytes: &[u8], out: &mut [Self]) {
        out.iter_mut().zip(bytes).for_each(|(to, &byte)| *to = table[usize::from(byte)]);
    }
}

impl Entry for i16 {}

impl Entry for u8 {
    fn map(table: &[u8; 256], bytes: &[u8], out: &mut [u8]) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vbmi") {
            // SAFETY: the processor has the instructions.
            return unsafe { permute(table, bytes, out) };
        }
        out.iter_mut().zip(bytes).for_each(|(to, &byte)| *to = table[usize::from(byte)]);
    }
}

/// [`map`] in registers: a permutation of half a table for each half, of which the highest bit chooses.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512bw,avx512vbmi")]
fn permute(table: &[u8; 256], bytes: &[u8], out: &mut [u8]) {
    use std::arch::x86_64::{
        __m512i, _mm512_loadu_si512, _mm512_mask_blend_epi8, _mm512_mask_storeu_epi8, _mm512_maskz_loadu_epi8,
        _mm512_movepi8_mask, _mm512_permutex2var_epi8, _mm512_setzero_si512, _mm512_storeu_si512,
    };
    const REGISTER: usize = 64;
    let mut entries = [_mm512_setzero_si512(); 4];
    for (entries, table) in entries.iter_mut().zip(table.as_chunks::<REGISTER>().0) {
        // SAFETY: a chunk is a register of bytes.
        *entries = unsafe { _mm512_loadu_si512(table.as_ptr().cast()) };
    }
    let of = |bytes: __m512i| {
        let [a, b, c, d] = entries;
        let (low, high) = (_mm512_permutex2var_epi8(a, bytes, b), _mm512_permutex2var_epi8(c, bytes, d));
        _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), low, high)
    };
    let (chunks, rest) = bytes.as_chunks::<REGISTER>();
    let (out_chunks, out_rest) = out.as_chunks_mut::<REGISTER>();
    for (bytes, out) in chunks.iter().zip(out_chunks) {
        // SAFETY: both are registers of bytes.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), of(_mm512_loadu_si512(bytes.as_ptr().cast()))) };
    }
    let mask = !(u64::MAX << rest.len().min(out_rest.len()));
    // SAFETY: the mask is of the bytes that are left, fewer than a register's.
    unsafe {
        let rest = _mm512_maskz_loadu_epi8(mask, rest.as_ptr().cast());
        _mm512_mask_storeu_epi8(out_rest.as_mut_ptr().cast(), mask, of(rest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bytes_of_all_lengths_become_their_entries() {
        let table: [u8; 256] = std::array::from_fn(|byte| (byte * 167 + 3) as u8);
        let words: [i16; 256] = std::array::from_fn(|byte| (byte * 40_503) as i16);
        for length in (0..200).chain([256, 1_000]) {
            let bytes: Vec<u8> = (0..length).map(|i| (i * 59 + length) as u8).collect();
            let (mut out, mut word_out) = (vec![0; length], vec![0; length]);
            map(&table, &bytes, &mut out);
            map(&words, &bytes, &mut word_out);
            for (i, &byte) in bytes.iter().enumerate() {
                assert_eq!(
                    (out[i], word_out[i]),
                    (table[usize::from(byte)], words[usize::from(byte)]),
                    "{length}: {i}"
                );
            }
        }
    }
}
