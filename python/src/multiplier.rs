//! Multipliers as tables.

use crate::error::raised;
use approx_eval::kernel::Signedness;
use approx_eval::lut::{self, Coding, INDEX_ORDERS, LutFormat, OpenOptions, Operand};
use pyo3::prelude::*;
use pyo3::types::PyByteArray;

/// The names that a text stands for: a list's name (`shipped`, `designs`, `catalogue`), a range or a pattern.
#[pyfunction]
pub fn multipliers(text: &str) -> PyResult<Vec<String>> {
    lut::select(text).map_err(raised)
}

/// A table: its name, whether it is signed, its numbers of rows and columns, and its products as the bytes of `i32`
/// numbers.
type Table<'py> = (String, bool, [usize; 2], Bound<'py, PyByteArray>);

/// The table of a file or a named multiplier, in an order of operands.
#[pyfunction]
#[pyo3(signature = (name, order, *, coding=None, lut_format=None, swap_operands=false))]
pub fn multiplier<'py>(
    py: Python<'py>,
    name: &str,
    order: &str,
    coding: Option<&str>,
    lut_format: Option<&str>,
    swap_operands: bool,
) -> PyResult<Table<'py>> {
    let coding = coding.map(str::parse::<Coding>).transpose().map_err(raised)?;
    let format = lut_format.map(str::parse::<LutFormat>).transpose().map_err(raised)?;
    let order = *INDEX_ORDERS.find(order).map_err(raised)?;
    let lut = lut::open(name, &OpenOptions { format, swap_operands, coding }).map_err(raised)?;
    let sizes = [Operand::Activation, Operand::Weight].map(|operand| lut.operand_range(operand).count());
    let entries: Vec<u8> = lut.entries(order).flat_map(i32::to_ne_bytes).collect();
    let is_signed = lut.signedness() == Signedness::Signed;
    Ok((lut.name().to_owned(), is_signed, sizes, PyByteArray::new(py, &entries)))
}
