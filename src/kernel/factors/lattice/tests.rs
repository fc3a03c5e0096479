//! Lattices of which the shortest vectors are known.

use super::*;
use crate::cases::for_each_case;
use proptest::prelude::*;

fn spanned(vectors: &[Vec<i64>]) -> Lattice {
    Lattice::spanned(vectors, Length::Norm, 8).unwrap()
}

/// The basis, each vector with a positive first value, in order.
fn basis(lattice: &Lattice) -> Vec<Vec<i64>> {
    let sign = |vector: &Vec<i64>| vector.iter().find(|&&value| value != 0).map_or(1, |value| value.signum());
    let mut basis: Vec<Vec<i64>> =
        lattice.basis().iter().map(|vector| vector.iter().map(|value| value * sign(vector)).collect()).collect();
    basis.sort();
    basis
}

#[test]
fn short_vectors_are_found() {
    let cases = [
        (vec![vec![0, 0, 0]], vec![]),
        // Of one vector, its direction.
        (vec![vec![6, -9, 12], vec![-4, 6, -8]], vec![vec![2, -3, 4]]),
        (vec![vec![1, 1_000_000, 0], vec![1, 1_000_001, 0]], vec![vec![0, 1, 0], vec![1, 0, 0]]),
        (vec![vec![201, 37], vec![1648, 297]], vec![vec![1, 32], vec![40, 1]]),
    ];
    for_each_case(cases, |(vectors, expected)| assert_eq!(basis(&spanned(&vectors)), expected));
}

#[test]
fn lattices_of_many_dimensions_are_given_up() {
    let unit = |i: usize| (0..9).map(|j| i64::from(i == j)).collect::<Vec<i64>>();
    let units: Vec<Vec<i64>> = (0..9).map(unit).collect();
    assert!(Lattice::spanned(&units, Length::Norm, 8).is_none());
    assert_eq!(Lattice::spanned(&units, Length::Norm, 9).unwrap().dimensions(), 9);
}

#[test]
fn all_integer_functions_of_a_span_are_added() {
    // Their sum and difference, and combinations with the denominators 3, 5 and 1009.
    let vectors = [vec![1, 1, 0, 7], vec![1, -1, 0, 7 - 2 * 3 * 5 * 1009]];
    let lattice = spanned(&vectors);
    assert_eq!(lattice.coordinates(&[0, 1, 0, 15_135]), None);
    let saturated = lattice.saturated().unwrap();
    assert!(saturated.coordinates(&[0, 1, 0, 15_135]).is_some());
    assert_eq!(saturated.dimensions(), 2);
}

#[test]
fn constants_do_not_matter_for_variances() {
    let vectors = [vec![0, 1, 0, 1, 0, 1], vec![0, 5, 4, 5, 4, 5]];
    let lattice = Lattice::spanned(&vectors, Length::Variance, 8).unwrap();
    // 1 but at the first operand, which is constant nearly everywhere, is the shorter by variance.
    assert_eq!(
        lattice.saturated().unwrap().basis()[0].iter().map(|value| value.abs()).collect::<Vec<_>>(),
        [0, 1, 1, 1, 1, 1]
    );
}

#[test]
fn functions_that_are_zero_span_nothing() {
    let lattice = spanned(&[vec![0, 0, 0]]);
    assert_eq!((lattice.dimensions(), lattice.coordinates(&[0, 0, 0])), (0, Some(vec![])));
    assert_eq!(lattice.combine(&[]), [0, 0, 0]);
}

#[test]
fn ranks_are_those_at_some_operands() {
    let lattice = spanned(&[vec![1, 0, 1, 0], vec![0, 2, 2, 0], vec![1, 1, 5, 0]]);
    let cases = [(vec![], 0), (vec![3], 0), (vec![0, 3], 1), (vec![0, 1], 2), (vec![0, 1, 2], 3)];
    for_each_case(cases, |(operands, rank)| assert_eq!(lattice.rank_at(&operands), rank));
}

#[test]
fn divisors_are_common() {
    for_each_case([(vec![], 0), (vec![0, 0], 0), (vec![-4, 6], 2), (vec![i64::MIN, 96], 32)], |(values, divisor)| {
        assert_eq!(gcd(values), divisor);
    });
}

proptest! {
    #![proptest_config(crate::cases::property(64))]

    /// Every vector that was put in is an integer combination of the basis, and the basis is reduced.
    #[test]
    fn bases_span_what_was_put_in(
        short in prop::collection::vec(prop::collection::vec(-100..=100i64, 12), 1..=5),
        mix in prop::collection::vec(prop::collection::vec(-50..=50i64, 5), 1..=20),
    ) {
        let combine = |mix: &Vec<i64>| -> Vec<i64> {
            (0..12).map(|i| short.iter().zip(mix).map(|(vector, &by)| by * vector[i]).sum()).collect()
        };
        let vectors: Vec<Vec<i64>> = mix.iter().map(combine).collect();
        let lattice = spanned(&vectors);
        prop_assert!(lattice.dimensions() <= short.len().min(mix.len()));
        for vector in &vectors {
            let coordinates = lattice.coordinates(vector).unwrap();
            prop_assert_eq!(&lattice.combine(&coordinates), vector);
        }
        let norm = |vector: &Vec<i64>| vector.iter().map(|value| (value * value) as f64).sum::<f64>();
        // A bound of reduced bases: the first vector is at most 2^((n - 1) / 2) times the shortest.
        if let Some(first) = lattice.basis().first() {
            let bound = 2f64.powi(lattice.dimensions() as i32 - 1);
            for vector in vectors.iter().filter(|vector| norm(vector) > 0.0) {
                prop_assert!(norm(first) <= bound * norm(vector));
            }
        }
        let saturated = lattice.saturated().unwrap();
        prop_assert!(vectors.iter().all(|vector| saturated.coordinates(vector).is_some()));
    }
}
