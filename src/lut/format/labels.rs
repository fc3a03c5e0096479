//! Operands as labels of a text's rows and columns.

use super::numbers::Numbers;
use crate::kernel::Signedness;
use crate::lut::Bits;
use crate::lut::reading::{IndexOrder, PartialReading};

/// The table without its labels, and what these say of it; `None` when there are none: when the first
/// row and column do not count the operands in some order.
pub(super) fn strip(numbers: &Numbers) -> Option<(Numbers, PartialReading)> {
    let (&header, rest) = numbers.rows.split_first()?;
    let width = *rest.first()?;
    let bits = [Bits::from_value_count(rest.len())?, Bits::from_value_count(width.checked_sub(1)?)?];
    // A corner that is a number is one more in the first row; a text or a blank is not.
    if rest.iter().any(|&row| row != width) || !(width - 1..=width).contains(&header) {
        return None;
    }
    let (first, body) = numbers.values.split_at(header);
    let columns = &first[header - (width - 1)..];
    let rows: Vec<i128> = body.chunks(width).map(|row| row[0]).collect();
    let orders = [order(&rows, bits[0])?, order(columns, bits[1])?];
    let values = body.chunks(width).flat_map(|row| &row[1..]).copied().collect();
    let stripped = Numbers { values, rows: vec![width - 1; rest.len()], names: Vec::new(), line: 0 };
    (orders[0] == orders[1]).then_some((stripped, orders[0]))
}

/// What `labels` say when they count all operands of a width. Counting up from 0 says nothing: it
/// may be of numbers or of bit patterns.
fn order(labels: &[i128], bits: Bits) -> Option<PartialReading> {
    let counts = |signedness: Signedness, index: IndexOrder| {
        let first = i128::from(*bits.range(signedness).start());
        let at = |position: usize| first + i128::try_from(index.numeric(position, bits)).unwrap_or(i128::MAX);
        labels.len() == bits.values() && labels.iter().enumerate().all(|(position, &label)| label == at(position))
    };
    if counts(Signedness::Unsigned, IndexOrder::Numeric) {
        return Some(PartialReading::default());
    }
    let index = [IndexOrder::Numeric, IndexOrder::TwosComplement]
        .into_iter()
        .find(|&index| counts(Signedness::Signed, index))?;
    Some(PartialReading { signedness: Some(Signedness::Signed), index: Some(index), ..PartialReading::default() })
}

#[cfg(test)]
mod tests {
    use crate::lut::format::FORMATS;
    use crate::lut::{IndexOrder, LutFormat, OpenOptions, read_stream};

    /// A table of `product` over `operands` with labels, behind `corner`.
    fn labeled(corner: &str, operands: &[i32], product: fn(i32, i32) -> i32) -> String {
        let line = |cells: Vec<String>| cells.join(",") + "\n";
        let header = line(std::iter::once(corner.to_owned()).chain(operands.iter().map(i32::to_string)).collect());
        let row = |&a: &i32| {
            line(std::iter::once(a).chain(operands.iter().map(|&b| product(a, b))).map(|n| n.to_string()).collect())
        };
        header + &operands.iter().map(row).collect::<String>()
    }

    #[test]
    fn labels_are_dropped_and_used_as_stated() {
        let numeric: Vec<i32> = (-128..128).collect();
        let twos_complement: Vec<i32> = (0..128).chain(-128..0).collect();
        let unsigned: Vec<i32> = (0..256).collect();
        let rough = |a: i32, b: i32| (a * b) & !255;
        let options = OpenOptions {
            format: Some(LutFormat { container: FORMATS.get("csv").copied(), ..LutFormat::default() }),
            ..OpenOptions::default()
        };
        for corner in ["", "a\\b", "0"] {
            for (operands, index) in [
                (&numeric, IndexOrder::Numeric),
                (&twos_complement, IndexOrder::TwosComplement),
                (&unsigned, IndexOrder::Numeric),
            ] {
                let text = labeled(corner, operands, rough);
                let lut = read_stream(text.as_bytes(), "-", &options).unwrap();
                assert_eq!(lut.provenance().reading.unwrap().index, index);
                assert!(lut.products().all(|(a, b, product)| product == rough(a, b)));
            }
        }
    }

    #[test]
    fn what_only_looks_like_labels_stays() {
        let shifted = labeled("", &(1..257).collect::<Vec<_>>(), |a, b| a * b);
        assert!(FORMATS.find("csv").unwrap().read(shifted.as_bytes()).is_err());
        let named = "table\n1 2 3\n";
        assert!(FORMATS.find("text").unwrap().read(named.as_bytes()).unwrap_err().to_string().contains("'table'"));
    }
}
