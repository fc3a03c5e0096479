//! Errors as the command prints them: the library names settings by key, the command by option.

use super::suggestion::suggestion;
use crate::data::{BatchError, DataError, PreprocessError};
use crate::eval::{AssignError, CalibrationError, ImagesError, OpenError, ResolveError, SessionError};
use crate::import::onnx::{OnnxError, OnnxProblem};
use crate::import::tflite::{TfliteError, TfliteProblem};
use crate::layer::LayerProblem;
use crate::lut::{self, CodingError, FromCError, SelectError, WriteError, detect::DetectError};
use crate::model::ModelError;
use crate::printable::{printable, shortened};
use crate::quant::{ParamsError, QuantError};
use crate::report::{GatesError, SavedReportError, TradeoffError};
use crate::study::LayerwiseError;
use crate::study::advise::AdviseError;
use crate::study::correct::CorrectError;
use crate::study::journal::JournalError;
use crate::study::rank::RankError;
use crate::study::scope::ScopeError;
use crate::study::selfcheck::SelfcheckError;
use crate::study::sweep::{FolderError, MergeError, PlanError, ReportsError, RunError, ShardError};
use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};

/// The keys of the settings that fix `error`, if it is of a type that knows some.
fn keys(error: &(dyn Error + 'static)) -> &'static [&'static str] {
    /// The keys of the first of these types, boxed or not, that it is.
    macro_rules! first_of {
        ($($type:ty),*) => {
            None$(
                .or_else(|| error.downcast_ref::<$type>().map(<$type>::keys))
                .or_else(|| error.downcast_ref::<Box<$type>>().map(|error| error.keys()))
            )*
        };
    }
    first_of!(
        OpenError,
        SessionError,
        CalibrationError,
        ImagesError,
        AssignError,
        ResolveError,
        ModelError,
        OnnxError,
        OnnxProblem,
        TfliteError,
        TfliteProblem,
        DataError,
        BatchError,
        PreprocessError,
        lut::OpenError,
        DetectError,
        WriteError,
        FromCError,
        CodingError,
        QuantError,
        ParamsError,
        LayerProblem,
        SavedReportError,
        GatesError,
        TradeoffError,
        JournalError,
        ScopeError,
        SelectError,
        FolderError,
        ShardError,
        PlanError,
        RunError,
        MergeError,
        ReportsError,
        LayerwiseError,
        RankError,
        SelfcheckError,
        CorrectError,
        AdviseError
    )
    .unwrap_or_default()
}

/// One part of a message, as a terminal may show it: names from files are anybody's. What a compiler says keeps
/// its lines.
fn part(cause: &(dyn Error + 'static)) -> String {
    let text = cause.to_string();
    match cause.downcast_ref() {
        Some(FromCError::Compile { .. }) => lines(&shortened(&text)),
        _ => shown(&text),
    }
}

/// Text with names from files as a terminal may show it, in a line.
pub(super) fn shown(text: &str) -> String {
    printable(&shortened(text)).into_owned()
}

/// The same, of text in lines.
fn lines(text: &str) -> String {
    text.lines().map(shown).collect::<Vec<_>>().join("\n")
}

/// Prints an error message to standard error. A reader that has gone away loses the message, not the exit code.
pub(super) fn print_error(message: impl Display) {
    let _ = writeln!(io::stderr(), "error: {message}");
}

/// What is wrong with the command line, if it is not one that asks for help: as clap has it unless a value needs
/// to be shortened or shown.
pub fn describe_usage(error: &clap::Error) -> Option<String> {
    let text = error.render().to_string();
    let plain = lines(&text);
    (error.use_stderr() && text.trim_end() != plain.trim_end()).then_some(plain)
}

/// What clap says in a line, without how to use the command.
pub(super) fn plain(error: &clap::Error) -> anyhow::Error {
    let text = error.render().to_string();
    let is_help = |line: &&str| line.starts_with("Usage:") || line.starts_with("For more information");
    let lines: Vec<&str> = text.lines().map(str::trim).take_while(|line| !is_help(line)).collect();
    anyhow::anyhow!("{}", lines.join(" ").trim_start_matches("error: ").trim().to_owned())
}

/// `error` and its causes in one line, followed by the options at fault. A context that is an option's name
/// alone says which option that is. Long parts lose their middle, and control characters are shown as such.
pub fn describe(error: &anyhow::Error) -> String {
    let (mut parts, mut options): (Vec<String>, Vec<String>) = Default::default();
    for cause in error.chain() {
        let part = part(cause);
        if part.starts_with("--") && !part.contains(' ') {
            options.push(part);
        } else if parts.last() != Some(&part) {
            // Errors that pass another one on may say the same.
            parts.push(part);
        }
        options.extend(keys(cause).iter().map(|key| format!("--{}", key.replace('_', "-"))));
    }
    parts.extend(error.chain().find_map(suggestion).map(|command| printable(&command).into_owned()));
    let message = parts.join(": ");
    let mut named: Vec<String> = Vec::new();
    for option in options.into_iter().filter(|option| !message.contains(option.as_str())) {
        if !named.contains(&option) {
            named.push(option);
        }
    }
    if named.is_empty() { message } else { format!("{message} (see {})", named.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_named_once_and_only_where_the_message_does_not() {
        let error = || anyhow::Error::new(SessionError::from(CalibrationError::NoData("net".to_owned())));
        let plain = "model 'net' has no calibration set of its own: give one, or quantization parameters";
        assert_eq!(describe(&error()), format!("{plain} (see --calib-data, --qparams)"));
        assert_eq!(describe(&error().context("--qparams")), format!("{plain} (see --qparams, --calib-data)"));
        // Errors that pass others on as their own have those keys.
        let passed_on = AdviseError::from(SessionError::from(CalibrationError::NoData("net".to_owned())));
        assert_eq!(describe(&passed_on.into()), format!("{plain} (see --calib-data, --qparams)"));
        assert_eq!(describe(&anyhow::anyhow!("disk full").context("--output")), "disk full (see --output)");
        assert_eq!(describe(&anyhow::anyhow!("--data-format requires --data")), "--data-format requires --data");
    }

    #[test]
    fn names_from_files_stay_names_and_leave_room() {
        let error = anyhow::anyhow!("layer 'a\u{1b}[2Jb\n{}': no weights", "x".repeat(1 << 20)).context("n.onnx");
        let message = describe(&error);
        assert!(message.starts_with("n.onnx: layer 'a\\u{1b}[2Jb\\nxxx") && message.ends_with("xxx': no weights"));
        assert!(message.len() < 400 && message.contains('…') && !message.contains(char::is_control));
        let messages = "model.c:1: \u{1b}[31merror\nmodel.c:2: another".to_owned();
        let error = anyhow::Error::new(FromCError::Compile { path: "model.c".into(), messages });
        assert_eq!(describe(&error).lines().count(), 3);
        assert!(!describe(&error).contains('\u{1b}'));
    }
}
