//! The cheapest multiplier for each layer within a bound: a multiple-choice knapsack, solved by dynamic programming.
//!
//! Drops are whole numbers, of samples that are no longer right, so that the program over every total is exact. It
//! gives all bounds at once: the least energy falls at some totals, and those are the steps.

/// A multiplier that a layer can have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// What it takes of the bound.
    pub drop: usize,
    /// What the layer then costs.
    pub energy: f64,
}

/// A choice for every layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The sum of the drops.
    pub drop: usize,
    /// The sum of the energies.
    pub energy: f64,
    /// The place of each layer's candidate.
    pub picks: Vec<usize>,
}

/// Energies closer than this, relative to the first, are equal: sums in another order are.
const EQUAL: f64 = 1e-12;

/// For all totals of drops up to `most`, the choices that cost the least: those at which the energy falls, in order of
/// drop. Of choices that cost the same, the first candidates. Empty where no choice is within `most`.
pub fn steps(layers: &[Vec<Candidate>], most: usize) -> Vec<Step> {
    let mut least = vec![0.0; most + 1];
    let mut picked: Vec<Vec<Option<u32>>> = Vec::with_capacity(layers.len());
    for candidates in layers {
        let useful = useful(candidates);
        let mut next = vec![f64::INFINITY; most + 1];
        let mut picks = vec![None; most + 1];
        for &place in &useful {
            let Candidate { drop, energy } = candidates[place];
            for total in drop..=most {
                let sum = least[total - drop] + energy;
                if sum < next[total] {
                    (next[total], picks[total]) = (sum, Some(place as u32));
                }
            }
        }
        least = next;
        picked.push(picks);
    }
    let mut steps: Vec<Step> = Vec::new();
    for (total, energy) in least.into_iter().enumerate() {
        let falls = steps.last().is_none_or(|last| energy < last.energy - EQUAL * steps[0].energy.abs());
        if let Some(picks) = choice(layers, &picked, total).filter(|_| falls) {
            steps.push(Step { drop: total, energy, picks });
        }
    }
    steps
}

/// The candidates that no other is at least as good as in both respects, in order of drop.
fn useful(candidates: &[Candidate]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (candidates[a], candidates[b]);
        a.drop.cmp(&b.drop).then(a.energy.total_cmp(&b.energy))
    });
    let mut least = f64::INFINITY;
    order.retain(|&place| {
        let is_cheaper = candidates[place].energy < least;
        least = least.min(candidates[place].energy);
        is_cheaper
    });
    order
}

/// What was chosen for a total, from the last layer to the first.
fn choice(layers: &[Vec<Candidate>], picked: &[Vec<Option<u32>>], mut total: usize) -> Option<Vec<usize>> {
    let mut picks = vec![0; layers.len()];
    for (place, candidates) in layers.iter().enumerate().rev() {
        picks[place] = picked[place][total]? as usize;
        total -= candidates[picks[place]].drop;
    }
    Some(picks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(drop: usize, energy: f64) -> Candidate {
        Candidate { drop, energy }
    }

    #[test]
    fn a_hand_made_network() {
        let exact = |energy| candidate(0, energy);
        let layers = [
            vec![exact(10.0), candidate(3, 4.0), candidate(1, 9.0)],
            // The second is dominated: it costs as much and drops more.
            vec![exact(5.0), candidate(2, 5.0), candidate(4, 1.0)],
        ];
        let found = steps(&layers, 6);
        let expected = [(0, 15.0, [0, 0]), (1, 14.0, [2, 0]), (3, 9.0, [1, 0])];
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (step, (drop, energy, picks)) in found.iter().zip(expected) {
            assert_eq!((step.drop, step.energy, step.picks.as_slice()), (drop, energy, &picks[..]));
        }
        assert_eq!(steps(&layers, 7).last().unwrap().picks, [1, 2]);
        assert_eq!(steps(&[], 3), [Step { drop: 0, energy: 0.0, picks: vec![] }]);
        assert!(steps(&[vec![candidate(2, 1.0)]], 1).is_empty());
    }

    /// All choices, one by one.
    fn brute_force(layers: &[Vec<Candidate>], most: usize) -> Option<f64> {
        let mut all = vec![(0, 0.0)];
        for candidates in layers {
            let with =
                |(drop, energy): (usize, f64)| candidates.iter().map(move |c| (drop + c.drop, energy + c.energy));
            all = all.into_iter().flat_map(with).collect();
        }
        let energies = all.into_iter().filter(|(drop, _)| *drop <= most).map(|(_, energy)| energy);
        energies.reduce(f64::min)
    }

    proptest! {
        #[test]
        fn steps_are_the_best_of_all_choices(
            layers in prop::collection::vec(prop::collection::vec((0usize..9, 1u16..50), 1..5), 0..6),
            most in 0usize..25,
        ) {
            let layers: Vec<Vec<Candidate>> = layers
                .into_iter()
                .map(|layer| layer.into_iter().map(|(drop, energy)| candidate(drop, energy.into())).collect())
                .collect();
            let found = steps(&layers, most);
            for total in 0..=most {
                let best = found.iter().rfind(|step| step.drop <= total);
                prop_assert_eq!(best.map(|step| step.energy), brute_force(&layers, total));
            }
            for step in &found {
                let picked = || layers.iter().zip(&step.picks).map(|(candidates, &pick)| candidates[pick]);
                prop_assert_eq!(step.drop, picked().map(|c| c.drop).sum::<usize>());
                prop_assert_eq!(step.energy, picked().map(|c| c.energy).sum::<f64>());
            }
        }
    }
}
