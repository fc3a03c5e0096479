//! Designs that multiply segments or rounded operands.

use super::*;

#[test]
fn drum_keeps_the_leading_digits() {
    let segment = |kept: usize, operand: i32| {
        let digits = format!("{operand:b}");
        if digits.len() <= kept {
            return operand;
        }
        let segment = digits[..kept - 1].to_owned() + "1" + &"0".repeat(digits.len() - kept);
        i32::from_str_radix(&segment, 2).unwrap()
    };
    for kept in 3..=7 {
        check(&format!("drum-{kept}"), |a, b| segment(kept, a) * segment(kept, b));
        check(&format!("drum-{kept}-signed"), |a, b| {
            a.signum() * b.signum() * segment(kept, a.abs()) * segment(kept, b.abs())
        });
    }
}

#[test]
fn drum_has_its_published_worst_errors() {
    // Hashemi et al., Table II: 56.25 % for 3 bits, 26.56 % for 4, whatever the operands' width.
    for (name, published) in [("drum-3", 5625.0), ("drum-4", 2656.0)] {
        assert_eq!((1e4 * metrics(name).wcre).round(), published);
    }
}

#[test]
fn segments_lose_what_is_below_them() {
    for m in 3..=7usize {
        check(&format!("dsm-{m}"), |a, b| {
            let leading = |operand: i32| {
                let digits = format!("{operand:b}");
                let kept = digits[..m.min(digits.len())].to_owned() + &"0".repeat(digits.len().saturating_sub(m));
                i32::from_str_radix(&kept, 2).unwrap()
            };
            leading(a) * leading(b)
        });
    }
    for m in 4..=7 {
        check(&format!("ssm-{m}"), |a, b| {
            let part = |operand: i32| if operand < 1 << m { operand } else { operand - operand % (256 >> m) };
            part(a) * part(b)
        });
    }
    check("essm", |a, b| {
        let part =
            |operand: i32| operand - operand % [1, 4, 16][usize::from(operand >= 16) + usize::from(operand >= 64)];
        part(a) * part(b)
    });
}

/// The power of two nearest to `operand`, the larger of two but for 3.
fn nearest_power(operand: i32) -> i32 {
    let powers = (0..=8).map(|k| 1 << k);
    if operand == 3 { 2 } else { powers.min_by_key(|power| (2 * (power - operand) - 1).abs()).unwrap() }
}

#[test]
fn roba_omits_the_product_of_what_was_rounded_off() {
    let product = |a: i32, b: i32| {
        if a == 0 || b == 0 {
            return 0;
        }
        a * b - (nearest_power(a) - a) * (nearest_power(b) - b)
    };
    check("roba", product);
    check("roba-signed", |a, b| a.signum() * b.signum() * product(a.abs(), b.abs()));
    // Zendegani et al., section III-C: the largest relative error is 11.1 %, a ninth.
    assert!((metrics("roba").wcre - 1.0 / 9.0).abs() < 1e-12);
}
