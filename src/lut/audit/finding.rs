//! What an audit finds.

use crate::lut::Operand;
use crate::lut::catalogue::NameMismatch;
use crate::stats::{grouped, significant};
use serde::Serialize;
use std::fmt;

/// Something that is wrong with a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Finding {
    /// The products of a quadrant have the wrong signs.
    SignsLost {
        /// The signs of the quadrant's operands.
        signs: [char; 2],
        /// How many products have the wrong sign.
        products: u32,
    },
    /// Products have the wrong sign, and are further from exact by that than any product of the right sign.
    WrongSigns {
        /// How many, in all quadrants that have not lost their signs altogether.
        products: usize,
        /// The first of those that are too far from exact.
        examples: Vec<ProductError>,
    },
    /// The products of some values of an operand are far worse than those of all others.
    OperandFarWorse {
        /// The operand, `first` or `second`.
        operand: &'static str,
        /// Its values.
        values: Vec<i32>,
        /// The mean absolute error of the least of them.
        mae: f64,
        /// The largest mean absolute error of any other value.
        others: f64,
    },
    /// A stated metric is not the measured one.
    #[serde(rename = "claim-fails")]
    MetricMismatch {
        /// The metric's name.
        metric: String,
        /// The stated value.
        #[serde(rename = "claimed")]
        stated: String,
        /// The measured value.
        measured: Option<f64>,
    },
    /// The table has a design's name but not its products.
    #[serde(rename = "not-the-design")]
    DesignMismatch {
        /// The design.
        design: String,
        /// How many products differ.
        products: usize,
    },
    /// The table has a circuit's name but not its products.
    NotTheCircuit(NameMismatch),
    /// The table is exact, or a known design, but for a few products.
    FewEntriesDiffer {
        /// What it nearly is.
        reference: String,
        /// How many products differ.
        products: usize,
        /// The first of these.
        entries: Vec<ProductError>,
    },
}

/// A product that is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ProductError {
    /// The first operand.
    pub first: i32,
    /// The second operand.
    pub second: i32,
    /// The product in the table.
    pub found: i32,
    /// What was expected.
    pub expected: i32,
}

impl ProductError {
    /// How many of them a finding has.
    pub(super) const LISTED: usize = 8;
}

impl fmt::Display for ProductError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let ProductError { first, second, found, expected } = self;
        write!(f, "[{first}][{second}] is {found}, expected {expected}")
    }
}

/// The listed of `all` errors, and how many more there are.
fn listed(errors: &[ProductError], all: usize) -> String {
    let more = all.saturating_sub(errors.len());
    let more = (more > 0).then(|| format!("{} more", grouped(more as u64)));
    let texts = errors.iter().map(ProductError::to_string).chain(more);
    texts.collect::<Vec<_>>().join("; ")
}

/// `1 product`, `12 products`.
fn products(count: usize) -> String {
    if count == 1 { "1 product".to_owned() } else { format!("{} products", grouped(count as u64)) }
}

/// The operand as findings name it.
pub(super) fn operand_name(operand: Operand) -> &'static str {
    operand.select(["first", "second"])
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Finding::SignsLost { signs: [a, b], products } => write!(
                f,
                "{products} products of operands with signs {a} and {b} have the wrong sign: minus signs were lost"
            ),
            Finding::WrongSigns { products: all, examples } => {
                // Of the others it is not said how far from exact they are.
                let examples = examples.iter().map(ProductError::to_string).collect::<Vec<_>>().join("; ");
                write!(f, "{} of the wrong sign, some further from exact than all others: {examples}", products(*all))
            }
            Finding::OperandFarWorse { operand, values, mae, others } => {
                let values = values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let [mae, others] = [mae, others].map(|mae| significant(*mae, 4));
                write!(
                    f,
                    "products of {operand} operand {values} have an MAE of {mae}, those of all others at most {others}"
                )
            }
            Finding::MetricMismatch { metric, stated, measured: Some(measured) } => {
                write!(f, "{metric} is {measured}, but {stated} is stated")
            }
            Finding::MetricMismatch { metric, stated, measured: None } => {
                write!(f, "{metric} is not defined, but {stated} is stated")
            }
            Finding::DesignMismatch { design, products } => {
                write!(f, "{products} products differ from design '{design}', after which the table is named")
            }
            Finding::NotTheCircuit(mismatch) => mismatch.fmt(f),
            Finding::FewEntriesDiffer { reference, products: all, entries } => {
                write!(f, "the table is {reference} but for {}: {}", products(*all), listed(entries, *all))
            }
        }
    }
}
