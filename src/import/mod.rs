//! Networks from other programs' files: one folder a format, and what formats share.
//!
//! A format's folder turns a file into a [`Graph`](crate::graph::Graph). Shared are the axis order of the
//! input ([`Layout`]), the scales of networks that are quantized already, and names that a graph
//! does not have yet.

#[cfg(any(feature = "onnx", feature = "tflite"))]
mod bytes;
#[cfg(any(feature = "onnx", feature = "tflite"))]
mod image_input;
mod layout;
#[cfg(any(feature = "onnx", feature = "tflite"))]
mod names;
#[cfg(any(feature = "onnx", feature = "tflite"))]
mod network;
#[cfg(feature = "onnx")]
pub mod onnx;
#[cfg(any(feature = "onnx", feature = "tflite"))]
mod output_form;
#[cfg(any(feature = "onnx", feature = "tflite"))]
mod same_padding;
#[cfg(any(feature = "onnx", feature = "tflite"))]
mod scales;
#[cfg(any(feature = "onnx", feature = "tflite"))]
mod size;
#[cfg(feature = "tflite")]
pub mod tflite;

#[cfg(any(feature = "onnx", feature = "tflite"))]
pub use bytes::Bytes;
pub use layout::{LAYOUTS, Layout};
#[cfg(any(feature = "onnx", feature = "tflite"))]
pub use network::Network;
#[cfg(any(feature = "onnx", feature = "tflite"))]
pub use scales::ScalesError;
#[cfg(any(feature = "onnx", feature = "tflite"))]
pub use size::TooLarge;
