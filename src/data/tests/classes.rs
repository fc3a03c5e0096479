//! A set's classes among a network's.

use super::*;
use crate::cases::for_each_case;
use crate::data::{self, ClassMatch, Split};
use tempfile::{TempDir, tempdir};

fn folder(classes: &[&str]) -> (TempDir, Dataset) {
    let folder = tempdir().unwrap();
    for class in classes {
        std::fs::create_dir(folder.path().join(class)).unwrap();
        write(folder.path().join(class).join("0.png"), &png([1, 1, 1], &[0]));
    }
    let dataset = data::open(folder.path(), None, Split::Test).unwrap();
    (folder, dataset)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Folders, the network's classes and their names, and what becomes of the labels.
type Case<'a> = (&'a [&'a str], usize, &'a [&'a str], Result<(ClassMatch, &'a [u32]), &'a [&'a str]>);

#[test]
fn classes_are_matched_by_name_where_all_are_known_and_else_by_number() {
    let order = |unknown: &str| ClassMatch::Order { unknown: unknown.to_owned() };
    let cases: &[Case] = &[
        // Sorted, these are ankle_boot, bag, t-shirt_TOP.
        (
            &["t-shirt_TOP", "bag", "ankle_boot"],
            4,
            &["T-shirt/top", "Trouser", "Bag", "Ankle boot"],
            Ok((ClassMatch::Names, &[3, 2, 0])),
        ),
        (&["cat", "dog"], 2, &["dog", "cat"], Ok((ClassMatch::Names, &[1, 0]))),
        (&["cat", "dog"], 2, &[], Ok((ClassMatch::Numbers, &[0, 1]))),
        (&["cat", "dog"], 2, &["dog", "horse"], Ok((order("cat"), &[0, 1]))),
        (&["-", "+"], 2, &["-", "+"], Ok((ClassMatch::Names, &[1, 0]))),
        // A name that two classes have says nothing.
        (
            &["crane", "dog"],
            3,
            &["crane", "dog", "Crane"],
            Err(&["2 classes", "3", "class 'crane' is not among the network's labels"]),
        ),
        (
            &["cat", "dog"],
            3,
            &["dog", "horse", "cow"],
            Err(&["has 2 classes, but the network has 3", "class 'cat' is not among"]),
        ),
        (&["cat", "dog"], 3, &[], Err(&["has 2 classes, but the network has 3", "config.json has labels"])),
        (&["cat", "dog", "ox"], 2, &["cat", "dog"], Err(&["has 3 classes, but the network has 2", "'ox'"])),
    ];
    for_each_case(cases, |(folders, classes, labels, expected)| {
        let (_folder, mut dataset) = folder(folders);
        match (dataset.match_classes(*classes, &names(labels)), expected) {
            (Ok(found), Ok((kind, numbers))) => {
                assert_eq!((&found, dataset.labels()), (kind, *numbers), "{folders:?} {labels:?}");
                if found == ClassMatch::Names {
                    assert_eq!(dataset.class_names().unwrap(), names(labels));
                }
            }
            (Err(error), Err(parts)) => {
                let message = error.to_string();
                assert!(parts.iter().all(|part| message.contains(part)), "{message}");
            }
            (found, _) => panic!("{folders:?} {labels:?}: {found:?}"),
        }
    });
}

#[test]
fn sets_without_names_keep_their_numbers() {
    let mut dataset = data::embedded("fashion-mnist").unwrap().open().unwrap();
    let before = dataset.labels().to_vec();
    assert_eq!(dataset.match_classes(12, &names(&["a"; 12])).unwrap(), ClassMatch::Numbers);
    assert_eq!(dataset.labels(), before);
    let error = dataset.match_classes(9, &[]).unwrap_err().to_string();
    assert_eq!(error, "fashion-mnist: sample 0 has label 9, expected 0 to 8");
}

#[test]
fn one_class_is_normal_and_the_others_are_anomalous() {
    let (_folder, mut set) = folder(&["bent", "broken", "Good", "scratch"]);
    let order: Vec<usize> = set.labels().iter().map(|&label| label as usize).collect();
    let classes: Vec<String> = order.iter().map(|&label| set.class_names().unwrap()[label].clone()).collect();
    set.match_anomalies().unwrap();
    for (class, label) in classes.iter().zip(set.labels()) {
        assert_eq!(*label, u32::from(class != "Good"), "{class}");
    }
    assert_eq!(set.class_names().unwrap(), ["normal", "anomalous"]);
    for classes in [&["bent", "broken"][..], &["good", "normal", "bent"]] {
        let (_folder, mut set) = folder(classes);
        let error = set.match_anomalies().unwrap_err().to_string();
        assert!(error.contains("normal, good, ok") && error.contains("bent"), "{error}");
    }
}
