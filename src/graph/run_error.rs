//! What can go wrong while a graph runs.

use super::OpError;

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The wrong number of inputs.
    #[error("{found} inputs, expected {expected}")]
    Inputs {
        /// How many were given.
        found: usize,
        /// How many the network has.
        expected: usize,
    },
    /// An input of the wrong type or shape.
    #[error("input '{name}' is {found}, expected {expected}")]
    Input {
        /// The input's name.
        name: String,
        /// Its element type and dimensions.
        found: String,
        /// The type that the network expects.
        expected: String,
    },
    /// A parameter is not bound.
    #[error("parameter '{0}' is not bound to a tensor")]
    Unbound(String),
    /// candle cannot split values by samples, or join them.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// A node failed.
    #[error("node '{node}' ({kind})")]
    Node {
        /// The node's name.
        node: String,
        /// Its operator.
        kind: &'static str,
        /// Why.
        #[source]
        source: Box<OpError>,
    },
}
