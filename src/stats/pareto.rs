//! Pareto fronts: what no other choice beats in both respects.

/// The indices of the points `[cost, value]` that no other point dominates, in order of cost: none is at most as
/// costly and at least as good, and better in one of the two. Points with a NaN are on no front.
pub fn pareto_front(points: &[[f64; 2]]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).filter(|&i| points[i].iter().all(|x| !x.is_nan())).collect();
    order.sort_by(|&a, &b| points[a][0].total_cmp(&points[b][0]).then(points[b][1].total_cmp(&points[a][1])));
    let mut best: Option<[f64; 2]> = None;
    order.retain(|&i| {
        let is_on_front = best.is_none_or(|best| points[i][1] > best[1] || points[i] == best);
        if is_on_front {
            best = Some(points[i]);
        }
        is_on_front
    });
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn cheap_and_good_points_are_on_the_front() {
        let points = [[1.0, 0.9], [0.5, 0.8], [0.6, 0.7], [0.5, 0.6], [0.5, 0.8], [f64::NAN, 1.0]];
        assert_eq!(pareto_front(&points), [1, 4, 0]);
        assert!(pareto_front(&[]).is_empty());
    }

    proptest! {
        /// By the definition, all pairs looked at.
        #[test]
        fn fronts_are_those_of_the_definition(points in prop::collection::vec([0u8..12, 0u8..12], 0..40)) {
            let points: Vec<[f64; 2]> = points.iter().map(|point| point.map(f64::from)).collect();
            let dominates = |a: [f64; 2], b: [f64; 2]| a[0] <= b[0] && a[1] >= b[1] && a != b;
            let free = |&i: &usize| !points.iter().any(|&other| dominates(other, points[i]));
            let expected: BTreeSet<usize> = (0..points.len()).filter(free).collect();
            let found = pareto_front(&points);
            prop_assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), expected);
            prop_assert!(found.windows(2).all(|pair| points[pair[0]][0] <= points[pair[1]][0]));
        }
    }
}
