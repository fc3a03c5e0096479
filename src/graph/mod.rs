//! The network: named nodes over named values, whatever file or architecture it came from.
//!
//! A [`Graph`] is built node by node; each [`Operator`] infers the types of its outputs as it is
//! added, so that a graph that exists can run. Weights are parameters, declared with their shapes
//! and bound later ([`Graph::bind`]), so that layers and operation counts are known without them.
//! [`pass`]es rewrite the graph: batch normalisation is folded into the layer before it, and every
//! linear and convolution layer is swapped for its approximate counterpart. Execution is candle's.
//!
//! The executor knows no operator: one is a struct of attributes in a file of [`op`], and a new one
//! is a new file there.

mod bind;
mod execute;
mod network;
pub mod op;
mod operator;
pub mod pass;
mod schedule;
#[cfg(test)]
mod tests;
mod types;

pub use bind::{BindError, MisShaped};
pub use execute::RunError;
pub use network::{Graph, GraphError, Node, Product, ValueId};
pub use operator::{OpError, Operator, Pass};
pub(crate) use types::before_batch;
pub use types::{Dim, ValueType};
