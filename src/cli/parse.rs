//! Arguments turned into a [`Cli`], those of experiment files among them.

use super::error::{describe, describe_usage};
use super::experiment_file::{self, FileError};
use super::{Cli, ExitCode};
use clap::{CommandFactory, FromArgMatches};
use std::ffi::OsString;
use std::io::Write;

/// What is wrong with the command line; or what it asks for in place of a run: help, or the version.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// An option.
    #[error(transparent)]
    Options(#[from] clap::Error),
    /// An experiment file.
    #[error(transparent)]
    File(#[from] FileError),
}

impl UsageError {
    /// Says what is wrong, or what was asked for. A reader that has gone away loses that, not the exit code.
    pub fn report(self) -> ExitCode {
        let message = match self {
            UsageError::Options(error) => {
                let Some(message) = describe_usage(&error) else {
                    let _ = error.print();
                    return if error.use_stderr() { ExitCode::BadInput } else { ExitCode::Success };
                };
                message
            }
            UsageError::File(error) => format!("error: {}", describe(&error.into())),
        };
        let _ = writeln!(std::io::stderr(), "{message}");
        ExitCode::BadInput
    }
}

/// Reads a command line, the program's name being the first argument, and the experiment files that it names.
///
/// # Errors
/// Names the option or the file's line at fault, what was found and what was expected.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, UsageError> {
    // Files of options are not written over either.
    crate::input::protect();
    let mut command = Cli::command();
    command.build();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let resolved = experiment_file::resolve(&command, arguments.clone())?;
    let read = |arguments: &[OsString]| {
        let matches = Cli::command().try_get_matches_from(arguments)?;
        Cli::from_arg_matches(&matches)
    };
    let mut cli = read(&resolved.arguments).map_err(|error| {
        let alone = read(&arguments).err();
        resolved.explain(error, alone.as_ref()).map_or_else(UsageError::Options, UsageError::File)
    })?;
    match &mut cli.command {
        Some(command) => command.rebase_rules(&resolved.rule_folders),
        None => cli.evaluate.rebase_rules(&resolved.rule_folders),
    }
    cli.origins = resolved.origins;
    Ok(cli)
}
