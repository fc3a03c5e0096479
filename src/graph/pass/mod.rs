//! Passes that rewrite a graph, one file each.

mod attention;
mod fold;
mod fuse;
mod observe;
mod products;
mod sums;
mod swap;
#[cfg(test)]
mod tests;

pub use attention::name_attention;
pub use fold::fold_batch_norm;
pub use fuse::fuse_clips;
pub use observe::{LayerObserver, Observation, observe_layers};
pub use products::product_params;
pub use sums::sum_on_grids;
pub use swap::swap_layers;
