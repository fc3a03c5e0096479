//! Passes that rewrite a graph, one file each.

mod fold;
mod fuse;
mod observe;
mod swap;
#[cfg(test)]
mod tests;

pub use fold::fold_batch_norm;
pub use fuse::fuse_clips;
pub use observe::{LayerObserver, Observation, observe_layers};
pub use swap::swap_layers;
