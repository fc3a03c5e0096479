//! Black-box tests of the command: it runs in temporary folders on files that the tests write, and
//! what it says is compared with computations made here, without the crate's own code.

mod common;

mod accumulators;
mod advise;
mod assignment;
mod attention;
mod axes;
#[cfg(unix)]
mod bad_inputs;
mod base_mode;
mod binary;
mod calibration;
mod ci;
mod correct;
mod data;
mod derived_noise;
mod detection;
mod dump;
mod experiment_file;
mod field;
mod fit;
mod foreign;
mod formats;
mod gates;
mod inputs;
mod integers;
mod latex;
mod lut;
mod many_classes;
mod model;
mod modes;
mod observers;
mod onnx;
mod operands;
mod outputs;
mod outside_cases;
mod plot;
mod predict;
mod provenance;
mod qparams;
mod readme;
mod report;
mod same_bits;
mod search;
mod sensitivity;
mod several_outputs;
mod shell;
mod shipped_networks;
mod statistics;
mod study_page;
mod sweep;
mod tflite;
mod traps;
mod usage;
mod weights;
