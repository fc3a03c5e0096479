//! Which classes are taken for which, and accuracy class by class.

use super::Answered;
use serde::Serialize;

/// How often each class was taken for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// Class major, prediction minor.
    counts: Vec<u64>,
}

/// How often a network was right on the samples of one class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassAccuracy {
    /// The class.
    pub class: usize,
    /// Samples of the class.
    pub samples: u64,
    /// Samples of it that were predicted right.
    pub correct: u64,
    /// Samples of any class that were taken for it.
    pub predicted: u64,
    /// The fraction predicted right (the class's recall); none without samples.
    pub accuracy: Option<f64>,
}

impl Confusion {
    /// Counts the predictions of a classifier, whose classes are below `classes`.
    pub fn of(answered: &Answered, classes: usize) -> Self {
        let mut counts = vec![0; classes * classes];
        for (label, prediction) in answered.predictions() {
            counts[label as usize * classes + prediction as usize] += 1;
        }
        Confusion { classes, counts }
    }

    /// For each class, how often it was taken for each.
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
    use crate::eval::Answers;

    /// The example of scikit-learn's `confusion_matrix`: classes 2, 0, 2, 2, 0, 1 taken for 0, 0, 2,
    /// 2, 0, 2.
    #[test]
    fn a_confusion_matrix_as_published() {
        let answered = Answered::new(vec![2, 0, 2, 2, 0, 1], Answers::Classes(vec![0, 0, 2, 2, 0, 2]));
        let confusion = Confusion::of(&answered, 3);
        assert_eq!(confusion.rows().collect::<Vec<_>>(), [[2, 0, 0], [0, 0, 1], [1, 0, 2]]);
        let accuracies: Vec<_> = confusion.by_class().iter().map(|class| class.accuracy).collect();
        assert_eq!(accuracies, [Some(1.0), Some(0.0), Some(2.0 / 3.0)]);
        let predicted: Vec<_> = confusion.by_class().iter().map(|class| class.predicted).collect();
        assert_eq!(predicted, [3, 0, 3]);
    }

    #[test]
    fn a_class_without_samples_has_no_accuracy() {
        let answered = Answered::new(vec![1], Answers::Classes(vec![0]));
        assert_eq!(Confusion::of(&answered, 2).by_class()[0].accuracy, None);
    }
}
