//! Options of the accumulators that sums are kept in.

use crate::cli::named::named;
use crate::layer::{ACC_OVERFLOWS, AccBits, AccOverflow, Accumulator};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Accumulators")]
pub(super) struct AccumulatorArgs {
    /// Width of each layer's accumulator, 2 to 64 bits; auto: as wide as sums need, which is reported (slower)
    ///
    /// Products are added one by one in the order of the weight's elements, then the zero-point terms, then the bias
    /// where it is an integer. The report has each layer's overflows, the least width at which none occurs on the data,
    /// and the least for any data. Modes base and noise have no accumulators.
    #[arg(long, value_name = "BITS", allow_negative_numbers = true)]
    acc_bits: Option<AccBits>,

    /// What becomes of sums that leave an accumulator's range
    #[arg(long, value_name = "OVERFLOW", default_value = "wrap", value_parser = named(&ACC_OVERFLOWS))]
    acc_overflow: AccOverflow,
}

impl AccumulatorArgs {
    /// What layers keep their sums in.
    pub fn accumulator(&self) -> Option<Accumulator> {
        self.acc_bits.map(|bits| Accumulator { bits, overflow: self.acc_overflow })
    }
}
