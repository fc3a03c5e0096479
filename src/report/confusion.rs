//! A confusion matrix as CSV.

use crate::printable::printable;
use crate::task::Confusion;

/// A header of the predicted classes, then a row for each class: its name, and how often it was predicted
/// as each. Classes without names are shown by their numbers.
pub fn confusion_csv(confusion: &Confusion, labels: &[String]) -> Vec<u8> {
    let rows: Vec<&[u64]> = confusion.rows().collect();
    let name =
        |class: usize| labels.get(class).map_or_else(|| class.to_string(), |label| printable(label).into_owned());
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = std::iter::once("label".to_owned()).chain((0..rows.len()).map(name));
    let body = rows.iter().enumerate();
    let body = body.map(|(class, row)| [name(class)].into_iter().chain(row.iter().map(u64::to_string)).collect());
    for row in std::iter::once(header.collect::<Vec<_>>()).chain(body) {
        writer.write_record(row).expect("rows have as many fields as the header, and memory does not fail");
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
}
