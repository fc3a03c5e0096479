//! Mapping a dataset's labels to a network's outputs.
//!
//! A label is an index of the network's outputs. Datasets with class names, such as class folders, may
//! have them in another order or lack some; where the network has labels too, classes are matched by
//! name.

use super::{DataError, Dataset};
use std::collections::HashMap;

/// How a dataset's classes were matched to a network's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClassMatch {
    /// By index: at least one side has no class names.
    Numbers,
    /// By name; labels are now the network's indices.
    Names,
    /// By index, although names differ: there are as many classes on both sides.
    Order {
        /// The first name that is not among the network's labels.
        unknown: String,
    },
}

impl Dataset {
    /// Maps labels to the outputs of a network of `classes` classes that are named `names`, which may be
    /// empty. Names match when their letters and digits do, ignoring case.
    ///
    /// # Errors
    /// When the dataset has class names, their number is not `classes`, and one of them is not among
    /// `names`; when a label is not below `classes`.
    pub fn match_classes(&mut self, classes: usize, names: &[String]) -> Result<ClassMatch, DataError> {
        let Some(own) = &self.class_names else {
            return self.check_labels(classes).map(|()| ClassMatch::Numbers);
        };
        self.check_labels(own.len())?;
        let numbers = Numbers::new(names);
        let unknown = own.iter().find(|name| numbers.find(name).is_none()).cloned();
        let found = match unknown {
            None => {
                let to: Vec<u32> = own.iter().filter_map(|name| numbers.find(name)).collect();
                self.labels.iter_mut().for_each(|label| *label = to[*label as usize]);
                self.class_names = Some(names.to_vec());
                ClassMatch::Names
            }
            Some(unknown) if own.len() != classes => {
                let reason = if names.is_empty() {
                    "a subset can be matched by name if the model's config.json has labels".to_owned()
                } else {
                    format!("class '{unknown}' is not among the network's labels, such as '{}'", names[0])
                };
                let (dataset, found) = (self.name().to_owned(), own.len());
                return Err(DataError::Classes { dataset, found, expected: classes, reason });
            }
            Some(_) if names.is_empty() => ClassMatch::Numbers,
            Some(unknown) => ClassMatch::Order { unknown },
        };
        self.check_labels(classes)?;
        Ok(found)
    }
}

/// Indices of the names that only one class has.
struct Numbers(HashMap<String, Option<u32>>);

impl Numbers {
    fn new(names: &[String]) -> Numbers {
        let mut numbers = HashMap::new();
        for (number, name) in names.iter().enumerate() {
            let entry = numbers.entry(key(name));
            entry.and_modify(|number| *number = None).or_insert(Some(number as u32));
        }
        Numbers(numbers)
    }

    fn find(&self, name: &str) -> Option<u32> {
        self.0.get(&key(name)).copied().flatten()
    }
}

/// The part of a name that is compared: a folder cannot be called `T-shirt/top`, but `t-shirt_top`.
fn key(name: &str) -> String {
    let key: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if key.is_empty() { name.to_owned() } else { key }
}
