//! From a set's classes to a network's outputs.
//!
//! A label is a number, and means something only beside the network whose outputs it counts. Sets
//! that know their classes' names, as class folders do, may have them in another order or leave
//! some out; where the network knows its own, labels become its numbers by name.

use super::{DataError, Dataset};
use std::collections::HashMap;

/// How a set's classes were found among a network's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClassMatch {
    /// Labels are the network's own numbers: either side's classes have no names.
    Numbers,
    /// Every name is one of the network's, and labels are now its numbers.
    Names,
    /// There are as many, and they are taken in their order.
    Order {
        /// The first name that is none of the network's.
        unknown: String,
    },
}

impl Dataset {
    /// Makes labels the numbers of a network's outputs, which are `classes` many and named `names`,
    /// or not at all. Names are equal when their letters and digits are, in either case.
    ///
    /// # Errors
    /// When the set names its classes, they are not as many as the network's, and some is not
    /// among `names`; when a label is not below `classes`.
    pub fn match_classes(&mut self, classes: usize, names: &[String]) -> Result<ClassMatch, DataError> {
        let Some(own) = &self.class_names else {
            return self.check_labels(classes).map(|()| ClassMatch::Numbers);
        };
        self.check_labels(own.len())?;
        let numbers = Numbers::of(names);
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
                    "fewer are matched by name where the model's config.json has labels".to_owned()
                } else {
                    format!("'{unknown}' is none of its labels, as '{}' is", names[0])
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

/// The numbers of names that only one class has.
struct Numbers(HashMap<String, Option<u32>>);

impl Numbers {
    fn of(names: &[String]) -> Numbers {
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

/// What is compared of a name: a folder cannot be called `T-shirt/top`, but `t-shirt_top`.
fn key(name: &str) -> String {
    let key: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if key.is_empty() { name.to_owned() } else { key }
}
