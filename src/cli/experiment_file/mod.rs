//! `-f run.toml`: options of an evaluation or a study from a file, below those of the command line.
//!
//! A file states options by their long names. Each becomes the argument that it would be on the command line, in
//! front of those that are there, so that there is one way in which options are read and checked. Which option
//! exists, and what kind of value it takes, is asked of clap: a new option can be stated in files at once.
//!
//! What the command line (or the environment) gives under the same name, or what cannot stand beside it, replaces
//! what a file says; so does a later file. Options that may be given more than once add up.

mod error;
mod origin;
mod paths;
mod read;

pub use error::FileError;
pub use origin::{Origins, renamed};
pub use paths::file_or_name;

use self::read::{OPTION, Statement, adds_up};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, ValueHint};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The long name, and clap's id, of the option whose values hold paths within a text.
const RULES: &str = "set";

/// Options that another way of naming what the first of them names replaces too.
const COMPANIONS: &[(&str, &str)] = &[("arch", "weights"), ("model", "weights")];

/// Options that say how the file of the first of them is read: another file is read in its own way.
const READINGS: &[(&str, &str)] = &[("lut", "lut-format"), ("lut", "swap-operands")];

/// The files of an evaluation or a study.
#[derive(Debug, clap::Args)]
pub struct FileArgs {
    /// Options from a TOML file, which those given here override; may be given more than once
    ///
    /// Keys are the long names of options, as limit = 1000 for --limit 1000. Relative paths in the file start
    /// at its folder. Later files override earlier ones.
    #[arg(short, long, value_name = "FILE.toml", value_hint = ValueHint::FilePath)]
    file: Vec<PathBuf>,
}

impl FileArgs {
    /// Says which files there are, to those who asked for it.
    pub fn announce(&self) {
        self.file.iter().for_each(|path| tracing::info!("options from {}", path.display()));
    }
}

/// A command line with the statements of its files in front.
#[derive(Debug)]
pub struct Resolved {
    /// The arguments, the program's name being the first.
    pub arguments: Vec<OsString>,
    /// What came from where.
    pub origins: Origins,
    /// The folder of each rule that is a file's, in their order; those of the command line come after them.
    pub rule_folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Resolved {
    /// The error of these arguments: that of the files, if the command line `alone` does not have it.
    ///
    /// # Errors
    /// Gives `error` back where no file has to do with it.
    pub fn explain(&self, error: clap::Error, alone: Option<&clap::Error>) -> Result<FileError, clap::Error> {
        let parts = |context| match error.get(context) {
            Some(ContextValue::String(text)) => vec![text.clone()],
            Some(ContextValue::Strings(texts)) => texts.clone(),
            _ => Vec::new(),
        };
        // `--arch <NAME>` as it is called here.
        let called = |option: &String| match option.strip_prefix("--") {
            Some(_) => option.split([' ', '[']).next().unwrap_or_default().to_owned(),
            None => option.clone(),
        };
        let names = |context| parts(context).iter().map(called).collect::<Vec<_>>().join(", ");
        let is_of_both = alone.is_some_and(|alone| alone.kind() == error.kind());
        let message = match error.kind() {
            _ if self.files.is_empty() || is_of_both => return Err(error),
            ErrorKind::ArgumentConflict => {
                format!("{} cannot be used with {}", names(ContextKind::InvalidArg), names(ContextKind::PriorArg))
            }
            ErrorKind::MissingRequiredArgument => {
                let files: Vec<String> = self.files.iter().map(|path| path.display().to_string()).collect();
                let missing = names(ContextKind::InvalidArg);
                format!("{}: {missing} is missing, which another option requires", files.join(", "))
            }
            _ => return Err(error),
        };
        Ok(FileError::Together(self.origins.named_in(&message)))
    }
}

/// Puts the statements of the files that `arguments` name in front of them.
///
/// # Errors
/// Names the file, the line, the key, what was found and what can stand there.
pub fn resolve(command: &Command, arguments: Vec<OsString>) -> Result<Resolved, FileError> {
    let mut resolved = Resolved { arguments, origins: Origins::default(), rule_folders: Vec::new(), files: Vec::new() };
    // Errors are ignored: what is wrong with the command line is said when all of it is read.
    let Ok(matches) = lenient(command.clone()).try_get_matches_from(&resolved.arguments) else { return Ok(resolved) };
    let (command, matches, start) = innermost(command, &matches, &resolved.arguments);
    if command.get_arguments().all(|option| option.get_id() != OPTION) {
        return Ok(resolved);
    }
    let files: Vec<PathBuf> = matches.get_many(OPTION).into_iter().flatten().cloned().collect();
    if files.is_empty() {
        return Ok(resolved);
    }
    let is_given = |option: &&Arg| {
        let source = matches.value_source(option.get_id().as_str());
        matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
    };
    let mut above = Above { command, given: command.get_arguments().filter(is_given).collect(), stated: Vec::new() };
    let mut layers = Vec::new();
    for path in files.iter().rev() {
        let mut statements = read::statements(path, command)?;
        above.override_in(&mut statements);
        for statement in &statements {
            above.stated.push(statement.option);
            above.given.extend((!statement.arguments.is_empty()).then_some(statement.option));
        }
        layers.push((path, statements));
    }
    let is_on_line = |option: &Arg| matches.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine);
    let rest = resolved.arguments.split_off(start);
    for (path, statements) in layers.into_iter().rev() {
        let folder = path.parent().unwrap_or(Path::new(""));
        for Statement { option, key, line, arguments } in statements {
            // A message on an option that both give does not say which is meant.
            if !is_on_line(option) {
                resolved.origins.add(key, path.clone(), line);
            }
            let rules = if option.get_id() == RULES { arguments.len() } else { 0 };
            resolved.rule_folders.extend(vec![folder.to_owned(); rules]);
            resolved.arguments.extend(arguments);
        }
    }
    resolved.arguments.extend(rest);
    resolved.files = files;
    Ok(resolved)
}

/// `command` that ignores errors, and so do those below it: what it lacks may be in a file.
fn lenient(command: Command) -> Command {
    command.ignore_errors(true).mut_subcommands(lenient)
}

/// The command that the arguments name, `command` or one below it, with its matches, and where its arguments start.
fn innermost<'a>(
    mut command: &'a Command,
    mut matches: &'a ArgMatches,
    arguments: &[OsString],
) -> (&'a Command, &'a ArgMatches, usize) {
    let mut start = 1.min(arguments.len());
    while let Some((name, below)) = matches.subcommand() {
        let Some(inner) = command.find_subcommand(name) else { break };
        start += arguments[start..].iter().position(|argument| argument == name).map_or(0, |place| place + 1);
        (command, matches) = (inner, below);
    }
    (command, matches, start)
}

/// Options that a file does not decide: those of the command line, the environment and later files.
struct Above<'a> {
    command: &'a Command,
    /// Those with an effect.
    given: Vec<&'a Arg>,
    /// Those of files, flags that are false too.
    stated: Vec<&'a Arg>,
}

impl Above<'_> {
    /// Takes from `statements` what these replace.
    fn override_in(&self, statements: &mut Vec<Statement>) {
        let mut companions = Vec::new();
        statements.retain(|Statement { option, .. }| {
            let is_same = |other: &&Arg| other.get_id() == option.get_id();
            let is_named = self.given.iter().any(is_same) || self.stated.iter().any(is_same);
            let is_excluded = self.given.iter().any(|other| self.conflict(option, other));
            let others = if is_excluded { COMPANIONS } else { READINGS };
            let of_this = others.iter().filter(|(of, _)| (is_excluded || is_named) && option.get_id() == of);
            companions.extend(of_this.map(|(_, companion)| *companion));
            !is_excluded && (adds_up(option) || !is_named)
        });
        statements.retain(|statement| !companions.contains(&statement.key));
    }

    /// Whether two options cannot stand beside each other.
    fn conflict(&self, a: &Arg, b: &Arg) -> bool {
        let excludes = |a, b: &Arg| self.command.get_arg_conflicts_with(a).iter().any(|c| c.get_id() == b.get_id());
        a.get_id() != b.get_id() && (excludes(a, b) || excludes(b, a))
    }
}

#[cfg(test)]
mod tests;
