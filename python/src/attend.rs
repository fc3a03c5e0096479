//! Long work on another thread, which its caller attends: Python's other threads run meanwhile, progress reaches a
//! callback, and Ctrl-C or an exception of that callback ends the work.

use crate::error::raised;
use approx_eval::eval::Progress;
use pyo3::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a signal may wait to be noticed.
const PATIENCE: Duration = Duration::from_millis(50);

/// How far a loop has come: samples done, of how many.
type Step = (usize, usize);

/// What the work and who attends it tell each other.
#[derive(Debug, Default)]
pub struct Relay {
    /// Who hears of steps.
    listener: Mutex<Option<Sender<Step>>>,
    step: Mutex<Step>,
    is_stopped: AtomicBool,
}

impl Relay {
    fn tell(&self, next: impl FnOnce(Step) -> Step) {
        let mut step = locked(&self.step);
        *step = next(*step);
        if let Some(listener) = &*locked(&self.listener) {
            let _ = listener.send(*step);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The side of a [`Relay`] that follows the library's loops.
pub struct Follower(pub Arc<Relay>);

impl Progress for Follower {
    fn start(&self, _: &'static str, samples: usize) {
        self.0.tell(|_| (0, samples));
    }

    fn advance(&self, samples: usize) {
        self.0.tell(|(done, total)| (done + samples, total));
    }

    fn finish(&self) {}

    fn is_stopped(&self) -> bool {
        self.0.is_stopped.load(Ordering::Relaxed)
    }
}

/// Ends the steps of work that is over, also by a panic.
struct Working<'a>(&'a Relay);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        *locked(&self.0.listener) = None;
    }
}

/// Does `work` on a thread of its own and returns what it does. The steps of its loops are passed to `callback`, as
/// `callback(done, total)`, on the caller's thread.
pub fn attend<T: Send>(
    py: Python,
    relay: &Relay,
    callback: Option<&Bound<PyAny>>,
    work: impl FnOnce() -> anyhow::Result<T> + Send,
) -> PyResult<T> {
    let (sender, mut steps) = channel();
    *locked(&relay.listener) = Some(sender);
    relay.is_stopped.store(false, Ordering::Relaxed);
    let mut exception = None;
    let result = std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let _working = Working(relay);
            work()
        });
        loop {
            let step;
            (step, steps) = py.detach(move || next(steps));
            if exception.is_some() {
                // What is told of the batches that were under way is of no interest.
            } else if let Err(raised) = tell(callback, step.ok()).and_then(|()| py.check_signals()) {
                relay.is_stopped.store(true, Ordering::Relaxed);
                exception = Some(raised);
            }
            if step == Err(RecvTimeoutError::Disconnected) {
                return worker.join();
            }
        }
    });
    match (exception, result) {
        (_, Err(panic)) => std::panic::resume_unwind(panic),
        (Some(exception), _) => Err(exception),
        (None, Ok(result)) => result.map_err(raised),
    }
}

/// The next step, once there is one; and whom the next ones reach.
fn next(steps: Receiver<Step>) -> (Result<Step, RecvTimeoutError>, Receiver<Step>) {
    (steps.recv_timeout(PATIENCE), steps)
}

fn tell(callback: Option<&Bound<PyAny>>, step: Option<Step>) -> PyResult<()> {
    match (callback, step) {
        (Some(callback), Some(step)) => callback.call1(step).map(drop),
        _ => Ok(()),
    }
}
