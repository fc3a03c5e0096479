//! Parses the command line, runs it, and turns an error into a message and an exit code.

use approx_eval::cli::{self, Cli, ExitCode};
use clap::Parser;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn main() -> std::process::ExitCode {
    cli::clean_up_on_signals();
    let cli = Cli::try_parse().unwrap_or_else(|error| match cli::describe_usage(&error) {
        Some(message) => {
            let _ = writeln!(std::io::stderr(), "{message}");
            std::process::exit(ExitCode::BadInput.code().into())
        }
        None => error.exit(),
    });
    let code = match catch_unwind(AssertUnwindSafe(|| cli::run(&cli))) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            // A reader that has gone away loses the message, not the exit code.
            let _ = writeln!(std::io::stderr(), "error: {}", cli::describe(&error));
            ExitCode::BadInput
        }
        // The panic has printed its message.
        Err(_) => ExitCode::Internal,
    };
    code.into()
}
