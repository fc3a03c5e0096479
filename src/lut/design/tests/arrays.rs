//! Designs that leave parts of the array of partial products out.

use super::*;

/// A carry-save array, cell by cell: `omitted(i, j)` cells have no partial product and no adder, and
/// the final row ripples.
fn carry_save_array(a: i32, b: i32, omitted: impl Fn(usize, usize) -> bool) -> i32 {
    let (mut sums, mut carries) = ([0; 17], [0; 17]);
    for i in 0..8 {
        let mut next = [0; 17];
        for j in 0..8 {
            let column = i + j;
            if omitted(i, j) {
                next[column] |= carries[column];
                continue;
            }
            let inputs = [bit(a, j) & bit(b, i), sums[column], carries[column]];
            let ones: i32 = inputs.iter().sum();
            sums[column] = ones & 1;
            next[column + 1] |= ones >> 1;
        }
        carries = next;
    }
    let number = |bits: &[i32]| bits.iter().rev().fold(0, |number, bit| number << 1 | bit);
    number(&sums) + number(&carries)
}

#[test]
fn broken_array_is_a_carry_save_array_without_the_omitted_cells() {
    check_family("broken-array", Signedness::Unsigned, |values, a, b| {
        carry_save_array(a, b, |i, j| i < values[0] || i + j < values[1])
    });
}

#[test]
fn signed_broken_arrays_keep_their_sign_cells() {
    // Two's complement: bit 7 weighs -128. Cells of bits below the signs are left out as in unsigned arrays.
    check_family("broken-array", Signedness::Signed, |values, a, b| {
        let weight = |position: usize| if position == 7 { -128 } else { 1 << position };
        let cells = (0..8).flat_map(|i| (0..8).map(move |j| (i, j)));
        let kept = cells.filter(|&(i, j)| i == 7 || j == 7 || (i >= values[0] && i + j >= values[1]));
        kept.map(|(i, j)| bit(a, j) * weight(j) * bit(b, i) * weight(i)).sum()
    });
}

#[test]
fn broken_rows_lose_their_sign_cells_too() {
    check_family("broken-rows", Signedness::Signed, |values, a, b| {
        let weight = |position: usize| if position == 7 { -128 } else { 1 << position };
        let cells = (values[0]..8).flat_map(|i| (0..8).map(move |j| (i, j)));
        let kept = cells.filter(|&(i, j)| i == 7 || j == 7 || i + j >= values[1]);
        kept.map(|(i, j)| bit(a, i) * weight(i) * bit(b, j) * weight(j)).sum()
    });
}

#[test]
fn truncation_loses_the_low_columns() {
    check_family("truncated", Signedness::Unsigned, |columns, a, b| {
        let cells = (0..8).flat_map(|i| (0..8).map(move |j| (i, j))).filter(|(i, j)| i + j < columns[0]);
        a * b - cells.map(|(i, j)| (bit(a, j) & bit(b, i)) << (i + j)).sum::<i32>()
    });
}

#[test]
fn the_mean_error_of_truncation_is_a_quarter_of_the_lost_weights() {
    // Each partial product is 1 for a quarter of the pairs; column c < 8 has c + 1 of them.
    for columns in 1..=8u32 {
        let lost: u32 = (0..columns).map(|c| (c + 1) << c).sum();
        let metrics = ErrorMetrics::compute(&lut(&format!("truncated-{columns}")));
        assert!((metrics.bias + f64::from(lost) / 4.0).abs() < 1e-9);
        assert_eq!(metrics.wce, lost);
    }
}

#[test]
fn udm_loses_two_for_each_pair_of_digits_three() {
    check("udm", |a, b| {
        let threes = |operand: i32| {
            (0..4).filter(|digit| operand >> (2 * digit) & 3 == 3).map(|digit| 1 << (2 * digit)).sum::<i32>()
        };
        a * b - 2 * threes(a) * threes(b)
    });
}

#[test]
fn udm_has_its_published_errors() {
    // Kulkarni et al., Table I, 8 bits: error probability 0.46, mean error 3.25 % of all pairs, maximum 22.22 %.
    let metrics = metrics("udm");
    assert_eq!((100.0 * metrics.ep).floor(), 46.0);
    assert_eq!((1e4 * metrics.mre * 65_025.0 / 65_536.0).round(), 325.0);
    assert_eq!((1e4 * metrics.wcre).round(), 2222.0);
}

#[test]
fn the_correction_is_the_mean_loss_in_whole_columns() {
    for columns in 1..=14 {
        let cells = (0..8).flat_map(|i| (0..8).map(move |j| i + j)).filter(|&column| column < columns);
        let mean = cells.map(|column| f64::from(column).exp2()).sum::<f64>() / 4.0;
        let unit = f64::from(columns).exp2();
        let constant = ((mean / unit).round() * unit) as i32;
        let plain = lut(&format!("truncated-{columns}"));
        check(&format!("truncated-corrected-{columns}"), |a, b| plain.product(a, b) + constant);
    }
}

#[test]
fn perforation_leaves_rows_out() {
    check_family("perforated", Signedness::Unsigned, |values, a, b| {
        let left_out = values[0]..values[0] + values[1];
        (0..8).filter(|row| !left_out.contains(row)).map(|row| (a * bit(b, row)) << row).sum()
    });
    for_each_case([(0, 1), (0, 7), (2, 3), (7, 1), (4, 4)], |(j, k)| {
        let name = format!("perforated-j{j}-k{k}");
        // Zervakis et al., section III-B: NMED = 2^j (2^k - 1) / (4 (2^n - 1)) for uniform operands.
        let published = f64::from((1 << j) * ((1 << k) - 1)) / (4.0 * 255.0);
        assert!((metrics(&name).nmed - published).abs() < 1e-12);
    });
}

#[test]
fn a_recursive_multiplier_errs_by_its_or_adder() {
    // a + b is (a or b) + (a and b): the or adder loses the and of the lower parts, but for the carry.
    for lower in 1..=8 {
        check(&format!("recursive-loa-{lower}"), |a, b| {
            let both = (a / 16 * (b % 16)) & (a % 16 * (b / 16));
            a * b + 16 * ((bit(both, lower - 1) << lower) - both % (1 << lower))
        });
    }
}

#[test]
fn etm_scans_for_the_first_one() {
    check("etm", |a, b| {
        if a < 16 && b < 16 {
            return a * b;
        }
        let mut low = 0;
        let mut seen = false;
        for position in (0..4).rev() {
            seen |= bit(a, position) == 1 || bit(b, position) == 1;
            low = 4 * low + if seen { 3 } else { 0 };
        }
        256 * (a / 16) * (b / 16) + low
    });
}

#[test]
fn signed_perforation_keeps_the_row_of_the_sign() {
    check_family("perforated", Signedness::Signed, |values, a, b| {
        let left_out = values[0]..values[0] + values[1];
        (0..7).filter(|row| !left_out.contains(row)).map(|row| (a * bit(b, row)) << row).sum::<i32>()
            - 128 * a * bit(b, 7)
    });
    assert!("perforated-j4-k4-signed".parse::<Design>().is_err());
}

/// Bits 0 to 8 of a Booth row before its sign's completion: `digit * a`, or one less when negative.
fn booth_row(digit: i32, a: i32) -> i32 {
    digit * a - i32::from(digit < 0)
}

#[test]
fn approximate_booth_encoders_change_low_bits() {
    for columns in 1..=15 {
        let changed = |encoder: fn(i32, bool, i32, usize) -> i32| {
            move |a: i32, b: i32| {
                let mut product = a * b;
                for i in 0..4 {
                    let code = (b << 1 >> (2 * i)) & 7;
                    let digit = [0, 1, 1, 2, -2, -1, -1, 0][code as usize];
                    for j in (0..9).filter(|j| 2 * i + j < columns) {
                        let exact = bit(booth_row(digit, a), j);
                        // The highest bit is the row's sign.
                        let weight = if j == 8 { -256 } else { 1 << j };
                        product += ((encoder(digit, code >= 4, a, j) - exact) * weight) << (2 * i);
                    }
                }
                product
            }
        };
        let first = changed(|digit, _, a, j| if digit.abs() == 1 { bit(booth_row(digit, a), j) } else { 0 });
        check(&format!("r4abm1-{columns}"), first);
        let second = changed(|_, inverted, a, j| bit(if inverted { !a } else { a }, j));
        check(&format!("r4abm2-{columns}"), second);
    }
}
