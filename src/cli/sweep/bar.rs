//! A study's progress: jobs done of all, and the time that is left.

use crate::cli::TerminalArgs;
use crate::cli::progress::duration;
use crate::eval::Progress;
use crate::report::{Report, SweepJob};
use crate::study::sweep::Watch;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Parts that the bar has.
const PARTS: u64 = 10_000;

/// Shows how far a study is, on a terminal; with `-v`, each job is a message.
#[derive(Clone)]
pub(super) struct StudyBar {
    bar: ProgressBar,
    state: Arc<Mutex<State>>,
}

/// What is done, by jobs' multiplications.
struct State {
    started: Instant,
    jobs: usize,
    done: usize,
    multiplications: f64,
    multiplications_done: f64,
    /// The job in hand.
    job: String,
    /// Its loop: what it does, samples done, of all.
    samples: (&'static str, usize, usize),
}

impl State {
    /// The fraction that is done.
    fn fraction(&self) -> f64 {
        if self.multiplications > 0.0 { self.multiplications_done / self.multiplications } else { 1.0 }
    }

    /// The time that the rest will take, by what was done so far.
    fn left(&self) -> Option<Duration> {
        let fraction = self.fraction();
        (self.done > 0).then(|| self.started.elapsed().mul_f64((1.0 - fraction) / fraction))
    }

    fn summary(&self) -> String {
        let left = self.left().map(|left| format!(", {} left", duration(left))).unwrap_or_default();
        format!("{} of {} jobs done{left}", self.done, self.jobs)
    }
}

impl StudyBar {
    pub fn new(terminal: &TerminalArgs) -> Self {
        let is_shown = !terminal.quiet && !terminal.no_progress && std::io::stderr().is_terminal();
        Self::with(if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() })
    }

    /// One that shows nothing.
    pub fn hidden() -> Self {
        Self::with(ProgressDrawTarget::hidden())
    }

    fn with(target: ProgressDrawTarget) -> Self {
        let bar = ProgressBar::with_draw_target(Some(PARTS), target);
        let style = ProgressStyle::with_template("{wide_bar} {prefix}\n{msg}").expect("the template is valid");
        bar.set_style(style);
        let (started, job, samples) = (Instant::now(), String::new(), ("", 0, 0));
        let state = State { started, jobs: 0, done: 0, multiplications: 0.0, multiplications_done: 0.0, job, samples };
        StudyBar { bar, state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the bar.
    pub fn close(&self) {
        self.bar.finish_and_clear();
    }
}

/// Does `work` without the warnings of single jobs, which their reports and the table have; with `-v`, all are shown.
pub(super) fn silenced<T>(terminal: &TerminalArgs, work: impl FnOnce() -> T) -> T {
    if terminal.verbose > 0 {
        work()
    } else {
        tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), work)
    }
}

fn name(job: &SweepJob) -> String {
    format!("job {}, {}", job.index, job.label())
}

impl Progress for StudyBar {
    fn start(&self, what: &'static str, samples: usize) {
        self.state().samples = (what, 0, samples);
    }

    fn advance(&self, samples: usize) {
        let mut state = self.state();
        state.samples.1 += samples;
        let (what, done, all) = state.samples;
        self.bar.set_message(format!("{}, {what} {} %", state.job, 100 * done / all.max(1)));
    }

    fn finish(&self) {}
}

impl Watch for StudyBar {
    fn begin(&mut self, jobs: usize, multiplications: f64) {
        let mut state = self.state();
        (state.started, state.jobs, state.multiplications) = (Instant::now(), jobs, multiplications);
    }

    fn start(&mut self, job: &SweepJob) {
        let mut state = self.state();
        state.job = name(job);
        self.bar.set_prefix(state.summary());
        self.bar.set_message(state.job.clone());
    }

    fn finish(&mut self, job: &SweepJob, multiplications: f64, report: &Report) {
        let mut state = self.state();
        state.done += 1;
        state.multiplications_done += multiplications;
        self.bar.set_position((state.fraction() * PARTS as f64) as u64);
        self.bar.set_prefix(state.summary());
        tracing::info!("{}: {}; {}", name(job), report.metrics.metric(), state.summary());
    }
}
