//! The network: named nodes over named values, whatever file or architecture it came from.
//!
//! A [`Graph`] is built node by node; each [`Operator`] infers the types of its outputs when it is
//! added, so that a graph that exists can run. Weights are parameters, declared with their shapes
//! and bound later ([`Graph::bind`]), so that layers and operation counts are known without them.
//! The functions of [`pass`] rewrite the graph: batch normalization is folded into the preceding layer,
//! and every linear and convolution layer, and every product of two activations, is swapped for its approximate
//! counterpart.
//!
//! The executor is independent of the operators: one is a struct of attributes in a file of [`op`], and
//! a new one is a new file there. What some operators can do beyond running, such as being a [`Layer`], are
//! capabilities that passes ask for.
//!
//! ```
//! use approx_eval::graph::op::{Linear, Relu};
//! use approx_eval::graph::{Graph, ValueType};
//! use candle_core::{Device, Tensor};
//! use std::collections::BTreeMap;
//!
//! let mut graph = Graph::new();
//! let x = graph.input("x", ValueType::batch_of(&[2]))?;
//! let weight = graph.parameter("fc.weight", &[3, 2], true)?;
//! let y = graph.add_one("fc", Linear, &[x, weight])?;
//! let y = graph.add_one("relu", Relu, &[y])?;
//! graph.set_outputs(&[y]);
//! assert_eq!(graph.ty(y).to_string(), "f32[N, 3]");
//! assert_eq!(graph.layer_counts()[0].opcount, 6);
//!
//! let weight = Tensor::new(&[[1f32, 0.0], [0.0, 1.0], [1.0, 1.0]], &Device::Cpu)?;
//! graph.bind(BTreeMap::from([("fc.weight".to_owned(), weight)]))?;
//! let x = Tensor::new(&[[1f32, -2.0]], &Device::Cpu)?;
//! let outputs = graph.run(&[x], 0)?;
//! assert_eq!(outputs[0].to_vec2::<f32>()?, [[1.0, 0.0, 0.0]]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bind;
mod execute;
mod layers;
mod network;
pub mod op;
mod operator;
pub mod pass;
mod plan;
mod run_error;
mod schedule;
#[cfg(test)]
mod tests;
mod types;
mod walk;

pub use bind::{BindError, MisShaped, strip_common_prefix};
pub use execute::Midway;
pub use layers::LayerCounts;
pub use network::{Graph, GraphError, Node, ValueId};
pub use operator::{
    Fusible, ImageOperator, InputObserver, KeptInputs, Layer, Macs, OpError, Operator, RunContext, Selection,
};
pub use run_error::RunError;
#[cfg(feature = "onnx")]
pub(crate) use types::before_batch;
pub use types::{Dim, ElementType, ValueType};
