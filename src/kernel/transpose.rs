//! Values from one layout to another: from channels to positions and back.
//!
//! All of these are transpositions, whose cost is that of the cache lines they touch, not of their elements: whole
//! lines are read and written block by block, and in a block, registers full of elements are.

use super::{LANES, Lanes};

/// Numbers, which are all of their bytes.
pub trait Plain: Copy + sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! plain {
    ($($number:ty),+) => {
        $(impl Plain for $number {}

        impl sealed::Sealed for $number {})+
    };
}

plain!(u8, i8, i16, i32, i64, f32, f64);

/// Overwrites `out[p * width + o]` with `rows[o].0[p]` for the first `columns` lanes.
///
/// # Panics
/// When `out` is too short, or `width` less than the rows.
pub fn to_positions<T: Plain>(rows: &[Lanes<T>], columns: usize, width: usize, out: &mut [T]) {
    assert!(columns <= LANES, "{columns} lanes");
    transpose(Lanes::flatten(rows), LANES, [rows.len(), columns], out, width);
}

/// Overwrites `out[c * n + p]` with `positions[p * elements + c]`, for `n` positions of `elements`.
///
/// # Panics
/// When the slices do not hold as many.
pub fn to_planar<T: Plain>(positions: &[T], elements: usize, channels: usize, out: &mut [T]) {
    let n = out.len() / channels;
    transpose(positions, elements, [n, channels], out, n);
}

/// Overwrites `out[p * elements + c]` with `planar[c * stride + p]`, for the positions of `out`.
///
/// # Panics
/// When there are not so many planar values, or elements.
pub fn from_planar<T: Plain>(planar: &[T], stride: usize, channels: usize, elements: usize, out: &mut [T]) {
    let n = out.len() / elements;
    transpose(planar, stride, [channels, n], out, elements);
}

/// Overwrites `out[j * out_stride + i]` with `values[i * stride + j]`, for all `i` of `rows` and `j` of `columns`.
///
/// # Panics
/// When the slices do not hold as many, or `out_stride` is less than the rows.
pub fn transpose<T: Plain>(values: &[T], stride: usize, [rows, columns]: [usize; 2], out: &mut [T], out_stride: usize) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(columns <= values.len() && rows - 1 <= (values.len() - columns) / stride.max(1), "{rows} rows of values");
    assert!(rows <= out.len() && columns - 1 <= (out.len() - rows) / out_stride.max(1), "{columns} columns of output");
    assert!(rows <= out_stride || columns == 1, "{rows} rows in steps of {out_stride}");
    assert!(columns <= stride || rows == 1, "{columns} columns in steps of {stride}");
    match (rows, columns) {
        (1, _) => few_rows::<T, 1>(values, stride, columns, out, out_stride),
        (2, _) => few_rows::<T, 2>(values, stride, columns, out, out_stride),
        (3, _) => few_rows::<T, 3>(values, stride, columns, out, out_stride),
        (_, 1) => few_columns::<T, 1>(values, stride, rows, out, out_stride),
        (_, 2) => few_columns::<T, 2>(values, stride, rows, out, out_stride),
        (_, 3) => few_columns::<T, 3>(values, stride, rows, out, out_stride),
        _ => many(values, stride, [rows, columns], out, out_stride),
    }
}

/// [`transpose`] of so few rows that a line of the output is written at once.
fn few_rows<T: Plain, const ROWS: usize>(
    values: &[T],
    stride: usize,
    columns: usize,
    out: &mut [T],
    out_stride: usize,
) {
    let rows: [&[T]; ROWS] = std::array::from_fn(|i| &values[i * stride..][..columns]);
    for (j, out) in out.chunks_mut(out_stride.max(ROWS)).take(columns).enumerate() {
        let out: &mut [T; ROWS] = out.first_chunk_mut().expect("asserted");
        for (to, row) in out.iter_mut().zip(&rows) {
            *to = row[j];
        }
    }
}

/// [`transpose`] of so few columns that a line of the values is read at once.
fn few_columns<T: Plain, const COLUMNS: usize>(
    values: &[T],
    stride: usize,
    rows: usize,
    out: &mut [T],
    out_stride: usize,
) {
    let mut lines = out.chunks_mut(out_stride.max(rows));
    let mut lines: [&mut [T]; COLUMNS] = std::array::from_fn(|_| &mut lines.next().expect("asserted")[..rows]);
    for (i, values) in values.chunks(stride.max(COLUMNS)).take(rows).enumerate() {
        let values: &[T; COLUMNS] = values.first_chunk().expect("asserted");
        for (line, &value) in lines.iter_mut().zip(values) {
            line[i] = value;
        }
    }
}

/// [`transpose`] of many rows and columns.
fn many<T: Plain>(values: &[T], stride: usize, [rows, columns]: [usize; 2], out: &mut [T], out_stride: usize) {
    // Elements of a cache line.
    let line = 64 / size_of::<T>();
    let side = side::<T>();
    if rows < side || columns < side {
        return plain(values, stride, [rows, columns], out, out_stride);
    }
    for across in (0..columns).step_by(line) {
        let across = across..(across + line).min(columns);
        for block in (0..rows).step_by(line) {
            for j in across.clone().step_by(side) {
                for i in (block..(block + line).min(rows)).step_by(side) {
                    // The last square may write once more what the one before it did.
                    let (i, j) = (i.min(rows - side), j.min(columns - side));
                    // SAFETY: the square ends within rows and columns, which `transpose` has asserted are there.
                    unsafe {
                        let from = values.as_ptr().add(i * stride + j);
                        square(from, stride, out.as_mut_ptr().add(j * out_stride + i), out_stride);
                    }
                }
            }
        }
    }
}

/// [`transpose`], element by element.
fn plain<T: Plain>(values: &[T], stride: usize, [rows, columns]: [usize; 2], out: &mut [T], out_stride: usize) {
    if rows < columns {
        for j in 0..columns {
            let out = &mut out[j * out_stride..][..rows];
            out.iter_mut().zip(values[j..].iter().step_by(stride)).for_each(|(to, &from)| *to = from);
        }
    } else {
        for i in 0..rows {
            let values = &values[i * stride..][..columns];
            out[i..].iter_mut().step_by(out_stride).zip(values).for_each(|(to, &from)| *to = from);
        }
    }
}

/// Rows and columns that [`square`] transposes at once.
fn side<T: Plain>() -> usize {
    if cfg!(target_arch = "x86_64") && size_of::<T>() <= 4 { 16 / size_of::<T>() } else { 4 }
}

/// Transposes [`side`] rows and columns.
///
/// # Safety
/// As many elements are at each of as many steps of `stride` from `from` on, and likewise writable at `to`.
unsafe fn square<T: Plain>(from: *const T, stride: usize, to: *mut T, out_stride: usize) {
    // SAFETY: as the caller states; the elements have as many bytes as those of the registers' numbers.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        match size_of::<T>() {
            1 => return super::shuffle::transpose_bytes(from.cast(), stride, to.cast(), out_stride),
            2 => return super::shuffle::transpose_words(from.cast(), stride, to.cast(), out_stride),
            4 => return super::shuffle::transpose_doublewords(from.cast(), stride, to.cast(), out_stride),
            _ => {}
        }
        for i in 0..4 {
            for j in 0..4 {
                *to.add(j * out_stride + i) = *from.add(i * stride + j);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Compares with element by element, where what is not asked for stays.
    fn check<T: Plain + PartialEq + std::fmt::Debug>(
        number: impl Fn(usize) -> T,
        [rows, columns]: [usize; 2],
        [more, out_more]: [usize; 2],
    ) -> Result<(), TestCaseError> {
        let (stride, out_stride) = (columns + more, rows + out_more);
        let values: Vec<T> = (0..(rows - 1) * stride + columns).map(&number).collect();
        let mut out = vec![number(7); (columns - 1) * out_stride + rows];
        let mut expected = out.clone();
        for i in 0..rows {
            for j in 0..columns {
                expected[j * out_stride + i] = values[i * stride + j];
            }
        }
        transpose(&values, stride, [rows, columns], &mut out, out_stride);
        prop_assert_eq!(out, expected);
        Ok(())
    }

    proptest! {
        #[test]
        fn rows_become_columns(sizes in [1usize..=90, 1usize..=90], more in [0usize..=20, 0usize..=20]) {
            check(|i| (i * 31 % 251) as u8, sizes, more)?;
            check(|i| (i * 7_919) as i16, sizes, more)?;
            check(|i| i as i32, sizes, more)?;
            check(|i| i as f32, sizes, more)?;
            check(|i| i as i64, sizes, more)?;
        }
    }

    #[test]
    fn channels_become_positions_and_back() {
        // Three channels, of which positions have four elements.
        let planar = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15i16];
        let mut positions = [0; 20];
        from_planar(&planar, 5, 3, 4, &mut positions);
        assert_eq!(positions, [1, 6, 11, 0, 2, 7, 12, 0, 3, 8, 13, 0, 4, 9, 14, 0, 5, 10, 15, 0]);
        let mut back = [0; 15];
        to_planar(&positions, 4, 3, &mut back);
        assert_eq!(back, planar);
    }

    #[test]
    fn lanes_become_positions() {
        let rows: [Lanes<i32>; 5] = std::array::from_fn(|o| Lanes(std::array::from_fn(|p| (1_000 * o + p) as i32)));
        let mut out = [-1; 6 * 7];
        to_positions(&rows, 6, 7, &mut out);
        for (p, out) in out.chunks_exact(7).enumerate() {
            let expected = [0, 1_000, 2_000, 3_000, 4_000].map(|o| o + p as i32);
            assert_eq!((&out[..5], &out[5..]), (&expected[..], &[-1, -1][..]));
        }
    }
}
