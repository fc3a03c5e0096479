//! Values from one layout to another.

use super::Lanes;

/// Overwrites `out[p * width + o]` with `rows[o].0[p]` for the first `columns` lanes.
///
/// # Panics
/// When `out` is too short.
pub fn to_positions<T: Copy>(rows: &[Lanes<T>], columns: usize, width: usize, out: &mut [T]) {
    for (o, row) in rows.iter().enumerate() {
        for (p, &value) in row.0[..columns].iter().enumerate() {
            out[p * width + o] = value;
        }
    }
}

/// Overwrites `out[c * n + p]` with `positions[p * elements + c]`, for `n` positions of `elements`.
///
/// # Panics
/// When the slices do not hold as many.
pub fn to_planar<T: Copy>(positions: &[T], elements: usize, channels: usize, out: &mut [T]) {
    let n = out.len() / channels;
    for (c, out) in out.chunks_exact_mut(n).enumerate() {
        for (p, value) in out.iter_mut().enumerate() {
            *value = positions[p * elements + c];
        }
    }
}

/// Overwrites `out[p * elements + c]` with `planar[c * stride + p]`, for the positions of `out`.
///
/// # Panics
/// When there are not so many planar values.
pub fn from_planar<T: Copy>(planar: &[T], stride: usize, channels: usize, elements: usize, out: &mut [T]) {
    let positions = out.len() / elements;
    for c in 0..channels {
        for (out, &value) in out.chunks_exact_mut(elements).zip(&planar[c * stride..][..positions]) {
            out[c] = value;
        }
    }
}

/// Overwrites `out` with the entries of `bytes`.
///
/// # Panics
/// When the slices differ in length.
pub fn map<T: Copy>(table: &[T; 256], bytes: &[u8], out: &mut [T]) {
    assert_eq!(bytes.len(), out.len());
    out.iter_mut().zip(bytes).for_each(|(to, &byte)| *to = table[usize::from(byte)]);
}
