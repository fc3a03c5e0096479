//! An open network with its data, evaluated under one set of options after another.

use crate::attend::{Follower, Relay, attend};
use crate::error::raised;
use crate::numbers::{Array, samples};
use approx_eval::cli::{Given, Request};
use approx_eval::eval::{self, LutFiles, Rules};
use approx_eval::quant::ParamsFile;
use approx_eval::report::Document;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyByteArray;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

/// Multipliers' files in memory, by name.
type Luts = BTreeMap<String, Vec<u8>>;

/// A network, its data and what was observed of them.
#[pyclass(frozen, module = "approx_eval._native")]
pub struct Session {
    open: Mutex<Open>,
    relay: Arc<Relay>,
}

struct Open {
    session: eval::Session,
    /// What it was configured for last.
    request: Request,
}

#[pymethods]
impl Session {
    /// Opens all that the options name, and all that is given in memory: a network's file, images with labels for the
    /// evaluation and the calibration, quantization parameters and rules as JSON, multipliers' files.
    #[new]
    #[pyo3(signature = (options, *, model=None, data=None, calibration=None, qparams=None, rules=None, luts=None))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python,
        options: Vec<OsString>,
        model: Option<Vec<u8>>,
        data: Option<(Array, Array)>,
        calibration: Option<(Array, Array)>,
        qparams: Option<String>,
        rules: Option<String>,
        luts: Option<Luts>,
    ) -> PyResult<Self> {
        let set = |name, set: Option<(Array, Array)>| {
            set.map(|(images, labels)| samples(py, name, &images, &labels)).transpose()
        };
        let params = qparams.map(|text| ParamsFile::parse(Path::new("qparams"), text.as_bytes())).transpose();
        let given = Given {
            model: model.map(Arc::from),
            data: set("images", data)?,
            calibration: set("calib_data", calibration)?,
            params: params.map_err(raised)?,
        };
        let request = requested(options, rules)?;
        let relay = Arc::<Relay>::default();
        let follower = Follower(Arc::clone(&relay));
        let session = attend(py, &relay, None, || {
            request.on_threads(|| request.open(given, files(luts.unwrap_or_default()), follower))
        })?;
        Ok(Session { open: Mutex::new(Open { session, request }), relay })
    }

    /// Makes the next evaluations ones by these options; those of the network and its data have no effect.
    #[pyo3(signature = (options, *, rules=None, luts=None))]
    fn configure(&self, py: Python, options: Vec<OsString>, rules: Option<String>, luts: Option<Luts>) -> PyResult<()> {
        let mut open = self.idle()?;
        let Open { session, request } = &mut *open;
        let next = requested(options, rules)?;
        attend(py, &self.relay, None, || next.on_threads(|| next.configure(session, files(luts.unwrap_or_default()))))?;
        *request = next;
        Ok(())
    }

    /// Evaluates; returns the report as JSON, and the outputs as the bytes of `f32` numbers, so many for each sample.
    #[pyo3(signature = (progress=None))]
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(String, Bound<'py, PyByteArray>, usize)> {
        let mut open = self.idle()?;
        let Open { session, request } = &mut *open;
        let mut logits = Vec::with_capacity(session.samples() * session.model().outputs * size_of::<f32>());
        let report = attend(py, &self.relay, progress, || {
            request.on_threads(|| {
                request.evaluate(session, |batch| {
                    logits.extend(batch.logits.iter().flat_map(|logit| logit.to_ne_bytes()));
                    Ok(())
                })
            })
        })?;
        Ok((report.json().to_string(), PyByteArray::new(py, &logits), session.model().outputs))
    }

    /// Names of the layers that options concern, in the order of the network.
    fn layers(&self) -> PyResult<Vec<String>> {
        Ok(self.idle()?.session.model().graph.layers().map(|layer| layer.name().to_owned()).collect())
    }

    /// The scales and zero points that the options in force come to, as JSON.
    fn qparams(&self, py: Python) -> PyResult<String> {
        let mut open = self.idle()?;
        let Open { session, request } = &mut *open;
        attend(py, &self.relay, None, || {
            request.on_threads(|| Ok(session.params(&session.assignment().clone())?.to_json()))
        })
    }
}

impl Session {
    /// The session, unless another thread uses it.
    fn idle(&self) -> PyResult<MutexGuard<'_, Open>> {
        match self.open.try_lock() {
            Ok(open) => Ok(open),
            // What a panic left is whole: an evaluation sets up all that it needs.
            Err(TryLockError::Poisoned(open)) => Ok(open.into_inner()),
            Err(TryLockError::WouldBlock) => {
                Err(PyRuntimeError::new_err("the session is in use by another thread: open one for each"))
            }
        }
    }
}

fn requested(options: Vec<OsString>, rules: Option<String>) -> PyResult<Request> {
    let rules = rules.map(|text| Rules::parse(Path::new("assign"), text.as_bytes())).transpose().map_err(raised)?;
    Ok(Request::parse(options).map_err(raised)?.with_rules(rules.unwrap_or_default()))
}

fn files(luts: Luts) -> LutFiles {
    luts.into_iter().map(|(name, bytes)| (name, bytes.into())).collect()
}
