//! Compressor trees against their netlists, written out column by column.

use super::super::compressor::{Compressor, akbari, momeni, venkatachalam, yang};
use super::*;

/// The cells of each column in the two stages, in the order that they take bits: C compressor, F full
/// adder, H half adder.
const STAGES: [[&str; 15]; 2] = [
    ["", "", "", "", "H", "C", "CH", "CC", "CF", "CH", "C", "H", "", "", ""],
    ["", "", "H", "C", "C", "C", "C", "C", "C", "C", "C", "C", "C", "H", ""],
];

/// The exact product with the error of every compressor added at its column.
fn netlist(compressor: Compressor, approximate: usize, a: i32, b: i32) -> i32 {
    let mut wires = vec![Vec::new(); 16];
    for (column, wires) in wires.iter_mut().enumerate() {
        wires.extend(
            (0..8).filter(|&i| (0..8).contains(&(column as i32 - i as i32))).map(|i| bit(b, i) * bit(a, column - i)),
        );
    }
    let mut product = a * b;
    for stage in STAGES {
        let mut next = vec![Vec::new(); 17];
        for (column, wires) in wires.iter().enumerate() {
            let mut wires = wires.iter().copied();
            for cell in stage.get(column).filter(|_| column < approximate).map_or("", |cells| cells).chars() {
                let inputs = "HFC".find(cell).unwrap() + 2;
                let mut take = [0; 4];
                take.iter_mut().take(inputs).zip(&mut wires).for_each(|(input, wire)| *input = wire);
                let ones: i32 = take.iter().sum();
                let (sum, carry) = if cell == 'C' { compressor(take) } else { (ones & 1, ones >> 1) };
                product += (sum + 2 * carry - ones) << column;
                next[column].push(sum);
                next[column + 1].push(carry);
            }
            next[column].extend(wires);
        }
        wires = next;
    }
    product
}

#[test]
fn trees_are_their_netlists() {
    let compressors: [(&str, Compressor); 4] =
        [("momeni", momeni), ("yang", yang), ("venkatachalam", venkatachalam), ("akbari", akbari)];
    compressors.into_par_iter().for_each(|(name, compressor)| {
        for columns in [4, 7, 10, 15] {
            check(&format!("dadda-{name}-{columns}"), |a, b| netlist(compressor, columns, a, b));
        }
    });
}

/// The inputs for which a compressor errs, as numbers x1 x2 x3 x4, and its largest error.
fn errors(compressor: Compressor) -> (Vec<i32>, i32) {
    let error = |inputs: i32| {
        let x = [3, 2, 1, 0].map(|position| bit(inputs, position));
        let (sum, carry) = compressor(x);
        (sum + 2 * carry - x.iter().sum::<i32>()).abs()
    };
    ((0..16).filter(|&inputs| error(inputs) != 0).collect(), (0..16).map(error).max().unwrap())
}

#[test]
fn compressors_err_where_their_papers_say() {
    assert_eq!(errors(momeni), (vec![0b0000, 0b0011, 0b1100, 0b1111], 1));
    assert_eq!(errors(yang), (vec![0b1111], 1));
    assert_eq!(errors(venkatachalam), (vec![0b0101, 0b0110, 0b1001, 0b1010, 0b1111], 1));
    // Akbari et al., section III: DQ4:2C1 has an error rate of 62.5 %.
    assert_eq!(errors(akbari).0.len(), 10);
}

#[test]
fn momeni_s_fourth_multiplier_has_its_published_errors() {
    // Momeni et al., over operands that are not 0: 9320 exact products, mean error 0.7827e-3 and extremes
    // 0.1845e-2 and -0.3076e-2, all of 65025.
    let tree = lut("dadda-momeni-7");
    let errors: Vec<i32> =
        tree.products().filter(|(a, b, _)| a * b != 0).map(|(a, b, product)| product - a * b).collect();
    let part = |error: f64| (1e7 * error / 65_025.0).round() / 1e3;
    assert_eq!(errors.iter().filter(|&&error| error == 0).count(), 9320);
    assert_eq!(part(errors.iter().map(|&error| f64::from(error.abs())).sum::<f64>() / 65_025.0), 7.827);
    assert_eq!(part(f64::from(*errors.iter().max().unwrap())), 18.454);
    assert_eq!(part(f64::from(*errors.iter().min().unwrap())), -30.757);
}
