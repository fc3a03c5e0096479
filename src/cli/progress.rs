//! A progress bar on standard error.

use super::TerminalArgs;
use crate::eval::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// Shows how far a loop is, on a terminal only.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub fn new(terminal: &TerminalArgs) -> Self {
        let shown = !terminal.quiet && !terminal.no_progress && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Bar(ProgressBar::with_draw_target(None, target))
    }
}

impl Progress for Bar {
    fn start(&self, what: &'static str, samples: usize) {
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {per_sec} {eta}");
        self.0.set_style(style.expect("the template is valid"));
        self.0.reset();
        self.0.set_length(samples as u64);
        self.0.set_message(what);
    }

    fn advance(&self, samples: usize) {
        self.0.inc(samples as u64);
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}
