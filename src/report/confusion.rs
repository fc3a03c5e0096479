//! A confusion matrix as CSV.

use crate::printable::printable;
use crate::task::{Confusion, MANY_CLASSES};

/// A header of the predicted classes, then a row for each class: its name, and how often it was predicted
/// as each. Of more than [`MANY_CLASSES`], a row for each pair of a class and a prediction that occurs, and how
/// often. Classes without names are shown by their numbers.
pub fn confusion_csv(confusion: &Confusion, labels: &[String]) -> Vec<u8> {
    let name =
        |class: usize| labels.get(class).map_or_else(|| class.to_string(), |label| printable(label).into_owned());
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |row: Vec<String>| {
        writer.write_record(row).expect("rows have as many fields as the header, and memory does not fail");
    };
    if confusion.classes() > MANY_CLASSES {
        write(["label", "prediction", "count"].map(str::to_owned).to_vec());
        for ([label, prediction], count) in confusion.pairs() {
            write(vec![name(label), name(prediction), count.to_string()]);
        }
    } else {
        write(std::iter::once("label".to_owned()).chain((0..confusion.classes()).map(name)).collect());
        for (class, row) in confusion.rows().enumerate() {
            write(std::iter::once(name(class)).chain(row.iter().map(u64::to_string)).collect());
        }
    }
    writer.into_inner().expect("memory does not fail")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Predictions;

    #[test]
    fn rows_are_classes_and_columns_predictions() {
        let confusion = Confusion::new(&Predictions::from_classes(&[0, 0, 1, 1], &[0, 1, 1, 1]), 2).unwrap();
        let text = |labels: &[String]| String::from_utf8(confusion_csv(&confusion, labels)).unwrap();
        assert_eq!(text(&[]), "label,0,1\n0,1,1\n1,0,2\n");
        assert_eq!(
            text(&["cat, big".to_owned(), "dog".to_owned()]),
            "label,\"cat, big\",dog\n\"cat, big\",1,1\ndog,0,2\n"
        );
    }

    #[test]
    fn of_many_classes_the_pairs_that_occur_are_listed() {
        let predictions = Predictions::from_classes(&[0, 60_000, 0, 7], &[0, 7, 0, 7]);
        let text = |classes: usize| {
            let confusion = Confusion::new(&predictions, classes).unwrap();
            String::from_utf8(confusion_csv(&confusion, &["cat".to_owned()])).unwrap()
        };
        assert_eq!(text(60_001), "label,prediction,count\ncat,cat,2\n7,7,1\n60000,7,1\n");
    }
}
