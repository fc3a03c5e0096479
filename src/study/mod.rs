//! Studies: many evaluations as loops over a [`Session`](crate::eval::Session).
//!
//! One evaluation answers how bad a multiplier is; a study answers which layers stand it, which multiplier suits which
//! layer, and what a cheap correction brings back. Nothing here knows options or formats.

pub mod journal;
pub mod rank;
