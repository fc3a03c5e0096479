//! Matching multipliers to layers by noise (Trommer, Waschneck, Kumar: "Combining gradients and probabilities for
//! heterogeneous approximation of neural networks", 2022), without training: each layer takes the cheapest multiplier
//! whose error deviates no more than the layer stands.
//!
//! What a layer stands alone it does not stand beside others, so that all tolerances are scaled by one factor: as that
//! grows, matchings get cheaper step by step.

use super::space::{Choice, EXACT, Space};

/// Every matching that some factor gives, the dearest first. `deviations[i][k]` is that of option `k`'s error in layer
/// `i`, relative to the layer's output; `tolerances[i]` the largest that the layer stands.
pub fn ladder(space: &Space, deviations: &[Vec<f64>], tolerances: &[f64]) -> Vec<Choice> {
    let factor = |layer: usize, option: usize| match option {
        _ if option == EXACT || deviations[layer][option] == 0.0 => 0.0,
        _ => deviations[layer][option] / tolerances[layer],
    };
    let pairs = (0..space.layers()).flat_map(|layer| (0..space.options()).map(move |option| (layer, option)));
    let mut factors: Vec<f64> = pairs.map(|(layer, option)| factor(layer, option)).filter(|x| x.is_finite()).collect();
    factors.sort_by(f64::total_cmp);
    factors.dedup();
    let mut matchings: Vec<Choice> = Vec::new();
    for most in factors {
        let cheapest = |layer: usize| {
            let fits = (0..space.options()).filter(|&option| factor(layer, option) <= most);
            fits.min_by(|&a, &b| space.cost_of(layer, a).total_cmp(&space.cost_of(layer, b))).unwrap_or(EXACT)
        };
        let matching: Choice = (0..space.layers()).map(cheapest).collect();
        if matchings.last() != Some(&matching) {
            matchings.push(matching);
        }
    }
    matchings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Factors 0.5 and 2 in the first layer, 0.1 and 4 in the second, options of price 0.8 and 0.5; at 0.1, 0.5, 2 and 4
    /// one more of them fits.
    #[test]
    fn matchings_by_hand() {
        let space = Space::new(vec![1.0, 1.0], vec![1.0, 0.8, 0.5], 0.0, 0.0, None);
        let deviations = [vec![0.0, 0.05, 0.2], vec![0.0, 0.02, 0.8]];
        let found = ladder(&space, &deviations, &[0.1, 0.2]);
        assert_eq!(found, [vec![0, 0], vec![0, 1], vec![1, 1], vec![2, 1], vec![2, 2]]);
    }

    /// A layer that stands nothing stays exact unless a multiplier makes no error there.
    #[test]
    fn layers_without_tolerance_stay_exact() {
        let space = Space::new(vec![1.0, 1.0], vec![1.0, 0.5], 0.0, 0.0, None);
        let found = ladder(&space, &[vec![0.0, 0.3], vec![0.0, 0.3]], &[0.0, 0.1]);
        assert_eq!(found, [vec![0, 0], vec![0, 1]]);
    }
}
