//! Statistics of evaluations: numbers without a network.
//!
//! Proportions and their intervals and tests, areas under ROC curves, and moments of series. Nothing
//! here knows where the numbers come from; [`eval`](crate::eval) gives them a meaning.

mod moments;
mod proportions;
mod roc;

pub(crate) use moments::Moments;
pub(crate) use proportions::Z95;
pub use proportions::{mcnemar_exact, paired_interval, wilson_interval};
pub use roc::{Roc, auc_variance};
