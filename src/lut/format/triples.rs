//! A table as lines of `a b product`, as a testbench prints them: any order of lines and of columns.

use super::FormatError;
use super::numbers::Numbers;
use crate::kernel::Signedness;
use crate::lut::Bits;
use crate::lut::reading::{IndexOrder, PartialReading};

/// Names of the three columns, in lower case.
const NAMES: [&[&str]; 3] = [
    &["a", "x", "op1", "in1", "input1", "first", "operand1", "operand_a", "activation"],
    &["b", "y", "w", "op2", "in2", "input2", "second", "operand2", "operand_b", "weight"],
    &["p", "product", "prod", "out", "output", "result", "res", "z", "c", "o", "r", "value"],
];

/// Whether every line has three numbers. No matrix or stream of products has.
pub(super) fn recognizes(numbers: &Numbers) -> bool {
    numbers.rows.len() > 1 && numbers.rows.iter().all(|&row| row == 3)
}

/// The products in the order of their operands, and what these say of the reading. The columns are known by
/// their names, else by what they hold: two of them count every pair of operands once.
pub(super) fn arrange(numbers: &Numbers) -> Result<(Numbers, PartialReading), FormatError> {
    let lines = numbers.values.as_chunks::<3>().0;
    // As they stand, then with the product between and before the operands.
    let orders = named(&numbers.names).map_or_else(|| vec![[0, 1, 2], [0, 2, 1], [1, 2, 0]], |order| vec![order]);
    orders.into_iter().find_map(|order| table(lines, order)).ok_or_else(|| {
        FormatError::Broken(format!(
            "{} lines of three numbers, of which no two columns count all pairs of operands; expected 'a b product' \
             once for every a and b, 65536 lines for 8 bits each",
            lines.len()
        ))
    })
}

/// The places of first operand, second operand and product in a header.
fn named(names: &[String]) -> Option<[usize; 3]> {
    let place = |known: &[&str]| {
        let mut found = names.iter().enumerate().filter(|(_, name)| known.contains(&name.to_lowercase().as_str()));
        found.next().map(|(place, _)| place).filter(|_| found.next().is_none())
    };
    (names.len() == 3).then_some(())?;
    Some([place(NAMES[0])?, place(NAMES[1])?, place(NAMES[2])?])
}

/// The table, if columns `a` and `b` hold every pair of operands of some widths exactly once.
fn table(lines: &[[i128; 3]], [a, b, product]: [usize; 3]) -> Option<(Numbers, PartialReading)> {
    let operand = |column: usize| {
        let values = || lines.iter().map(|line| line[column]);
        let (first, last) = (values().min()?, values().max()?);
        let bits = Bits::from_value_count(usize::try_from(last - first + 1).ok()?)?;
        let counts = |signedness: Signedness| *bits.range(signedness).start() == first as i32;
        let signedness = [Signedness::Unsigned, Signedness::Signed].into_iter().find(|kind| counts(*kind))?;
        Some((bits, signedness, first))
    };
    let ((rows, signedness, first_row), (columns, other, first_column)) = (operand(a)?, operand(b)?);
    let (width, entries) = (columns.values(), rows.values() * columns.values());
    if signedness != other || lines.len() != entries {
        return None;
    }
    let mut values = vec![None; entries];
    for line in lines {
        let at = (line[a] - first_row) as usize * width + (line[b] - first_column) as usize;
        if values[at].replace(line[product]).is_some() {
            return None;
        }
    }
    let values = values.into_iter().collect::<Option<Vec<i128>>>()?;
    // Counting up from 0 says nothing: it may be of numbers or of bit patterns.
    let stated = match signedness {
        Signedness::Unsigned => PartialReading::default(),
        Signedness::Signed => PartialReading {
            signedness: Some(Signedness::Signed),
            index: Some(IndexOrder::Numeric),
            ..PartialReading::default()
        },
    };
    Some((Numbers { values, rows: vec![width; rows.values()], names: Vec::new(), line: 0 }, stated))
}

#[cfg(test)]
mod tests {
    use crate::cases::for_each_case;
    use crate::kernel::Signedness;
    use crate::lut::{OpenOptions, read_stream};

    /// Not symmetric, so that operands that were exchanged would show.
    fn product(a: i32, b: i32) -> i32 {
        (a & !1) * b
    }

    fn lines(operands: impl Iterator<Item = i32> + Clone, line: fn(i32, i32, i32) -> String) -> Vec<String> {
        operands.clone().flat_map(|a| operands.clone().map(move |b| line(a, b, product(a, b)))).collect()
    }

    #[test]
    fn columns_are_known_by_their_names_or_by_what_they_hold() {
        let unsigned = || 0..256;
        let signed = || -128..128;
        let shuffled = |mut lines: Vec<String>| {
            lines.sort();
            lines.join("\n")
        };
        let cases = [
            (lines(unsigned(), |a, b, p| format!("{a} {b} {p}")).join("\n"), Signedness::Unsigned),
            (shuffled(lines(unsigned(), |a, b, p| format!("{p},{a},{b}"))), Signedness::Unsigned),
            (shuffled(lines(signed(), |a, b, p| format!("{a};{p};{b}"))), Signedness::Signed),
            (
                format!("# simulated\n// twice\n; {}\nB,Product,A\n", "remark")
                    + &shuffled(lines(signed(), |a, b, p| format!("{b},{p},{a} # ok"))),
                Signedness::Signed,
            ),
            // Operands as bit patterns of a signed multiplier.
            (lines(signed(), |a, b, p| format!("{} {} {p}", a as u8, b as u8)).join("\n"), Signedness::Signed),
            (lines(unsigned(), |a, b, p| format!("{a:#x} {b:#04x} {p:#X}")).join("\n"), Signedness::Unsigned),
        ];
        for_each_case(cases, |(text, signedness)| {
            let lut = read_stream(text.as_bytes(), "lut.csv", &OpenOptions::default()).unwrap();
            assert_eq!(lut.signedness(), signedness);
            assert!(lut.products().all(|(a, b, found)| found == product(a, b)));
        });
    }

    #[test]
    fn lines_that_are_no_table_are_refused() {
        let all = lines(0..256, |a, b, p| format!("{a} {b} {p}"));
        let twice = [&all[..65_535], &all[..1]].concat();
        let cases = [
            all[..65_535].join("\n"),
            twice.join("\n"),
            "1 2 2\n1 3 3\n".to_owned(),
            format!("{}\n1 2", all.join("\n")),
        ];
        for_each_case(cases, |text| {
            let error = read_stream(text.as_bytes(), "lut.txt", &OpenOptions::default()).unwrap_err();
            assert!(error.to_string().contains("lut.txt"), "{error}");
        });
    }
}
