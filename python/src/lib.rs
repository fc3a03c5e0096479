//! The Python module `approx_eval._native`: what Python code cannot do for the package `approx_eval` itself.
//!
//! The package (`python/approx_eval`) turns what a caller has, arrays above all, into the command's options and bytes
//! in memory; this crate hands those to [`approx_eval::cli::Request`] and brings back reports and outputs. Whatever
//! takes time is done without Python's lock, by [`attend`].

mod attend;
mod error;
mod multiplier;
mod numbers;
mod session;

use approx_eval::cli;
use pyo3::prelude::*;
use std::ffi::OsString;
use std::io::Write;

/// Runs the command as the program would, and returns its exit code. The program's name is the first argument.
#[pyfunction]
fn command(py: Python, arguments: Vec<OsString>) -> u8 {
    py.detach(|| {
        let code = cli::main(arguments);
        // Where Rust's own start-up is not there, nothing else does at the end.
        let _ = std::io::stdout().flush();
        code.code()
    })
}

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::command;
    #[pymodule_export]
    use super::error::Error;
    #[pymodule_export]
    use super::multiplier::{multiplier, multipliers};
    #[pymodule_export]
    use super::session::Session;

    /// The version of approx-eval.
    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
