//! Why no reading was taken, and which ones are possible.

use super::super::{Bits, Reading};
use super::Constraints;
use std::fmt;

/// One way to read a table.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The reading.
    pub reading: Reading,
    /// Its mean absolute error from the exact product.
    pub mae: f64,
    /// That error over the mean absolute exact product; of magnitudes for a signed reading without
    /// negative entries.
    pub score: f64,
}

impl fmt::Display for Choice {
    /// The reading in the words of a [`LutFormat`](crate::lut::LutFormat), and its distance from exact.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Choice { reading, mae, score } = self;
        write!(f, "{reading} (mean absolute error {mae:.1}, {:.0} % of the mean product)", 100.0 * score)
    }
}

/// Why no reading was taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetectError {
    /// No reading resembles multiplication.
    #[error(
        "no interpretation (type, signedness, order) resembles a multiplier; if it is one, state the LUT format, one \
         of {}",
        list(.choices)
    )]
    Noise {
        /// The readings, closest first.
        choices: Vec<Choice>,
    },
    /// Several readings are about as close.
    #[error("the entries can be read in several ways; state the LUT format, one of {}", list(.choices))]
    Ambiguous {
        /// The readings, closest first.
        choices: Vec<Choice>,
    },
    /// What is stated excludes the reading that resembles multiplication, and leaves several others.
    #[error(
        "{constraints}, but the entries are closest to a multiplier's products as {better}: state the LUT format \
         {better_format}; if what is stated is correct, one of {}", list(.choices), better_format = .better.reading
    )]
    Contradicted {
        /// What was stated.
        constraints: Constraints,
        /// The closest reading of those that do not match it.
        better: Choice,
        /// Those that do, closest first.
        choices: Vec<Choice>,
    },
    /// What is stated does not fit the file.
    #[error("the entries cannot be read as stated ({constraints}); possible are {}", list(.choices))]
    Stated {
        /// What was stated.
        constraints: Constraints,
        /// The readings that fit the file, closest first.
        choices: Vec<Choice>,
    },
    /// Entries without a shape that read best as those of operands of two widths, as half of a larger
    /// table would.
    #[error(
        "the entries are closest to a {first} x {second} bit multiplier, but they may be part of a larger table; if they \
         are a whole one, state the LUT format {first}x{second}"
    )]
    Oblong {
        /// Width of the first operand.
        first: Bits,
        /// Width of the second.
        second: Bits,
    },
    /// No reading fits the file at all.
    #[error("{entries} entries do not form a multiplier table: {reason}")]
    None {
        /// The number of bytes or numbers.
        entries: usize,
        /// What is wrong.
        reason: &'static str,
    },
}

impl DetectError {
    /// The settings that fix this error, where some do.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            DetectError::None { .. } => &[],
            _ => &["lut_format"],
        }
    }
}

/// The choices as a message lists them: at most six.
fn list(choices: &[Choice]) -> String {
    choices.iter().take(6).map(Choice::to_string).collect::<Vec<_>>().join(", ")
}
