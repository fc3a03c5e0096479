//! Rewriting passes over a graph, one file each.

mod fold;
mod swap;
#[cfg(test)]
mod tests;

pub use fold::fold_batch_norm;
pub use swap::swap_layers;
