//! The exact multiplier.

use super::{BOTH, Family, gates};

/// The exact multiplier: what others are compared with.
pub(super) static EXACT: Family = Family {
    name: "exact",
    summary: "exact multiplier",
    paper: "none",
    parameters: &[],
    admits: |_, _| true,
    gates: |_, _| gates::array(8, 8),
    signedness: BOTH,
    product: |_, _, a, b| a * b,
};
