//! Networks from other programs' files: one folder a format, and what formats share.
//!
//! A format's folder turns a file into a [`Graph`](crate::graph::Graph). Shared are the axis order of the
//! input ([`Layout`]), the scales of networks that are quantized already, and names that a graph
//! does not have yet.

#[cfg(feature = "onnx")]
mod image_input;
mod layout;
#[cfg(feature = "onnx")]
mod names;
#[cfg(feature = "onnx")]
pub mod onnx;
#[cfg(feature = "onnx")]
mod scales;

pub use layout::{LAYOUTS, Layout};
#[cfg(feature = "onnx")]
pub use scales::ScalesError;
