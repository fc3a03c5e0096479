//! Jobs side by side, each on a few threads of its own.
//!
//! The threads of a small network wait for one another layer by layer, with two threads a tenth of the time. Jobs that
//! have no activations in common need not wait. Each worker has a session of its own, which takes calibration and images
//! from the first; figures do not depend on threads.

use super::job::{Ledger, Planned, RunError, evaluate};
use crate::eval::{Session, Silent};
use crate::lut::Costs;
use crate::report::Report;
use rayon::ThreadPoolBuilder;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, PoisonError};
use tracing::dispatcher;

/// The most products of a sample of a network that is run side by side. Larger ones keep threads busy, and their
/// activations take memory.
const PRODUCTS: u64 = 1 << 26;

/// The most workers: each has the network's memory once.
const WORKERS: usize = 8;

/// How jobs of a session are divided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Workers {
    /// The first jobs, which are run side by side.
    pub jobs: usize,
    count: usize,
}

/// What a worker reports.
enum Event {
    /// The job at this place begins.
    Start(usize),
    /// It is done.
    Finish(usize, Box<Report>),
}

impl Workers {
    /// Those of `jobs`, which come after the first that `session` was opened for.
    pub fn of(session: &Session, jobs: &[Planned]) -> Self {
        let products: u64 = session.model().graph.layer_counts().iter().map(|counts| counts.opcount).sum();
        // Those from the first layer on: what comes before a later layer is computed once for neighbours.
        let jobs = jobs.iter().take_while(|(job, _)| job.first.unwrap_or(0) == 0).count();
        let count = rayon::current_num_threads().min(WORKERS).min(jobs);
        if products > PRODUCTS || count < 2 { Workers { jobs: 0, count: 0 } } else { Workers { jobs, count } }
    }

    /// Does `jobs` on sessions that `open` opens; what they share is taken from `first`, which has done a job. When one
    /// fails, no more begin.
    ///
    /// # Errors
    /// Those of the worker that failed.
    pub fn run<E: From<RunError> + Send>(
        self,
        open: &(dyn Fn() -> Result<Session, E> + Sync),
        first: &Session,
        jobs: &[Planned],
        costs: &Costs,
        ledger: &mut Ledger,
    ) -> Result<(), E> {
        let gathered = first.gathered();
        let threads = rayon::current_num_threads();
        let queue = Queue(Mutex::new(0..jobs.len()));
        let subscriber = dispatcher::get_default(Clone::clone);
        let (sender, events) = mpsc::channel();
        let work = |sender: Sender<Event>| {
            let mut session = open()?.with_progress(Silent).with_gathered(gathered.clone());
            while let Some(place) = queue.next() {
                // Whoever listens does so until all workers are done.
                let _ = sender.send(Event::Start(place));
                let report = evaluate(&mut session, jobs[place], costs)?;
                let _ = sender.send(Event::Finish(place, Box::new(report)));
            }
            Ok::<(), E>(())
        };
        let work = |sender| dispatcher::with_default(&subscriber, || work(sender).inspect_err(|_| queue.close()));
        std::thread::scope(|scope| {
            let spawn = |index| {
                let (sender, work) = (sender.clone(), &work);
                let pool = ThreadPoolBuilder::new().num_threads((threads + index) / self.count).build();
                scope.spawn(move || match pool {
                    Ok(pool) => pool.install(|| work(sender)),
                    Err(_) => work(sender),
                })
            };
            let workers: Vec<_> = (0..self.count).map(spawn).collect();
            drop(sender);
            let mut kept = Ok(());
            for event in events {
                match event {
                    Event::Start(place) => ledger.start(jobs[place]),
                    Event::Finish(place, report) if kept.is_ok() => {
                        kept = ledger.finish(jobs[place], *report).inspect_err(|_| queue.close());
                    }
                    Event::Finish(..) => {}
                }
            }
            let ends = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
            ends.collect::<Result<(), E>>()?;
            Ok(kept?)
        })
    }
}

/// Places of jobs that no worker has begun.
struct Queue(Mutex<Range<usize>>);

impl Queue {
    fn next(&self) -> Option<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next()
    }

    /// Gives out no more.
    fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = 0..0;
    }
}
