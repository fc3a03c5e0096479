//! Statistics of evaluations: numbers without a network.
//!
//! Proportions with their intervals and tests, ROC curves, moments of series, and the text of numbers.
//! Nothing here knows where the numbers come from; [`task`](crate::task) gives them a meaning.

mod moments;
mod normal;
mod pareto;
mod proportions;
mod ranks;
mod roc;
mod text;

pub(crate) use moments::{Moments, mean_interval};
pub use normal::{Z95, two_sided_p};
pub use pareto::pareto_front;
pub use proportions::{mcnemar_exact, paired_interval, unpaired_interval, wilson_interval};
pub use ranks::spearman;
pub use roc::{AucDifference, Roc, auc_variance};
pub(crate) use text::{
    grouped, listed, p_value, percent, signed_percent, significant, significant_percent, whole_number,
};
