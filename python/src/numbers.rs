//! Arrays of Python as the library takes them.

use crate::error::Error;
use approx_eval::data::{Numbers, Samples};
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use safetensors::Dtype;

/// The types that arrays have, by the names that safetensors files give them.
const TYPES: &[(&str, Dtype)] = &[
    ("U8", Dtype::U8),
    ("I8", Dtype::I8),
    ("U16", Dtype::U16),
    ("I16", Dtype::I16),
    ("U32", Dtype::U32),
    ("I32", Dtype::I32),
    ("U64", Dtype::U64),
    ("I64", Dtype::I64),
    ("F16", Dtype::F16),
    ("F32", Dtype::F32),
    ("F64", Dtype::F64),
];

/// An array: the name of its type, its dimensions and the bytes of its numbers.
pub type Array = (String, Vec<usize>, PyBuffer<u8>);

/// The samples of two arrays, images and labels, called `name` in messages and reports.
pub fn samples(py: Python, name: &str, images: &Array, labels: &Array) -> PyResult<Samples> {
    let (images, labels) = (numbers(py, images)?, numbers(py, labels)?);
    Samples::from_numbers(name, images, labels).map_err(crate::error::raised)
}

fn numbers(py: Python, (dtype, dims, bytes): &Array) -> PyResult<Numbers> {
    let known = TYPES.iter().find(|(name, _)| name == dtype);
    let dtype = known.ok_or_else(|| Error::new_err(format!("no type of numbers is called {dtype}")))?.1;
    Ok(Numbers { dtype, dims: dims.clone(), bytes: bytes.to_vec(py)?.into() })
}
