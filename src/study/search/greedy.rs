//! The plain greedy assignment, which other ways are held against: from exact products on, one layer at a time takes a
//! cheaper multiplier, the one that saves most for its harm first, and keeps it if the network stands that.

use super::space::{Choice, EXACT, Space};

/// The choices that `stands` was true of, each cheaper in one layer than the one before; the first is exact.
/// `harms[i][k]` is that of option `k` in layer `i` alone. Ends where `stands` has no answer.
///
/// # Errors
/// As `stands`.
pub fn greedy<E>(
    space: &Space,
    harms: &[Vec<f64>],
    mut stands: impl FnMut(&Choice) -> Result<Option<bool>, E>,
) -> Result<Vec<Choice>, E> {
    let saving = |layer: usize, option: usize| space.cost_of(layer, EXACT) - space.cost_of(layer, option);
    let pairs = (0..space.layers()).flat_map(|layer| (1..space.options()).map(move |option| (layer, option)));
    let mut pairs: Vec<(usize, usize)> = pairs.filter(|&(layer, option)| saving(layer, option) > 0.0).collect();
    // Those without harm are ranked by what they save alone.
    let rank = |&(layer, option): &(usize, usize)| {
        let (saved, harm) = (saving(layer, option), harms[layer][option].max(0.0));
        [saved / harm, saved]
    };
    pairs.sort_by(|a, b| {
        let ([a_ratio, a_saved], [b_ratio, b_saved]) = (rank(a), rank(b));
        b_ratio.total_cmp(&a_ratio).then(b_saved.total_cmp(&a_saved)).then(a.cmp(b))
    });
    let mut path = vec![space.uniform(EXACT)];
    for (layer, option) in pairs {
        let current = path.last().expect("the exact choice is there");
        if space.cost_of(layer, option) >= space.cost_of(layer, current[layer]) {
            continue;
        }
        let mut next = current.clone();
        next[layer] = option;
        if !space.allows(&next) {
            continue;
        }
        match stands(&next)? {
            Some(true) => path.push(next),
            Some(false) => {}
            None => break,
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// Savings of 1.5 and 3 in the first layer, of 0.5 and 1 in the second, of harm 1 and 1.5, and of 0 and 4. Nothing
    /// goes before the second layer's first option; then come the first layer's second one, 2 for each unit of harm, its
    /// first one, 1.5, and the second layer's second one, 0.25.
    #[test]
    fn the_best_ratio_goes_first() {
        let space = Space::new(vec![3.0, 1.0], vec![1.0, 0.5, 0.0], 0.0, 0.0, None);
        let harms = [vec![0.0, 1.0, 1.5], vec![0.0, 0.0, 4.0]];
        let mut tried = Vec::new();
        let path = greedy(&space, &harms, |choice: &Choice| {
            tried.push(choice.clone());
            Ok::<_, Infallible>(Some(choice[0] != 2))
        });
        assert_eq!(path.unwrap(), [vec![0, 0], vec![0, 1], vec![1, 1], vec![1, 2]]);
        assert_eq!(tried, [vec![0, 1], vec![2, 1], vec![1, 1], vec![1, 2]]);
        // What is cheaper already does not go back.
        let path = greedy(&space, &harms, |_: &Choice| Ok::<_, Infallible>(Some(true)));
        assert_eq!(path.unwrap(), [vec![0, 0], vec![0, 1], vec![2, 1], vec![2, 2]]);
        // Two options between all layers: what would be the third is not tried, what leaves two is.
        let few = Space::new(vec![3.0, 1.0], vec![1.0, 0.5, 0.0], 0.0, 0.0, Some(2));
        let path = greedy(&few, &harms, |_: &Choice| Ok::<_, Infallible>(Some(true)));
        assert_eq!(path.unwrap(), [vec![0, 0], vec![0, 1], vec![2, 1], vec![2, 2]]);
        let one = Space::new(vec![3.0, 1.0], vec![1.0, 0.5, 0.0], 0.0, 0.0, Some(1));
        let path =
            greedy(&one, &harms, |_: &Choice| -> Result<Option<bool>, Infallible> { panic!("nothing is allowed") });
        assert_eq!(path.unwrap(), [vec![0, 0]]);
        let ends = greedy(&space, &harms, |_: &Choice| Ok::<_, Infallible>(None));
        assert_eq!(ends.unwrap().len(), 1);
    }
}
