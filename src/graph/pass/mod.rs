//! Passes that rewrite a graph, one file each.

mod attention;
mod fold;
mod fuse;
mod integers;
mod observe;
mod products;
mod requantize;
mod sums;
mod swap;
#[cfg(test)]
mod tests;

pub use attention::name_attention;
pub use fold::fold_batch_norm;
pub use fuse::fuse_clips;
pub use integers::{prepare_integers, set_integers, watched_values};
pub use observe::{LayerObserver, Observation, observe_layers};
pub use products::product_params;
pub use requantize::{Roundings, requantize_layers};
pub use sums::sum_on_grids;
pub use swap::swap_layers;
