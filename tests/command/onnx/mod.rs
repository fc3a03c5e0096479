//! ONNX files: what they compute, what they are called, and what is refused.

mod computed_parameters;
mod damage;
mod light;
mod more_operators;
mod older_sets;
mod operators;
mod quantized;
mod quantized_forms;
mod same_network;
mod variants;
