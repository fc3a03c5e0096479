//! A multiplier's errors as a small picture, where its table can be opened again.

use crate::lut::{self, Bits, Coding, Lut, LutInfo, OpenOptions, Operand};
use crate::printable::{printable, shortened};
use crate::report::html::HeatMap;

/// The most cells a side.
const CELLS: usize = 64;

/// The errors of the multiplier of `info`, whose name or path is `spec`.
///
/// # Errors
/// Says why there is no such table any more.
pub(super) fn of(info: &LutInfo, spec: &str, coding: Option<Coding>) -> Result<HeatMap, String> {
    let options = OpenOptions { swap_operands: info.reading.swapped, coding, ..OpenOptions::default() };
    let lut = lut::open(spec, &options).map_err(|error| printable(&shortened(&error.to_string())).into_owned())?;
    if lut.blake3() != info.blake3 {
        return Err("the table has changed since".to_owned());
    }
    Ok(draw(&lut, CELLS))
}

/// The errors of `lut` over at most `most` cells a side.
fn draw(lut: &Lut, most: usize) -> HeatMap {
    let values = lut.bits().map(Bits::values);
    let cells = values.map(|values| values.min(most));
    let ranges = [Operand::Activation, Operand::Weight].map(|operand| lut.operand_range(operand));
    let place = |operand: usize, value: i32| {
        let offset = value.abs_diff(*ranges[operand].start()) as usize;
        offset * cells[operand] / values[operand]
    };
    let mut sums = vec![0i64; cells[0] * cells[1]];
    for (a, b, product) in lut.products() {
        sums[place(0, a) * cells[1] + place(1, b)] += i64::from(product) - i64::from(a * b);
    }
    let pairs = (values[0] * values[1] / sums.len()) as f64;
    let means: Vec<f64> = sums.into_iter().map(|sum| sum as f64 / pairs).collect();
    let largest = means.iter().fold(0.0f64, |most, mean| most.max(mean.abs()));
    let byte = |mean: f64| {
        let strength = if largest > 0.0 { (mean.abs() / largest).sqrt() } else { 0.0 };
        (strength.copysign(mean) * 127.0).round() as i8
    };
    let bytes: Vec<u8> = means.into_iter().map(|mean| byte(mean).cast_unsigned()).collect();
    let operands = ranges.map(|range| [*range.start(), *range.end()]);
    HeatMap { cells, operands, largest, bytes: base64(&bytes) }
}

/// Bytes in base 64 (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            text.push(if digit <= group.len() { char::from(DIGITS[value as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use crate::kernel::Signedness;

    /// Vectors of RFC 4648, and its two last digits.
    #[test]
    fn bytes_in_base_64() {
        let cases: [(&[u8], &str); 5] =
            [(b"", ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foobar", "Zm9vYmFy"), (&[255, 239, 191], "/++/")];
        for_each_case(cases, |(bytes, text)| assert_eq!(base64(bytes), text));
    }

    #[test]
    fn cells_are_means_of_errors() {
        // 400 too small where both operands are in the upper half, 100 too large where both are in the lower one.
        let lut = Lut::from_fn("two", Signedness::Unsigned, |a, b| {
            a * b
                + match (a >= 128, b >= 128) {
                    (true, true) => -400,
                    (false, false) => 100,
                    _ => 0,
                }
        });
        let map = draw(&lut, 2);
        assert_eq!((map.cells, map.operands, map.largest), ([2, 2], [[0, 255], [0, 255]], 400.0));
        // The root of a quarter is a half.
        assert_eq!(map.bytes, base64(&[64, 0, 0, (-127i8).cast_unsigned()]));
        let exact = draw(&Lut::from_fn("exact", Signedness::Signed, |a, b| a * b), 64);
        assert_eq!((exact.largest, exact.operands, exact.bytes), (0.0, [[-128, 127]; 2], base64(&[0; 64 * 64])));
    }
}
