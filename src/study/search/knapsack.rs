//! The multiple-choice knapsack: one option a layer, so that harms add up to no more than a budget and costs are least.
//!
//! Harms are rounded up to steps of the budget, so that a choice never exceeds it; with that rounding, the dynamic
//! program is exact. One run has the answers for every budget up to the largest: as the budget grows, they are the
//! steps of a staircase.

use super::space::{Choice, Space};

/// A step of the staircase.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The least budget, in steps, that it needs.
    pub budget: usize,
    /// What it costs.
    pub cost: f64,
    /// The choice.
    pub choice: Choice,
}

/// The number of steps that `harm` takes of a budget that has so many; none for harm of 0 or less, `None` for more than
/// the budget.
pub fn steps_of(harm: f64, budget: f64, steps: usize) -> Option<usize> {
    if harm <= 0.0 {
        return Some(0);
    }
    let taken = (harm / budget * steps as f64).ceil();
    (taken <= steps as f64).then_some(taken as usize)
}

/// The cheapest choices of one of the `allowed` options a layer for every budget from 0 to `steps`, where option `k` of
/// layer `i` takes `harms[i][k]` steps, or is excluded: each step costs less than the one before. Empty where a layer
/// has no option that the largest budget allows.
pub fn staircase(space: &Space, harms: &[Vec<Option<usize>>], allowed: &[usize], steps: usize) -> Vec<Step> {
    // What the layers so far cost at least, by budget, and the option of the last of them.
    let mut least = vec![0.0; steps + 1];
    let mut options: Vec<Vec<u32>> = Vec::with_capacity(harms.len());
    for (layer, harms) in harms.iter().enumerate() {
        let (mut next, mut chosen) = (vec![f64::INFINITY; steps + 1], vec![0u32; steps + 1]);
        for &option in allowed {
            let Some(harm) = harms[option] else { continue };
            let cost = space.cost_of(layer, option);
            for budget in harm..=steps {
                let total = least[budget - harm] + cost;
                if total < next[budget] {
                    (next[budget], chosen[budget]) = (total, option as u32);
                }
            }
        }
        least = next;
        options.push(chosen);
    }
    let choice = |mut budget: usize| {
        let mut choice: Choice = (0..harms.len())
            .rev()
            .map(|layer| {
                let option = options[layer][budget] as usize;
                budget -= harms[layer][option].expect("an excluded option is never chosen");
                option
            })
            .collect();
        choice.reverse();
        choice
    };
    let mut stairs: Vec<Step> = Vec::new();
    for (budget, &cost) in least.iter().enumerate().take(steps + 1) {
        if cost.is_finite() && stairs.last().is_none_or(|last| cost < last.cost) {
            stairs.push(Step { budget, cost, choice: choice(budget) });
        }
    }
    stairs
}

/// At most `most` of `allowed`, so that the cheapest choice within `budget` steps costs as little as dropping one option
/// after the other gets: each time that one without which the least cost is least.
pub fn fewer_options(space: &Space, harms: &[Vec<Option<usize>>], allowed: &[usize], budget: usize) -> Vec<usize> {
    let cheapest = |allowed: &[usize]| staircase(space, harms, allowed, budget).pop();
    let mut allowed = allowed.to_vec();
    // Options that the best choice has no use for go first, all at once.
    if let Some(best) = cheapest(&allowed) {
        allowed = Space::used(&best.choice);
    }
    while allowed.len() > space.most() {
        let without = |option: usize| {
            let rest: Vec<usize> = allowed.iter().copied().filter(|&other| other != option).collect();
            let cost = cheapest(&rest).map_or(f64::INFINITY, |best| best.cost);
            (cost, rest)
        };
        let candidates = allowed.iter().map(|&option| without(option));
        allowed = candidates.min_by(|a, b| a.0.total_cmp(&b.0)).expect("options are left").1;
    }
    allowed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every choice of so many layers and options.
    fn all(layers: usize, options: usize) -> impl Iterator<Item = Choice> {
        (0..options.pow(layers as u32)).map(move |code| {
            let digit = |layer: usize| code / options.pow(layer as u32) % options;
            (0..layers).map(digit).collect()
        })
    }

    /// Steps that a choice takes; `None` where one of its options is excluded.
    fn taken(harms: &[Vec<Option<usize>>], choice: &[usize]) -> Option<usize> {
        choice.iter().zip(harms).map(|(&option, harms)| harms[option]).sum()
    }

    #[test]
    fn harms_are_rounded_up() {
        let cases = [(-1.0, Some(0)), (0.0, Some(0)), (0.01, Some(1)), (1.0, Some(2)), (1.1, Some(3)), (5.0, Some(10))];
        for (harm, expected) in cases {
            assert_eq!(steps_of(harm, 5.0, 10), expected, "{harm}");
        }
        assert_eq!((steps_of(5.01, 5.0, 10), steps_of(f64::NAN, 5.0, 10)), (None, None));
    }

    /// Two layers of 3 and 1 multiplications, options of price 1, 0.5 and 0 that take 0, 1 and 4 steps: with 1 step the
    /// large layer takes half, with 4 all, with 5 the small one half besides, with 8 all.
    #[test]
    fn a_staircase_by_hand() {
        let space = Space::new(vec![3.0, 1.0], vec![1.0, 0.5, 0.0], 0.0, 0.0, None);
        let harms = vec![vec![Some(0), Some(1), Some(4)]; 2];
        let stairs = staircase(&space, &harms, &[0, 1, 2], 10);
        let found: Vec<(usize, f64, &[usize])> =
            stairs.iter().map(|step| (step.budget, step.cost * 4.0, step.choice.as_slice())).collect();
        let expected: [(usize, f64, &[usize]); 6] = [
            (0, 4.0, &[0, 0]),
            (1, 2.5, &[1, 0]),
            (2, 2.0, &[1, 1]),
            (4, 1.0, &[2, 0]),
            (5, 0.5, &[2, 1]),
            (8, 0.0, &[2, 2]),
        ];
        assert_eq!(found, expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// At every budget, nothing that brute force finds is cheaper, and the choice is within the budget.
        #[test]
        fn the_program_is_exact(
            opcounts in prop::collection::vec(1u32..50, 1..5),
            prices in prop::collection::vec(0u32..100, 2..5),
            harms in prop::collection::vec(prop::option::weighted(0.8, 0usize..12), 16),
            steps in 0usize..20,
        ) {
            let (layers, options) = (opcounts.len(), prices.len());
            let space = Space::new(
                opcounts.iter().map(|&x| f64::from(x)).collect(),
                prices.iter().map(|&x| 1.0 + f64::from(x)).collect(), 0.0, 0.0, None,
            );
            let harms: Vec<Vec<Option<usize>>> =
                (0..layers).map(|layer| harms[layer * options..(layer + 1) * options].to_vec()).collect();
            let allowed: Vec<usize> = (0..options).collect();
            let stairs = staircase(&space, &harms, &allowed, steps);
            for budget in 0..=steps {
                let within = all(layers, options).filter(|choice| taken(&harms, choice).is_some_and(|sum| sum <= budget));
                let best = within.map(|choice| space.cost(&choice)).min_by(f64::total_cmp);
                let found = stairs.iter().rfind(|step| step.budget <= budget);
                prop_assert_eq!(best.is_some(), found.is_some());
                if let (Some(best), Some(found)) = (best, found) {
                    prop_assert!((found.cost - best).abs() < 1e-12, "{} {}", found.cost, best);
                    prop_assert!((space.cost(&found.choice) - best).abs() < 1e-12);
                    prop_assert!(taken(&harms, &found.choice).unwrap() <= budget);
                }
            }
        }

        /// Fewer options are as many as allowed, and no worse than any single one of them.
        #[test]
        fn fewer_options_are_some_of_them(
            prices in prop::collection::vec(0u32..100, 5),
            harms in prop::collection::vec(0usize..6, 20),
            most in 1usize..5,
        ) {
            let prices = prices.iter().map(|&x| 1.0 + f64::from(x)).collect();
            let space = Space::new(vec![1.0, 2.0, 3.0, 4.0], prices, 0.0, 0.0, Some(most));
            let harms: Vec<Vec<Option<usize>>> = harms.chunks(5).map(|layer| layer.iter().copied().map(Some).collect()).collect();
            let all: Vec<usize> = (0..5).collect();
            let few = fewer_options(&space, &harms, &all, 12);
            prop_assert!(few.len() <= most && few.iter().all(|option| all.contains(option)));
            let cost = |allowed: &[usize]| staircase(&space, &harms, allowed, 12).pop().map_or(f64::INFINITY, |step| step.cost);
            prop_assert!(few.iter().all(|&option| cost(&few) <= cost(&[option])));
            prop_assert!(cost(&all) <= cost(&few));
        }
    }
}
