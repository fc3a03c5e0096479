//! A progress bar on standard error.

use super::TerminalArgs;
use crate::eval::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::IsTerminal;
use std::time::Duration;

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
        let style = ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} % of {human_len}{pace}")
            .expect("the template is valid")
            .with_key("pace", |state: &ProgressState, text: &mut dyn Write| {
                // Before the first samples nothing is known of it.
                if state.pos() > 0 {
                    let _ = write!(text, ", {} images/s, {} left", round(state.per_sec()), duration(state.eta()));
                }
            });
        self.0.set_style(style);
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

/// A rate in two digits, which do not flicker.
fn round(rate: f64) -> String {
    if rate < 10.0 {
        return format!("{rate:.1}");
    }
    let unit = 10f64.powi(libm::log10(rate).floor() as i32 - 1);
    crate::stats::grouped(((rate / unit).round() * unit).round() as u64)
}

/// A time as people say it.
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..600 => format!("{} min {:02} s", seconds / 60, seconds % 60 / 10 * 10),
        600..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn figures_are_round() {
        let rates = [(0.0, "0.0"), (3.16, "3.2"), (97.4, "97"), (1234.5, "1,200"), (99_600.0, "100,000")];
        for_each_case(rates, |(rate, text)| assert_eq!(round(rate), text));
        let times = [(0.4, "0 s"), (59.2, "59 s"), (187.0, "3 min 00 s"), (1799.0, "29 min"), (7500.0, "2 h 05 min")];
        for_each_case(times, |(seconds, text)| assert_eq!(duration(Duration::from_secs_f64(seconds)), text));
    }
}
