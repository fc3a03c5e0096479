//! Labels that say less than they seem to: all the same, or of few classes because the set is sorted.

use super::Opening;
use crate::data::Selection;
use std::collections::BTreeSet;

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
    if seen >= all || !is_grouped(set.labels, all) {
        return None;
    }
    Some(format!(
        "the {count} {what} are the first of a set sorted by class, of {seen} of its {all} classes: {consequence}; draw \
         them from all samples (shuffle)"
    ))
}

/// Whether the samples of each class lie side by side.
fn is_grouped(labels: &[u32], classes: usize) -> bool {
    classes > 1 && labels.windows(2).filter(|pair| pair[0] != pair[1]).count() == classes - 1
}

fn predicts_classes(facts: &Opening) -> bool {
    let task = facts.model.task;
    task.class_column().is_some() && task.label_count(facts.model.outputs) > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups() {
        let cases: [(&[u32], bool); 6] = [
            (&[0, 0, 1, 1, 2], true),
            (&[2, 2, 0, 1, 1], true),
            (&[1, 0], true),
            (&[0, 1, 0], false),
            (&[3, 3], false),
            (&[], false),
        ];
        for (labels, expected) in cases {
            let classes = labels.iter().collect::<BTreeSet<_>>().len();
            assert_eq!(is_grouped(labels, classes), expected, "{labels:?}");
        }
    }
}
