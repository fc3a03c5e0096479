//! Studies: many evaluations as loops over a [`Session`](crate::eval::Session).
//!
//! One evaluation answers how bad a multiplier is; a study answers which layers stand it, which multiplier suits which
//! layer, and what a cheap correction brings back. Nothing here knows options or formats.
//!
//! A [`scope`] says which layers are approximate at a time, a [`journal`] keeps what is finished, and a [`sweep`] is a
//! whole grid of evaluations.

pub mod advise;
mod bisection;
pub mod correct;
pub mod journal;
mod layerwise;
pub mod page;
pub mod rank;
pub mod scope;
pub mod search;
pub mod selfcheck;
pub mod sensitivity;
pub mod sweep;
mod tolerance;

pub use layerwise::LayerwiseError;
pub use tolerance::ToleranceSettings;
