//! How many numbers were compared, how many of them differ, and the first that does.

use crate::report::SelfcheckEntry;
use std::fmt::Display;

/// A comparison of many numbers.
#[derive(Debug, Default)]
pub struct Tally {
    count: u64,
    differing: u64,
    first: Option<String>,
}

impl Tally {
    /// Compares two numbers, or anything else, that are to be the same; `place` says where they stand.
    pub fn same<T: PartialEq + Display>(&mut self, found: T, expected: T, place: impl FnOnce() -> String) {
        let is_same = found == expected;
        self.holds(is_same, || format!("{}: found {found}, expected {expected}", place()));
    }

    /// Compares numbers bit by bit; `place` says where number `i` stands.
    pub fn bits(&mut self, found: &[f32], expected: &[f32], place: impl Fn(usize) -> String) {
        if found.len() != expected.len() {
            self.same(found.len(), expected.len(), || "how many numbers there are".to_owned());
        }
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            let is_same = found.to_bits() == expected.to_bits();
            self.holds(is_same, || {
                let bits = [found, expected].map(|x| format!("{x:e} (0x{:08x})", x.to_bits()));
                format!("{}: found {}, expected {}", place(i), bits[0], bits[1])
            });
        }
    }

    /// Counts what is to hold; `difference` says what does not.
    pub fn holds(&mut self, holds: bool, difference: impl FnOnce() -> String) {
        self.count += 1;
        if !holds {
            self.differing += 1;
            self.first.get_or_insert_with(difference);
        }
    }

    /// Counts the comparisons of `other` after these.
    pub fn add(&mut self, other: Tally) {
        self.count += other.count;
        self.differing += other.differing;
        self.first = self.first.take().or(other.first);
    }

    /// The comparison as a report has it.
    pub fn entry(self, name: &str, compared: &str) -> SelfcheckEntry {
        SelfcheckEntry::compared(name, compared, [self.count, self.differing], self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::SelfcheckResult;

    #[test]
    fn the_first_difference_is_kept() {
        let mut tally = Tally::default();
        tally.bits(&[0.0, 1.0, 2.0], &[-0.0, 1.0, 2.5], |i| format!("number {i}"));
        let mut others = Tally::default();
        others.same(1, 2, || "later".to_owned());
        tally.add(others);
        let entry = tally.entry("name", "numbers");
        assert_eq!((entry.count, entry.differing, entry.result), (4, 3, SelfcheckResult::Failed));
        let first = "number 0: found 0e0 (0x00000000), expected -0e0 (0x80000000)";
        assert_eq!(entry.detail.as_deref(), Some(first));
    }

    #[test]
    fn nothing_compared_is_not_a_success() {
        assert_eq!(Tally::default().entry("name", "numbers").result, SelfcheckResult::Skipped);
    }
}
