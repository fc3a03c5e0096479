//! A file's statements: each is an option as the command line would have it.

use super::error::FileError;
use super::paths;
use crate::eval::NoiseLutSpec;
use crate::input;
use crate::registry::UnknownName;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, ValueHint};
use std::any::TypeId;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// Bytes of the largest file that is read: a rule for each of thousands of layers.
const LARGEST: u64 = 1 << 20;

/// The long name, and clap's id, of the option that names a file.
pub(super) const OPTION: &str = "file";

/// One key of a file and its value.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    /// The option that it sets.
    pub option: &'a Arg,
    /// Its long name.
    pub key: &'a str,
    /// The line of the value.
    pub line: usize,
    /// The same on a command line: none for a flag that is false, several for an option that may be given more
    /// than once.
    pub arguments: Vec<OsString>,
}

/// Whether a file can state an option, by its long name.
pub(super) fn is_setting(option: &Arg) -> bool {
    let asks = matches!(
        option.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    );
    option.get_long().is_some_and(|name| name != OPTION) && !asks
}

/// Whether occurrences of an option add up. Those that take any number of values at a time are axes of a grid, which
/// are said as a whole.
pub(super) fn adds_up(option: &Arg) -> bool {
    let is_axis = option.get_num_args().is_some_and(|values| values.max_values() > 1);
    matches!(option.get_action(), ArgAction::Append) && !is_axis
}

/// The statements of the file at `path`, in its order; paths in it are relative to its folder.
pub(super) fn statements<'a>(path: &Path, command: &'a Command) -> Result<Vec<Statement<'a>>, FileError> {
    let owned = || path.to_owned();
    let bytes = input::read(path, LARGEST).map_err(|source| FileError::Read { path: owned(), source })?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let byte = error.valid_up_to();
        FileError::Encoding { path: owned(), byte, line: line_after(&bytes[..byte]) }
    })?;
    let line = |at: usize| line_after(&bytes[..at.min(bytes.len())]);
    let table = DeTable::parse(text).map_err(|error| FileError::Syntax {
        path: owned(),
        line: line(error.span().map_or(0, |span| span.start)),
        message: error.message().trim().replace('\n', ", "),
    })?;
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let folder = path.parent().unwrap_or(Path::new(""));
    let source = Source { path, folder, line: &line };
    let statement = |(key, value): (&Spanned<DeString>, &Spanned<DeValue>)| {
        let (name, line) = (key.get_ref().as_ref(), line(key.span().start));
        let option = find(name, command).map_err(|unknown| {
            if name == OPTION {
                return FileError::Nested { path: owned(), line };
            }
            let command = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
            FileError::Key { path: owned(), line, command, unknown: Box::new(unknown) }
        })?;
        source.statement(option, value, command)
    };
    entries.into_iter().map(statement).collect()
}

/// The number of the line in which what follows `bytes` begins.
fn line_after(bytes: &[u8]) -> usize {
    bytes.split(|&byte| byte == b'\n').count()
}

/// The option that a key names.
fn find<'a>(key: &str, command: &'a Command) -> Result<&'a Arg, UnknownName> {
    let settings = || command.get_arguments().filter(|option| is_setting(option));
    let found = settings().find(|option| option.get_long() == Some(key));
    found.ok_or_else(|| {
        let names: Vec<&str> = settings().filter_map(Arg::get_long).collect();
        UnknownName::new("key", key, names.into_iter())
    })
}

/// How an option's value is written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// True or false.
    Flag,
    /// How often it is given.
    Count,
    /// One value.
    One,
    /// One value of several parts, which commas join on the command line.
    Joined,
    /// Any number of values, each an occurrence of the option.
    Repeated,
}

impl Kind {
    fn of(option: &Arg) -> Self {
        let name = option.get_value_names().and_then(<[_]>::first);
        let is_list = || option.get_value_delimiter().is_some() || name.is_some_and(|name| name.contains(','));
        match option.get_action() {
            ArgAction::SetTrue | ArgAction::SetFalse => Kind::Flag,
            ArgAction::Count => Kind::Count,
            ArgAction::Append => Kind::Repeated,
            _ if is_list() => Kind::Joined,
            _ => Kind::One,
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Kind::Flag => "true or false",
            Kind::Count => "a whole number from 0 to 255",
            Kind::One => "a text in quotes or a number",
            Kind::Joined => "a list of numbers, such as [1, 2, 3]",
            Kind::Repeated => "a text in quotes, or a list of them",
        }
    }
}

/// The file that a statement is in.
struct Source<'a> {
    path: &'a Path,
    folder: &'a Path,
    line: &'a dyn Fn(usize) -> usize,
}

impl Source<'_> {
    fn statement<'a>(
        &self,
        option: &'a Arg,
        value: &Spanned<DeValue>,
        command: &'a Command,
    ) -> Result<Statement<'a>, FileError> {
        let key = option.get_long().expect("settings have a long name");
        let kind = Kind::of(option);
        let wrong = |value: &Spanned<DeValue>| FileError::Kind {
            path: self.path.to_owned(),
            line: (self.line)(value.span().start),
            key: key.to_owned(),
            found: described(value.get_ref()),
            expected: kind.expected(),
        };
        let flags = |count: usize| Ok(vec![OsString::from(format!("--{key}")); count]);
        let one = |text: String, at: &Spanned<DeValue>| {
            let argument = self.argument(option, key, &text);
            self.check(command, key, &argument, (self.line)(at.span().start)).map(|()| argument)
        };
        let arguments = match (kind, value.get_ref()) {
            (Kind::Flag, DeValue::Boolean(is_set)) => flags(usize::from(*is_set)),
            (Kind::Count, DeValue::Integer(number)) if number.radix() == 10 => {
                flags(number.as_str().parse::<u8>().map_err(|_| wrong(value))?.into())
            }
            (Kind::Joined, DeValue::Array(parts)) => {
                let parts = parts.iter().map(|part| scalar(part.get_ref()).ok_or_else(|| wrong(part)));
                one(parts.collect::<Result<Vec<_>, _>>()?.join(","), value).map(|argument| vec![argument])
            }
            (Kind::Repeated, DeValue::Array(values)) => {
                let values = values.iter().map(|at| one(scalar(at.get_ref()).ok_or_else(|| wrong(at))?, at));
                values.collect()
            }
            (Kind::One | Kind::Joined | Kind::Repeated, found) => {
                one(scalar(found).ok_or_else(|| wrong(value))?, value).map(|argument| vec![argument])
            }
            (Kind::Flag | Kind::Count, _) => Err(wrong(value)),
        }?;
        Ok(Statement { option, key, line: (self.line)(value.span().start), arguments })
    }

    /// `--key=text`, with a path in the text taken from the file's folder.
    fn argument(&self, option: &Arg, key: &str, text: &str) -> OsString {
        let mut argument = OsString::from(format!("--{key}="));
        let takes_path = matches!(
            option.get_value_hint(),
            ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath | ValueHint::ExecutablePath
        );
        // An option of a text that is completed by paths takes names too.
        let takes_names = option.get_value_parser().type_id() != TypeId::of::<PathBuf>();
        // Of noise, the method stays before the path.
        let has_method =
            option.get_value_names().and_then(<[_]>::first).is_some_and(|name| name.starts_with("[METHOD:]"));
        let (method, text) = if has_method { NoiseLutSpec::split_method(text) } else { ("", text) };
        argument.push(method);
        argument.push(match (takes_path, takes_names) {
            (true, false) => self.folder.join(text).into_os_string(),
            (true, true) => paths::file_or_name(self.folder, text),
            (false, _) => text.into(),
        });
        argument
    }

    /// Whether the option takes the value.
    fn check(&self, command: &Command, key: &str, argument: &OsStr, line: usize) -> Result<(), FileError> {
        let alone = [OsString::from(command.get_name()), argument.to_owned()];
        let Err(error) = command.clone().try_get_matches_from(alone) else { return Ok(()) };
        // What it lacks may be elsewhere.
        if matches!(error.kind(), ErrorKind::MissingRequiredArgument | ErrorKind::ArgumentConflict) {
            return Ok(());
        }
        let shown = |context| match error.get(context) {
            Some(ContextValue::String(text)) => Some(text.clone()),
            Some(ContextValue::Strings(texts)) if !texts.is_empty() => Some(texts.join(", ")),
            _ => None,
        };
        let names = shown(ContextKind::ValidValue).map(|names| format!("expected one of {names}"));
        let reason = std::error::Error::source(&error).map(ToString::to_string);
        let whole = || error.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let near =
            shown(ContextKind::SuggestedValue).map_or_else(String::new, |near| format!("did you mean '{near}'? "));
        let found = argument.to_string_lossy();
        Err(FileError::Value {
            path: self.path.to_owned(),
            line,
            key: key.to_owned(),
            found: shown(ContextKind::InvalidValue).unwrap_or_else(|| found[key.len() + 3..].to_owned()),
            expected: near + &names.or(reason).unwrap_or_else(whole),
        })
    }
}

/// A text, or a number as it stands in the file.
fn scalar(value: &DeValue) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Integer(number) => {
            u64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string())
        }
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}

/// What a value is, in words.
fn described(value: &DeValue) -> String {
    match value {
        DeValue::String(text) => format!("the text '{text}'"),
        DeValue::Integer(number) => format!("the number {}", number.as_str()),
        DeValue::Float(number) => format!("the number {}", number.as_str()),
        DeValue::Boolean(is_true) => is_true.to_string(),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
