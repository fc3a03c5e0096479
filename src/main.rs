//! Parses the command line, runs it, and turns an error into a message and an exit code.

use approx_eval::cli::{self, ExitCode};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn main() -> std::process::ExitCode {
    cli::clean_up_on_signals();
    let cli = cli::parse(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let code = match catch_unwind(AssertUnwindSafe(|| cli::run(&cli))) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            // A reader that has gone away loses the message, not the exit code.
            let _ = writeln!(std::io::stderr(), "error: {}", cli.describe(&error));
            ExitCode::BadInput
        }
        // The panic has printed its message.
        Err(_) => ExitCode::Internal,
    };
    code.into()
}
