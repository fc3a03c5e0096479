//! Tables that are made of factors, which must be found again.

use super::*;
use crate::cases::for_each_case;
use proptest::prelude::*;

/// `scale f(a) g(w)`, by byte.
struct Planted {
    scale: i32,
    activations: Vec<i32>,
    weights: Vec<i32>,
}

fn table_of([activation, weight]: [Signedness; 2], planted: &[Planted], offsets: &[i32]) -> EffectiveTable {
    let byte = |value: i32| usize::from(value as u8);
    EffectiveTable::from_fn(activation, weight, |a, w| {
        let term = |planted: &Planted| {
            planted.scale.wrapping_mul(planted.activations[byte(a)].wrapping_mul(planted.weights[byte(w)]))
        };
        planted.iter().map(term).fold(offsets[byte(w)], i32::wrapping_add)
    })
}

/// Factors of random bytes, with a few kinds of scales.
fn random(numbers: &mut Numbers, rank: usize) -> Vec<Planted> {
    let planted = |_| {
        let scale = match numbers.within(0..=2) {
            0 => 1,
            1 => 1 << numbers.within(0..=9),
            _ => numbers.within(1..=700) * (2 * numbers.within(0..=1) - 1),
        };
        let lowest = numbers.within(-255..=0);
        Planted { scale, activations: numbers.many(lowest..=lowest + 255), weights: numbers.many(-127..=127) }
    };
    (0..rank).map(planted).collect()
}

proptest! {
    #![proptest_config(crate::cases::property(48))]

    #[test]
    fn random_sums_are_found(
        seed in any::<u64>(),
        rank in 1..=8usize,
        signs in [0..2usize, 0..2usize],
        fewest in 130..=256usize,
    ) {
        let numbers = &mut Numbers(seed);
        let planted = random(numbers, rank);
        let offsets = numbers.many(-100_000..=100_000);
        let table = table_of(signs.map(|sign| SIGNS[sign]), &planted, &offsets);
        // Some of the bytes, from anywhere.
        let mut some = |fewest: usize| -> Vec<u8> {
            let mut bytes = all_bytes();
            while bytes.len() > fewest {
                bytes.remove(numbers.within(0..=bytes.len() as i32 - 1) as usize);
            }
            bytes
        };
        let (weights, activations) = (some(fewest), some(fewest));
        for found in counts(&table, &weights, &activations) {
            prop_assert!(found.is_some_and(|found| found <= rank), "{found:?} products");
        }
    }

    /// One wrong entry raises the rank by one.
    #[test]
    fn a_wrong_entry_is_seen(
        seed in any::<u64>(),
        rank in prop::sample::select(vec![1, 3, 8usize]),
        by in 1..10_000i32,
    ) {
        let numbers = &mut Numbers(seed);
        let planted = random(numbers, rank);
        let right = table_of([Signedness::Unsigned; 2], &planted, &[0; 256]);
        let place = [numbers.within(0..=255), numbers.within(0..=255)];
        let table = EffectiveTable::from_fn(Signedness::Unsigned, Signedness::Unsigned, |a, w| {
            right.term(a as u8, w as u8) + if [a, w] == place { by } else { 0 }
        });
        for found in counts(&table, &all_bytes(), &all_bytes()) {
            prop_assert!(found.is_none_or(|found| found > rank), "{found:?} products");
        }
        // Where the entry does not occur, nothing is wrong.
        let others: Vec<u8> = all_bytes().into_iter().filter(|&byte| i32::from(byte) != place[0]).collect();
        for found in counts(&table, &all_bytes(), &others) {
            prop_assert!(found.is_some_and(|found| found <= rank), "{found:?} products");
        }
    }
}

#[test]
fn only_operands_that_occur_matter() {
    let numbers = &mut Numbers(3);
    let mut noise = Numbers(4);
    let planted = random(numbers, 2);
    let inside = table_of([Signedness::Signed; 2], &planted, &[0; 256]);
    let table = EffectiveTable::from_fn(Signedness::Signed, Signedness::Signed, |a, w| {
        let is_inside = (-100..=90).contains(&a) && (-50..=70).contains(&w);
        if is_inside { inside.term(a as u8, w as u8) } else { noise.within(-30_000..=30_000) }
    });
    let (activations, weights) = (bytes_of(-100..=90), bytes_of(-50..=70));
    assert_eq!(counts(&table, &weights, &activations), [Some(2); 2]);
    for (weights, activations) in [(all_bytes(), activations), (weights, all_bytes())] {
        assert_eq!(counts(&table, &weights, &activations), [None; 2]);
    }
}

#[test]
fn fewer_weights_take_fewer_products() {
    let numbers = &mut Numbers(5);
    let mut planted = random(numbers, 4);
    for (k, planted) in planted.iter_mut().enumerate() {
        // The first two of even weights alone, the others of odd ones.
        let is_even = k < 2;
        planted.weights.iter_mut().step_by(2).for_each(|g| *g *= i32::from(is_even));
        planted.weights.iter_mut().skip(1).step_by(2).for_each(|g| *g *= i32::from(!is_even));
    }
    let table = table_of([Signedness::Unsigned; 2], &planted, &[7; 256]);
    let even: Vec<u8> = (0..=254).step_by(2).collect();
    assert_eq!(counts(&table, &all_bytes(), &all_bytes()), [Some(4); 2]);
    assert_eq!(counts(&table, &even, &all_bytes()), [Some(2); 2]);
    assert_eq!(counts(&table, &[3], &all_bytes()).map(|found| found.is_some_and(|found| found <= 4)), [true; 2]);
}

#[test]
fn wide_factors_take_several_operands() {
    let byte = 0..=255;
    // (Factors of activations, factors of weights, products of bytes)
    let cases = [
        (byte.clone(), -128..=127, 1),
        (-20_000..=40_000, -127..=127, 2),
        (-3..=200, -32_768..=32_639, 2),
        (-20_000..=40_000, -16_000..=16_000, 4),
        // Above 127 by the shift of all weights' factors, and one product for what they moved by.
        (byte.clone(), byte, 2),
    ];
    for_each_case(cases, |(activations, weights, products)| {
        let numbers = &mut Numbers(6);
        let planted = [Planted { scale: 1, activations: numbers.many(activations), weights: numbers.many(weights) }];
        let table = table_of([Signedness::Unsigned; 2], &planted, &[0; 256]);
        assert_eq!(counts(&table, &all_bytes(), &all_bytes()), [Some(products), Some(1)]);
    });
}

#[test]
fn extreme_terms_are_summed_modulo_2_to_the_32() {
    type Term = fn(i32, i32) -> i32;
    let cases: [(Term, [Option<usize>; 2]); 7] = [
        (|_, _| i32::MIN, [Some(0); 2]),
        (|_, w| w.wrapping_mul(77_777_777), [Some(0); 2]),
        (|a, _| if a == 0 { i32::MIN } else { i32::MAX }, [Some(1); 2]),
        (|a, w| a * w * 65_000, [Some(1); 2]),
        (|a, w| -(a * w * 65_000), [Some(1); 2]),
        (|a, w| (a - 128) * w * 65_536 + (a & 3) * (w >> 3), [Some(2); 2]),
        (|a, w| (a ^ w).wrapping_mul(a * a + 3 * w * w * w).wrapping_mul(0x9E37), [None; 2]),
    ];
    for_each_case(cases.into_iter().enumerate(), |(_, (term, products))| {
        let table = EffectiveTable::from_fn(Signedness::Unsigned, Signedness::Signed, term);
        assert_eq!(counts(&table, &all_bytes(), &all_bytes()), products);
    });
}

/// Layers may take the activations' bytes, or those a shift of the zero away, as operands.
#[test]
fn exact_products_keep_their_operands() {
    for_each_case([(Signedness::Signed, 128), (Signedness::Unsigned, 0)], |(activation, shift)| {
        let table = EffectiveTable::exact(activation, Signedness::Signed);
        let sum = Lowered::<u8, i8>::find(&table, &all_bytes(), &all_bytes(), 8).unwrap();
        let [term] = &sum.terms[..] else { panic!("one product") };
        assert_eq!(term.factor, 1);
        for byte in all_bytes() {
            let at = usize::from(byte);
            assert_eq!(i32::from(term.activations[at]), activation.value(byte) + shift);
            assert_eq!(term.weights[at], byte.cast_signed());
            assert_eq!(sum.offsets[at], -shift * i32::from(byte.cast_signed()));
        }
        let sum = Lowered::<i16, i16>::find(&table, &all_bytes(), &all_bytes(), 8).unwrap();
        assert!(sum.offsets.iter().all(|&offset| offset == 0));
    });
}
