//! Why layers cannot be studied one by one.

use crate::eval::{AssignError, PatternError, SessionError};
use crate::lut::{Coding, NoCommonCosts};
use crate::study::journal::JournalError;
use crate::task::ComparisonError;

/// Why a study of layers failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerwiseError {
    /// A multiplier cannot be that of the layers.
    #[error("multiplier '{lut}'")]
    Assign {
        /// The multiplier, as it was given.
        lut: String,
        /// Why.
        #[source]
        source: AssignError,
    },
    /// The layers cannot have exact products: those that rules make approximate have no multiplier then.
    #[error(
        "in a study, a rule that makes layers approximate has to name their multiplier, as in conv1:mode=approx,lut=drum-4"
    )]
    Exact(#[source] AssignError),
    /// Every layer is kept as it is.
    #[error("no layer is left to be approximate: rules keep all {0} as they are, expected at least one that none does")]
    NoLayer(usize),
    /// Two multipliers' integers are coded in different ways.
    #[error(
        "multiplier '{lut}' takes coding {found}, '{first}' {expected}: choose multipliers of one coding, or state one \
         that suits all"
    )]
    Coding {
        /// The multiplier.
        lut: String,
        /// Its coding.
        found: Coding,
        /// The first multiplier.
        first: String,
        /// That one's coding.
        expected: Coding,
    },
    /// A search has nothing to choose from.
    #[error("there is one multiplier, '{0}', expected two or more to choose from")]
    OneMultiplier(String),
    /// The multipliers' costs are not comparable.
    #[error(transparent)]
    Costs(#[from] NoCommonCosts),
    /// An evaluation failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Two evaluations cannot be compared.
    #[error("comparison with exact products")]
    Comparison(#[from] ComparisonError),
    /// A layer's name is no pattern of a rule.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl LayerwiseError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            LayerwiseError::Exact(error) => error.keys(),
            LayerwiseError::NoLayer(_) => &["set", "assign"],
            LayerwiseError::Coding { .. } => &["coding", "lut"],
            LayerwiseError::OneMultiplier(_) => &["lut"],
            LayerwiseError::Costs(error) => error.keys(),
            LayerwiseError::Session(error) => error.keys(),
            LayerwiseError::Journal(error) => error.keys(),
            LayerwiseError::Assign { .. } | LayerwiseError::Comparison(_) | LayerwiseError::Pattern(_) => &[],
        }
    }
}
