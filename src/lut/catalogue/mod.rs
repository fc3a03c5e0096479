//! The catalogue: multipliers of EvoApproxLib, known by their products.
//!
//! The field's standard multipliers travel as bare tables, under names that do not always hold: names
//! are reused between the library's releases, one circuit has two names, and tables under a circuit's name that are
//! another circuit's are in use. Here a table is [recognized](recognize) by its content, and gets the figures that
//! the library publishes: errors, power, area and delay.
//!
//! ```
//! use approx_eval::lut::{self, OpenOptions, catalogue};
//!
//! let exact = lut::open("exact", &OpenOptions::default())?;
//! let names: Vec<_> = catalogue::recognize(&exact).iter().map(|entry| entry.name.as_str()).collect();
//! assert_eq!(names, ["mul8u_1JFF", "mul8u_1JJQ"]);
//! # Ok::<(), lut::OpenError>(())
//! ```

mod check;
mod entry;
mod made;
mod name;
mod recognized;
mod search;

pub use check::{CircuitDifference, NameMismatch, mismatch, notes};
pub use entry::{Entry, LIBRARY, RELEASES, Release, entries, recognize, recognize_either};
pub use made::{CircuitError, circuit_of, make};
pub use name::{ClaimedName, by_name};
pub use recognized::{CircuitName, Recognized};
pub use search::{Circuit, NamePattern, NamePatternError, SORT_KEYS, Search, SortKey};

#[cfg(test)]
mod tests;
