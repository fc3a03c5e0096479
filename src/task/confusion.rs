//! Confusion matrices, and accuracy class by class.

use super::Predictions;
use serde::{Deserialize, Serialize};

/// How often each class was predicted as each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// Class major, prediction minor.
    counts: Vec<u64>,
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
        let mut counts = vec![0; classes * classes];
        for (&label, prediction) in predictions.labels().iter().zip(predictions.classes()?) {
            counts[label as usize * classes + prediction as usize] += 1;
        }
        Some(Confusion { classes, counts })
    }

    /// For each class, how often it was predicted as each.
    pub fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.counts.chunks_exact(self.classes.max(1))
    }

    /// Accuracy class by class.
    pub fn by_class(&self) -> Vec<ClassAccuracy> {
        let class = |(class, row): (usize, &[u64])| {
            let (samples, correct) = (row.iter().sum::<u64>(), row[class]);
            let predicted = self.rows().map(|row| row[class]).sum();
            let accuracy = (samples > 0).then(|| correct as f64 / samples as f64);
            ClassAccuracy { class, samples, correct, predicted, accuracy }
        };
        self.rows().enumerate().map(class).collect()
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
    }

    #[test]
    fn a_class_without_samples_has_no_accuracy() {
        let predictions = Predictions::from_classes(&[1], &[0]);
        assert_eq!(Confusion::new(&predictions, 2).unwrap().by_class()[0].accuracy, None);
        assert_eq!(Confusion::new(&Predictions::from_anomaly_scores(&[1], &[0.5]), 2), None);
    }
}
