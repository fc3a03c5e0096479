//! Confusion matrices, and accuracy class by class.
//!
//! Networks have up to tens of thousands of classes, and few pairs of them are ever confused: nothing here
//! takes time or memory for a pair of classes that no sample is of.

use super::Predictions;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most classes of which reports list every one and matrices have every pair; of more, those that occur.
/// ImageNet's 1,000 are a matrix of megabytes; 21,843 would have a gigabyte of zeros.
pub const MANY_CLASSES: usize = 1024;

/// How often each class was predicted as each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// Counts of the pairs of a class and a prediction that occur.
    counts: BTreeMap<(u32, u32), u64>,
}

/// Accuracy on the samples of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClassAccuracy {
    /// The class.
    pub class: usize,
    /// Samples of the class.
    pub samples: u64,
    /// Samples of it that were predicted right.
    pub correct: u64,
    /// Samples of any class that were predicted as it.
    pub predicted: u64,
    /// The fraction predicted right (the class's recall); `None` without samples.
    pub accuracy: Option<f64>,
}

impl Confusion {
    /// Counts predictions, whose labels and classes are below `classes`; `None` where the task predicts
    /// no classes.
    pub fn new(predictions: &Predictions, classes: usize) -> Option<Self> {
        let mut counts = BTreeMap::new();
        for (&label, prediction) in predictions.labels().iter().zip(predictions.classes()?) {
            *counts.entry((label, prediction)).or_default() += 1;
        }
        Some(Confusion { classes, counts })
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The pairs of a class and what it was predicted as that occur, in their order, and how often.
    pub fn pairs(&self) -> impl Iterator<Item = ([usize; 2], u64)> {
        self.counts.iter().map(|(&(label, prediction), &count)| ([label as usize, prediction as usize], count))
    }

    /// For each class, how often it was predicted as each.
    pub fn rows(&self) -> impl Iterator<Item = Vec<u64>> {
        (0..self.classes as u32).map(|class| {
            let mut row = vec![0; self.classes];
            for (&(_, prediction), &count) in self.counts.range((class, 0)..=(class, u32::MAX)) {
                row[prediction as usize] = count;
            }
            row
        })
    }

    /// Accuracy class by class.
    pub fn by_class(&self) -> Vec<ClassAccuracy> {
        let unseen = |class| ClassAccuracy { class, samples: 0, correct: 0, predicted: 0, accuracy: None };
        let mut classes: Vec<ClassAccuracy> = (0..self.classes).map(unseen).collect();
        for ([label, prediction], count) in self.pairs() {
            classes[label].samples += count;
            classes[prediction].predicted += count;
            if label == prediction {
                classes[label].correct = count;
            }
        }
        for class in classes.iter_mut().filter(|class| class.samples > 0) {
            class.accuracy = Some(class.correct as f64 / class.samples as f64);
        }
        classes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of scikit-learn's `confusion_matrix`: classes 2, 0, 2, 2, 0, 1 predicted as 0, 0, 2,
    /// 2, 0, 2.
    #[test]
    fn a_confusion_matrix_as_published() {
        let predictions = Predictions::from_classes(&[2, 0, 2, 2, 0, 1], &[0, 0, 2, 2, 0, 2]);
        let confusion = Confusion::new(&predictions, 3).unwrap();
        assert_eq!(confusion.rows().collect::<Vec<_>>(), [[2, 0, 0], [0, 0, 1], [1, 0, 2]]);
        let accuracies: Vec<_> = confusion.by_class().iter().map(|class| class.accuracy).collect();
        assert_eq!(accuracies, [Some(1.0), Some(0.0), Some(2.0 / 3.0)]);
        let predicted: Vec<_> = confusion.by_class().iter().map(|class| class.predicted).collect();
        assert_eq!(predicted, [3, 0, 3]);
        let pairs = [([0, 0], 2), ([1, 2], 1), ([2, 0], 1), ([2, 2], 2)];
        assert_eq!(confusion.pairs().collect::<Vec<_>>(), pairs);
    }

    #[test]
    fn a_class_without_samples_has_no_accuracy() {
        let predictions = Predictions::from_classes(&[1], &[0]);
        assert_eq!(Confusion::new(&predictions, 2).unwrap().by_class()[0].accuracy, None);
        assert_eq!(Confusion::new(&Predictions::from_anomaly_scores(&[1], &[0.5]), 2), None);
    }

    /// Where a matrix of them would take 128 TiB.
    #[test]
    fn classes_may_be_many() {
        let classes = 1 << 22;
        let last = classes as u32 - 1;
        let confusion = Confusion::new(&Predictions::from_classes(&[0, last], &[last, last]), classes).unwrap();
        let by_class = confusion.by_class();
        assert_eq!((by_class[0].accuracy, by_class[1].accuracy), (Some(0.0), None));
        assert_eq!((by_class[classes - 1].accuracy, by_class[classes - 1].predicted), (Some(1.0), 2));
    }
}
