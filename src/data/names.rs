//! Which arrays of a file are its images and labels, by the names that programs use.
//!
//! numpy names arrays that were saved without names `arr_0` and `arr_1`; Keras calls them `x_test` and
//! `y_test`, MedMNIST `test_images` and `test_labels`, beside those of the training part. Exactly one
//! pair must be there for the requested split.

use super::{DataError, Split};
use std::fmt::Display;

/// The name of the images and that of the labels.
pub(super) type Pair = (&'static str, &'static str);

/// Pairs of a file that is one part as a whole.
const WHOLE: [Pair; 5] = [("images", "labels"), ("data", "labels"), ("x", "y"), ("X", "y"), ("arr_0", "arr_1")];
/// Pairs beside those of another part.
const TEST: [Pair; 3] = [("x_test", "y_test"), ("X_test", "y_test"), ("test_images", "test_labels")];
const TRAIN: [Pair; 3] = [("x_train", "y_train"), ("X_train", "y_train"), ("train_images", "train_labels")];

/// The pair for `split` among the `names` of a file, which holds such `things` as arrays or tensors.
pub(super) fn pair(file: impl Display, things: &str, names: &[&str], split: Split) -> Result<Pair, DataError> {
    let parts = if split == Split::Test { TEST } else { TRAIN };
    let known = WHOLE.into_iter().chain(parts);
    let has = |name: &str| names.contains(&name);
    let fitting: Vec<Pair> = known.clone().filter(|(images, labels)| has(images) && has(labels)).collect();
    let found = if names.is_empty() { format!("no {things}") } else { format!("{things} {}", names.join(", ")) };
    match fitting[..] {
        [pair] => Ok(pair),
        [] => {
            let others = list(known.skip(1));
            let expected = format!("'images' [N, C, H, W] and 'labels' [N], or a pair of the names {others}");
            Err(DataError::content(file, found, expected))
        }
        _ => {
            let found = format!("{found}, of which several pairs match: {}", list(fitting));
            Err(DataError::content(file, found, "one such pair; rename or remove the others"))
        }
    }
}

/// The name of the labels that belong to images of this name; those of a known pair.
pub(super) fn labels_for(images: &str) -> Option<&'static str> {
    let mut known = WHOLE.into_iter().chain(TEST).chain(TRAIN);
    known.find(|(name, _)| *name == images).map(|(_, labels)| labels)
}

fn list(pairs: impl IntoIterator<Item = Pair>) -> String {
    let pairs = pairs.into_iter().map(|(images, labels)| format!("{images}/{labels}"));
    pairs.collect::<Vec<_>>().join(", ")
}
