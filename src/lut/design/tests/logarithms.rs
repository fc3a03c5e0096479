//! Designs that work on the operands' logarithms or leading fractions.

use super::*;

#[test]
fn mitchell_adds_piecewise_linear_logarithms() {
    // All quantities are dyadic and short, so that f64 is exact.
    let log = |x: i32| f64::from(x.ilog2()) + f64::from(x) / f64::from(x.ilog2()).exp2() - 1.0;
    let antilog = |l: f64| l.floor().exp2() * (1.0 + l - l.floor());
    check("mitchell", |a, b| if a * b == 0 { 0 } else { antilog(log(a) + log(b)) as i32 });
}

#[test]
fn mitchell_errs_downwards_by_a_ninth_at_most() {
    // The relative error is largest at x = y = 1/2: 1 - 2 / (3/2)^2 = 1/9.
    let metrics = ErrorMetrics::compute(&lut("mitchell"));
    assert!((metrics.wcre - 1.0 / 9.0).abs() < 1e-12);
    assert!((metrics.bias + metrics.mae).abs() < 1e-9);
}

/// `operand` as a power of two and a fraction from 1 on.
fn split(operand: i32) -> (f64, f64) {
    let power = f64::from(operand.ilog2()).exp2();
    (power, f64::from(operand) / power)
}

/// The product that `fractions` gives for the operands' fractions, cut off at the units. All
/// quantities are dyadic and short, so that f64 is exact.
fn scaled(a: i32, b: i32, fractions: impl Fn(f64, f64) -> f64) -> i32 {
    if a == 0 || b == 0 {
        return 0;
    }
    let ((p, x), (q, y)) = (split(a), split(b));
    (p * q * fractions(x, y)).floor() as i32
}

#[test]
fn mbm_adds_its_constant_to_mitchell() {
    let constant = 0.078_125;
    check("mbm", |a, b| {
        let plain = |x: f64, y: f64| if x + y < 3.0 { x + y - 1.0 } else { 2.0 * (x + y - 2.0) };
        let corrected = scaled(a, b, |x, y| plain(x, y) + constant);
        if corrected > 65_535 { scaled(a, b, plain) } else { corrected }
    });
}

/// The relative errors of the pairs with a product.
fn relative_errors(name: &str) -> Vec<(i32, i32, f64)> {
    let pairs = lut(name);
    let relative = pairs.products().filter(|(a, b, _)| a * b != 0);
    relative.map(|(a, b, product)| (a, b, f64::from(product - a * b) / f64::from(a * b))).collect()
}

#[test]
fn mbm_has_its_published_errors() {
    // Saadat et al., Table I, 8 bits, over all pairs: error bias 0.05 %, mean error 2.69 %; peak error
    // 7.81 %, which here holds for products whose correction loses no bits.
    let errors = relative_errors("mbm");
    let bias = errors.iter().map(|(.., error)| error).sum::<f64>() / 65_536.0;
    let mean = errors.iter().map(|(.., error)| error.abs()).sum::<f64>() / 65_536.0;
    let whole = errors.iter().filter(|(a, b, _)| a.ilog2() + b.ilog2() >= 7);
    let peak = whole.map(|(.., error)| error.abs()).fold(0.0, f64::max);
    assert_eq!([bias, mean, peak].map(|error| (1e4 * error).round()), [5.0, 269.0, 781.0]);
}

#[test]
fn tosam_truncates_the_sum_and_rounds_the_product() {
    let cut = |fraction: f64, bits: i32| ((fraction - 1.0) * f64::from(bits).exp2()).floor() / f64::from(bits).exp2();
    check_family("tosam", Signedness::Unsigned, |values, a, b| {
        let (h, t) = (values[0] as i32, values[1] as i32);
        let middle = |fraction| cut(fraction, h) + f64::from(-h - 1).exp2();
        scaled(a, b, |x, y| 1.0 + cut(x, t) + cut(y, t) + middle(x) * middle(y))
    });
}

#[test]
fn tosam_has_its_published_mean_error() {
    // Vahdat et al., abstract: mean errors from 11 % down, the coarsest member being (0, 2). Operands with
    // all 7 fraction bits stand for the paper's wide ones.
    let errors = relative_errors("tosam-h0-t2").into_iter().filter(|&(a, b, _)| a.min(b) >= 128);
    let mean = errors.map(|(.., error)| error.abs()).sum::<f64>() / (128.0 * 128.0);
    assert_eq!((100.0 * mean).round(), 11.0);
}

#[test]
fn ou_errs_by_the_product_of_distances_from_the_cell_s_middle() {
    for level in 0..=3 {
        check(&format!("ou-{level}"), |a, b| {
            let cells = f64::from(level).exp2();
            let off = |fraction: f64| fraction - ((fraction * cells).floor() + 0.5) / cells;
            scaled(a, b, |x, y| x * y - off(x) * off(y))
        });
    }
    // The first plane of the paper.
    assert_eq!(lut("ou-0").product(128, 128), (128.0 * 128.0 * (1.5 + 1.5 - 2.25)) as i32);
}

/// A chain of adder cells over logarithms of 3 and 7 bits, the lower ones given by `cell`, which
/// takes both bits and the carry from below to the sum and the carry up.
fn rippled(a: i32, b: i32, cell: impl Fn(usize, i32, i32, i32) -> (i32, i32)) -> i32 {
    if a == 0 || b == 0 {
        return 0;
    }
    let log = |operand: i32| (128.0 * (split(operand).0.log2() + split(operand).1 - 1.0)) as i32;
    let (mut carry, mut sum) = (0, 0);
    for position in 0..11 {
        let (bit, up) = cell(position, bit(log(a), position), bit(log(b), position), carry);
        sum |= bit << position;
        carry = up;
    }
    let (characteristic, fraction) = (sum / 128, f64::from(sum % 128) / 128.0);
    ((1.0 + fraction) * f64::from(characteristic).exp2()).floor() as i32
}

#[test]
fn approximate_logarithmic_multipliers_ripple_through_approximate_cells() {
    let exact = |a: i32, b: i32, carry: i32| ((a + b + carry) & 1, (a + b + carry) >> 1);
    for lower in 1..=6usize {
        let cells = |low: fn(i32, i32) -> (i32, i32)| {
            move |position: usize, a: i32, b: i32, carry: i32| {
                if position < lower { low(a, b) } else { exact(a, b, carry) }
            }
        };
        check(&format!("alm-soa-{lower}"), |a, b| rippled(a, b, cells(|a, b| (1, a & b))));
        check(&format!("alm-loa-{lower}"), |a, b| rippled(a, b, cells(|a, b| (a | b, a & b))));
        check(&format!("alm-maa-{lower}"), |a, b| rippled(a, b, cells(|a, b| (b, a))));
    }
}
