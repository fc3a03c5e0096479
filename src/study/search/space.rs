//! What a search chooses from: for each layer exact products or one of the multipliers, and what that costs.

/// The option of each layer that is searched: 0 is exact products, `k` the multiplier of place `k - 1`.
pub type Choice = Vec<usize>;

/// The option of exact products.
pub const EXACT: usize = 0;

/// Layers and options, with their costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    /// Multiplications of each layer.
    opcounts: Vec<f64>,
    /// Cost of one multiplication by each option, in any unit; the first is that of exact ones.
    prices: Vec<f64>,
    /// What the multiplications of layers cost that are not searched, in that unit.
    fixed: f64,
    /// Cost of the whole network with exact multiplications alone.
    exact: f64,
    /// The most options, exact products included, that layers may have between them.
    most: usize,
}

impl Space {
    /// Layers of `opcounts` multiplications, each of which costs one of `prices`, that of exact ones first; layers that
    /// are not searched cost `fixed` as they are, and `fixed_exact` with exact multiplications. Layers may have
    /// `most` different options between them.
    pub fn new(opcounts: Vec<f64>, prices: Vec<f64>, fixed: f64, fixed_exact: f64, most: Option<usize>) -> Self {
        let exact = opcounts.iter().sum::<f64>() * prices[EXACT] + fixed_exact;
        let most = most.unwrap_or(prices.len());
        Space { opcounts, prices, fixed, exact, most }
    }

    /// Layers.
    pub fn layers(&self) -> usize {
        self.opcounts.len()
    }

    /// Options of each layer, exact products among them.
    pub fn options(&self) -> usize {
        self.prices.len()
    }

    /// The most options that layers may have between them.
    pub fn most(&self) -> usize {
        self.most
    }

    /// The choice of one option for all layers.
    pub fn uniform(&self, option: usize) -> Choice {
        vec![option; self.layers()]
    }

    /// What `option` costs in a layer, as a fraction of the whole network's exact multiplications.
    pub fn cost_of(&self, layer: usize, option: usize) -> f64 {
        self.opcounts[layer] * self.prices[option] / self.exact
    }

    /// What a choice costs: the network's multiplications over exact ones.
    pub fn cost(&self, choice: &[usize]) -> f64 {
        let parts = choice.iter().enumerate().map(|(layer, &option)| self.opcounts[layer] * self.prices[option]);
        (parts.sum::<f64>() + self.fixed) / self.exact
    }

    /// The options by what they cost, the dearest first; equal ones in their order.
    pub fn by_price(&self) -> Vec<usize> {
        let mut options: Vec<usize> = (0..self.options()).collect();
        options.sort_by(|&a, &b| self.prices[b].total_cmp(&self.prices[a]));
        options
    }

    /// The options that a choice has, in increasing order.
    pub fn used(choice: &[usize]) -> Vec<usize> {
        let mut used = choice.to_vec();
        used.sort_unstable();
        used.dedup();
        used
    }

    /// Whether a choice has no more different options than allowed.
    pub fn allows(&self, choice: &[usize]) -> bool {
        Space::used(choice).len() <= self.most
    }

    /// `choice` with no more different options than allowed: one after the other is given up, each time the one whose
    /// layers cost least when each takes, of the options that stay, the cheapest that does it no more harm, else the
    /// least harmful. `harm` is that of an option in a layer.
    #[must_use]
    pub fn repaired(&self, mut choice: Choice, harm: impl Fn(usize, usize) -> f64) -> Choice {
        loop {
            let used = Space::used(&choice);
            if used.len() <= self.most {
                return choice;
            }
            let without = |given_up: usize| {
                let stays = || used.iter().copied().filter(move |&option| option != given_up);
                let replaced = |(layer, &option): (usize, &usize)| {
                    if option != given_up {
                        return option;
                    }
                    let is_no_worse = |other: &usize| harm(layer, *other) <= harm(layer, option);
                    let cheapest =
                        stays().filter(is_no_worse).min_by(|&a, &b| self.prices[a].total_cmp(&self.prices[b]));
                    let mildest = || stays().min_by(|&a, &b| harm(layer, a).total_cmp(&harm(layer, b)));
                    cheapest.or_else(mildest).expect("more than one option is in use")
                };
                choice.iter().enumerate().map(replaced).collect::<Choice>()
            };
            let candidates = used.iter().map(|&option| without(option));
            choice = candidates.min_by(|a, b| self.cost(a).total_cmp(&self.cost(b))).expect("options are in use");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 3 x 0.5 + 1 x 1 of 4 searched multiplications, beside 4 that cost 0.25 and would cost 1.
    #[test]
    fn costs_by_hand() {
        let space = Space::new(vec![3.0, 1.0], vec![1.0, 0.5], 1.0, 4.0, None);
        assert_eq!((space.cost(&[1, 0]), space.cost(&[0, 0])), (3.5 / 8.0, 5.0 / 8.0));
        assert_eq!((space.cost_of(0, 1), space.uniform(1)), (1.5 / 8.0, vec![1, 1]));
        assert_eq!((space.by_price(), Space::used(&[2, 0, 2])), (vec![0, 1], vec![0, 2]));
    }

    proptest! {
        /// No more options than allowed, all of them options that were there, and nothing done where nothing is to do.
        #[test]
        fn repaired_choices_are_allowed(
            choice in prop::collection::vec(0usize..5, 1..8), most in 1usize..6, seed in 0u64..100,
        ) {
            let opcounts = (0..choice.len()).map(|layer| 1.0 + layer as f64).collect();
            let space = Space::new(opcounts, vec![1.0, 0.9, 0.5, 0.4, 0.1], 0.0, 0.0, Some(most));
            let harm = |layer: usize, option: usize| ((layer as u64 * 7 + option as u64 * 13 + seed) % 11) as f64;
            let repaired = space.repaired(choice.clone(), harm);
            prop_assert!(space.allows(&repaired));
            prop_assert!(Space::used(&repaired).iter().all(|option| choice.contains(option)));
            if space.allows(&choice) {
                prop_assert_eq!(repaired, choice);
            }
        }
    }
}
