//! Networks from other programs' files: one folder a format, and what formats share.
//!
//! A format's folder turns a file into a [`Graph`](crate::graph::Graph). Shared are the axis order of the
//! input ([`Layout`]), the scales of networks that are quantized already, and names that a graph
//! does not have yet.

mod image_input;
mod layout;
mod names;
pub mod onnx;
mod scales;

pub use layout::{LAYOUTS, Layout};
pub use scales::ScalesError;
