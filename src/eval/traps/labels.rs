//! Labels that say less than they seem to: all the same, or of few classes because the set is sorted.

use super::Opening;
use crate::data::Selection;
use std::collections::{BTreeMap, BTreeSet};

/// The labels of a dataset, and which of its samples are used.
pub struct LabelSelection<'a> {
    /// Those of all samples.
    pub labels: &'a [u32],
    /// The samples that are used.
    pub selection: Selection,
}

/// From so many samples on, equal labels are no accident: of two equally frequent classes, one of 512 such sets has them.
const LEAST_SAMPLES: usize = 10;

/// A label column that never changes, as where another column was taken for it.
pub(super) fn constant(facts: &Opening) -> Option<String> {
    let labels = facts.labels.labels;
    let (&first, rest) = labels.split_first().filter(|_| labels.len() >= LEAST_SAMPLES && predicts_classes(facts))?;
    rest.iter().all(|&label| label == first).then(|| {
        format!(
            "all {} labels of the dataset are {first}: check that they come from the right column, array or folder",
            labels.len()
        )
    })
}

/// The first samples of a sorted set, which are of fewer classes than the set has.
pub(super) fn few_classes(facts: &Opening) -> Option<String> {
    few(facts, &facts.labels, "evaluated samples", "accuracy is that of these classes alone")
}

/// The same of calibration.
pub(super) fn few_calibration_classes(facts: &Opening) -> Option<String> {
    let calibration = facts.calibration_labels.as_ref()?;
    few(facts, calibration, "calibration samples", "other classes may have other ranges")
}

fn few(facts: &Opening, set: &LabelSelection, what: &str, consequence: &str) -> Option<String> {
    let count = set.selection.count(set.labels.len());
    if set.selection.seed().is_some() || count == set.labels.len() || !predicts_classes(facts) {
        return None;
    }
    let classes = |labels: &[u32]| labels.iter().collect::<BTreeSet<_>>().len();
    let (all, seen) = (classes(set.labels), classes(&set.labels[..count]));
    if seen >= all || !is_sorted_by_class(set.labels, all) {
        return None;
    }
    Some(format!(
        "the {count} {what} are the first of a set sorted by class, of {seen} of its {all} classes: {consequence}; draw \
         them from all samples (shuffle)"
    ))
}

/// Whether the samples of each class lie side by side, and not by accident: where most classes have one sample, or the
/// set has few, samples in random order do too.
fn is_sorted_by_class(labels: &[u32], classes: usize) -> bool {
    /// How many of so many random orders may be grouped.
    const CHANCE: f64 = 1e-5;
    let is_grouped = classes > 1 && labels.windows(2).filter(|pair| pair[0] != pair[1]).count() == classes - 1;
    is_grouped && labels.len() >= 2 * classes && log_chance_of_groups(labels) < CHANCE.ln()
}

/// The logarithm of the share of all orders of these labels in which each class lies side by side: of `N` samples,
/// `n` of each of `k` classes, `k! n1! .. nk! / N!`.
fn log_chance_of_groups(labels: &[u32]) -> f64 {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    labels.iter().for_each(|label| *counts.entry(*label).or_default() += 1);
    let log_factorial = |n: usize| (2..=n).map(|i| (i as f64).ln()).sum::<f64>();
    log_factorial(counts.len()) + counts.values().map(|&n| log_factorial(n)).sum::<f64>() - log_factorial(labels.len())
}

fn predicts_classes(facts: &Opening) -> bool {
    let task = facts.model.task;
    task.class_column().is_some() && task.label_count(facts.model.outputs) > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_sets() {
        let (sorted, mixed): (Vec<u32>, Vec<u32>) = (0..60).map(|i| (i / 6, i % 10)).unzip();
        let swapped = [&[1; 12][..], &[0; 12]].concat();
        let single: Vec<u32> = (0..1000).map(|i| i * 7 % 1000).collect();
        let cases: [(&[u32], bool); 10] = [
            (&sorted, true),
            (&swapped, true),
            (&mixed, false),
            // Any order of these is grouped, or many are.
            (&single, false),
            (&[0, 1, 2], false),
            (&[0, 0, 1, 1, 2], false),
            (&[2, 2, 0, 0, 1, 1], false),
            (&[0, 1, 0], false),
            (&[3, 3], false),
            (&[], false),
        ];
        for (labels, expected) in cases {
            let classes = labels.iter().collect::<BTreeSet<_>>().len();
            assert_eq!(is_sorted_by_class(labels, classes), expected, "{labels:?}");
        }
    }

    /// Two of the six orders of `0 0 1 1`; all orders of three classes of one sample.
    #[test]
    fn chances_by_hand() {
        assert!((log_chance_of_groups(&[0, 0, 1, 1]).exp() - 2.0 / 6.0).abs() < 1e-12);
        assert!(log_chance_of_groups(&[2, 0, 1]).abs() < 1e-12);
    }
}
