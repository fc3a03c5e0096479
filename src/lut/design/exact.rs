//! The exact multiplier.

use super::Family;
use crate::kernel::Signedness;

/// The exact multiplier: what others are compared with.
pub(super) static EXACT: Family = Family {
    name: "exact",
    summary: "exact multiplier",
    paper: "none",
    parameters: &[],
    signedness: &[Signedness::Unsigned, Signedness::Signed],
    product: |_, _, a, b| a * b,
};
