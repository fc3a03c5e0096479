//! ONNX files: what they compute, what they are called, and what is refused.

mod computed_parameters;
mod constants;
mod damage;
mod functions;
mod integer_inputs;
mod light;
mod more_operators;
mod older_sets;
mod open_sizes;
mod operators;
mod own_integers;
mod precision;
mod qonnx;
mod qoperator;
mod quantized;
mod quantized_forms;
mod rewritten;
mod same_network;
mod variants;
