//! Networks from other programs' files: one folder a format, and what they share.

pub mod onnx;
