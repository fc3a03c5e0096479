//! Errors of the library as Python's exceptions.

use approx_eval::cli::describe_by_key;
use pyo3::PyErr;
use pyo3::create_exception;
use pyo3::exceptions::PyValueError;

create_exception!(
    approx_eval,
    Error,
    PyValueError,
    "Input that cannot be used: says what was found and what was expected."
);

/// The exception of `error`, with the command's message.
pub fn raised(error: impl Into<anyhow::Error>) -> PyErr {
    Error::new_err(describe_by_key(&error.into()))
}
