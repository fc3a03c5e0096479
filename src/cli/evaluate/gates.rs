//! Options that set gates.

use crate::report::Gates;
use std::path::PathBuf;

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Gates", group = clap::ArgGroup::new("bounds").multiple(true))]
pub(super) struct GateArgs {
    /// Exit with 1 if top-1 accuracy (for anomaly detection, the AUC) is below this fraction
    #[arg(long, value_name = "A", allow_hyphen_values = true)]
    min_accuracy: Option<f64>,

    /// Compare with an earlier JSON report, and with the predictions file that it names, if any
    #[arg(long, value_name = "REPORT", requires = "bounds")]
    baseline: Option<PathBuf>,

    /// Exit with 1 if accuracy (or AUC) is more than this below the baseline's; absolute, so 0.01 is one
    /// percentage point
    #[arg(long, value_name = "D", requires = "baseline", allow_hyphen_values = true, group = "bounds")]
    max_drop: Option<f64>,

    /// Exit with 1 if accuracy (or AUC) is significantly below the baseline's at this level
    ///
    /// The two-sided p-value is that of McNemar's exact test (for the AUC, DeLong's); the baseline must have been
    /// run with --predictions.
    #[arg(long, value_name = "A", requires = "baseline", allow_hyphen_values = true, group = "bounds")]
    alpha: Option<f64>,
}

impl GateArgs {
    /// The gates asked for.
    pub fn gates(&self) -> Gates {
        let GateArgs { min_accuracy, max_drop, alpha, baseline } = self.clone();
        Gates { min_accuracy, max_drop, alpha, baseline }
    }
}
