//! Why no reading was taken, and the readings that there are.

use super::super::{Bits, Reading};
use super::Grounds;
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
    /// The reading in the grammar of `--lut-format`, and how far off it is.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Choice { reading, mae, score } = self;
        write!(f, "{reading} (mean absolute error {mae:.1}, {:.0} % of the mean product)", 100.0 * score)
    }
}

/// Why no reading was taken.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// No reading resembles multiplication.
    #[error(
        "under no reading do the entries resemble a multiplier's products; if they are, state the reading with \
         --lut-format, one of {}",
        list(.choices)
    )]
    Noise {
        /// The readings, closest first.
        choices: Vec<Choice>,
    },
    /// Several readings are about as close.
    #[error("the entries can be read in several ways; state one with --lut-format: {}", list(.choices))]
    Ambiguous {
        /// The readings, closest first.
        choices: Vec<Choice>,
    },
    /// What is stated excludes the reading that resembles multiplication, and settles none.
    #[error(
        "{grounds}, but the entries are closest to a multiplier's products as {better}: state that with --lut-format \
         {better_format}; if what is stated holds, one of {}", list(.choices), better_format = .better.reading
    )]
    Contradicted {
        /// What was stated.
        grounds: Grounds,
        /// The closest reading of those that are not as stated.
        better: Choice,
        /// Those that are, closest first.
        choices: Vec<Choice>,
    },
    /// What is stated does not fit the file.
    #[error("the entries cannot be read as stated ({grounds}); possible are {}", list(.choices))]
    Stated {
        /// What was stated.
        grounds: Grounds,
        /// The readings that fit the file, closest first.
        choices: Vec<Choice>,
    },
    /// Entries without a shape that read best as those of operands of two widths, as half of a larger
    /// table would.
    #[error(
        "read best as {first} x {second} bits, as part of a larger table would: state {first}x{second} if that is what it is"
    )]
    Oblong {
        /// Width of the first operand.
        first: Bits,
        /// Width of the second.
        second: Bits,
    },
    /// No reading fits the file at all.
    #[error("{entries} entries are no multiplier's table: {reason}")]
    None {
        /// How many bytes or numbers there are.
        entries: usize,
        /// What is wrong.
        reason: &'static str,
    },
}

/// The choices as a message lists them: at most six.
fn list(choices: &[Choice]) -> String {
    choices.iter().take(6).map(Choice::to_string).collect::<Vec<_>>().join(", ")
}
