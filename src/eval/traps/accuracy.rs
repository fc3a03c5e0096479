//! Results that no working network has: at chance, or next to nothing of what fp32 has.

use super::Evaluated;
use crate::layer::InferenceMode;
use crate::stats::{percent, wilson_interval};
use crate::task::{Metric, Metrics, Predictions};
use std::collections::HashMap;

/// A metric whose 95 % interval reaches down to chance, and up to less than a tenth of the way from chance to 1. So that
/// few samples say nothing: of ten classes, 20 samples without a right answer are enough, five are not.
///
/// Chance is one in so many classes, or the most frequent class's share where all classes were seen. Of one
/// class alone, which a sorted set begins with, nothing can be said.
pub(super) fn no_better_than_chance(facts: &Evaluated) -> Option<String> {
    let (predictions, metrics) = (facts.predictions, facts.metrics);
    let task = facts.model.task;
    let classes = task.label_count(facts.model.outputs);
    let [low, high] = metrics.ci95();
    let chance = chance(predictions.labels(), classes, task.class_column().is_some())?;
    if low > chance || high > chance + (1.0 - chance) / 10.0 || other_numbering(facts).is_some() {
        return None;
    }
    let info = task.metric();
    let found = format!(
        "{} {} (95 % interval {} to {}) is no better than chance, {}",
        info.name,
        info.text(metrics.value()),
        info.text(low),
        info.text(high),
        info.text(chance)
    );
    let always = always(predictions).map(|class| format!("class {class} is predicted for every sample; "));
    let of_data = "check the normalization of the data (mean, std) and that labels are the numbers of the outputs";
    let cause = match facts.mode {
        Some(InferenceMode::Baseline) => of_data.to_owned(),
        _ => format!("compare with mode base; if that is no better either, {of_data}"),
    };
    Some(format!("{found}: {}{cause}", always.unwrap_or_default()))
}

/// What guessing gets; `None` where the samples do not tell.
fn chance(labels: &[u32], classes: usize, predicts_classes: bool) -> Option<f64> {
    /// Areas under curves of fewer samples have intervals that mean little.
    const LEAST_SCORES: usize = 30;
    let mut counts: HashMap<u32, usize> = HashMap::new();
    labels.iter().for_each(|label| *counts.entry(*label).or_default() += 1);
    if classes < 2 || counts.len() < 2 {
        return None;
    }
    let uniform = 1.0 / classes as f64;
    if !predicts_classes {
        return (labels.len() >= LEAST_SCORES).then_some(uniform);
    }
    let largest = counts.values().max().copied().unwrap_or_default() as f64 / labels.len() as f64;
    Some(if counts.len() == classes { uniform.max(largest) } else { uniform })
}

/// Predictions that are wrong, and would be right under another numbering of the classes.
pub(super) fn other_numbering(facts: &Evaluated) -> Option<String> {
    renumbered(facts.predictions, facts.model.task.label_count(facts.model.outputs), facts.metrics.value())
}

/// Whether more than half of the predictions, by the lower end of the 95 % interval, and twice as many as are right,
/// would be right under another numbering of the classes: from another start, or in another order.
fn renumbered(predictions: &Predictions, classes: usize, accuracy: f64) -> Option<String> {
    const CLEARLY_RIGHT: f64 = 0.5;
    let pairs: Vec<(u32, u32)> = predictions.labels().iter().copied().zip(predictions.classes()?).collect();
    let total = pairs.len() as u64;
    let share = |right: u64| right as f64 / total.max(1) as f64;
    let is_clear = |right: u64| wilson_interval(right, total)[0] > CLEARLY_RIGHT && share(right) >= 2.0 * accuracy;
    for (offset, words) in [(1, "one more"), (-1, "one less")] {
        let right =
            pairs.iter().filter(|(label, class)| i64::from(*class) == i64::from(*label) + offset).count() as u64;
        if is_clear(right) {
            return Some(format!(
                "in {} of samples the prediction is {words} than the label: labels and outputs are numbered from \
                 another start",
                percent(share(right))
            ));
        }
    }
    // The label that most samples of each prediction have.
    let mut counts: HashMap<(u32, u32), u64> = HashMap::new();
    pairs.iter().for_each(|(label, class)| *counts.entry((*class, *label)).or_default() += 1);
    let mut best: HashMap<u32, (u64, u32)> = HashMap::new();
    for (&(class, label), &count) in &counts {
        let entry = best.entry(class).or_default();
        *entry = (*entry).max((count, label));
    }
    let right = best.values().map(|(count, _)| count).sum();
    let mut labels: Vec<u32> = best.values().map(|(_, label)| *label).collect();
    labels.sort_unstable();
    let is_one_to_one = labels.windows(2).all(|pair| pair[0] != pair[1]) && (labels.len() > 2 || classes == 2);
    // Of few samples a class, any prediction has a label that is frequent by accident.
    (is_one_to_one && total >= 10 * classes as u64 && is_clear(right)).then(|| {
        format!(
            "{} of samples would be right if classes were in another order: the order of the labels is not that of the \
             network's outputs",
            percent(share(right))
        )
    })
}

/// The class that all predictions are of.
fn always(predictions: &Predictions) -> Option<u32> {
    let mut classes = predictions.classes()?;
    let first = classes.next()?;
    classes.all(|class| class == first).then_some(first)
}

/// A note on the `metrics` of a run that has less than a tenth of what the same network has in `fp32` on the same
/// samples, and clearly so: the upper end of its 95 % interval is below a third.
pub fn far_below_fp32(metrics: &Metrics, fp32: Metric) -> Option<String> {
    let (value, [_, high]) = (metrics.value(), metrics.ci95());
    let is_accuracy = metrics.task().class_column().is_some();
    (is_accuracy && metrics.task() == fp32.task && value < fp32.value / 10.0 && high < fp32.value / 3.0).then(|| {
        format!(
            "{} {} is less than a tenth of fp32's {fp32}: the multiplier, the noise or the quantization destroys the \
             network; compare with mode quant to tell which",
            metrics.task().metric().name,
            metrics.metric()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn chance_by_hand() {
        // Two of three classes; all of two, unevenly; one alone.
        let cases = [
            (&[0, 1, 1, 1][..], 3, true, Some(1.0 / 3.0)),
            (&[0, 1, 1, 1], 2, true, Some(0.75)),
            (&[0, 1], 2, true, Some(0.5)),
            (&[1, 1, 1, 1], 2, true, None),
            (&[0, 1, 1, 1], 2, false, None),
        ];
        for_each_case(cases, |(labels, classes, predicts_classes, expected)| {
            assert_eq!(chance(labels, classes, predicts_classes), expected);
        });
        assert_eq!(chance(&[0, 1, 1].repeat(10), 2, false), Some(0.5));
    }

    #[test]
    fn other_numberings_are_found() {
        let labels: Vec<u32> = (0..100).map(|i| i % 10).collect();
        let renumbered = |class: fn(u32) -> u32| {
            let classes: Vec<u32> = labels.iter().map(|&label| class(label)).collect();
            renumbered(&Predictions::from_classes(&labels, &classes), 10, 0.0)
        };
        assert!(renumbered(|label| label + 1).unwrap().contains("one more"));
        assert!(
            renumbered(|label| label.saturating_sub(1))
                .unwrap()
                .contains("90.00 % of samples the prediction is one less")
        );
        assert!(renumbered(|label| label * 3 % 10).unwrap().contains("another order"));
        // Of one class alone, and of all by chance.
        assert_eq!(renumbered(|_| 3), None);
        let few = Predictions::from_classes(&[0, 1, 2, 3], &[1, 2, 3, 0]);
        assert_eq!(super::renumbered(&few, 4, 0.0), None);
        // Two of ten classes in each other's place are a matter of the network.
        let classes: Vec<u32> = labels.iter().map(|&label| if label < 2 { 1 - label } else { label }).collect();
        assert_eq!(super::renumbered(&Predictions::from_classes(&labels, &classes), 10, 0.8), None);
    }
}
