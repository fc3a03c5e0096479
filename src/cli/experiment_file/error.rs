//! Why an experiment file cannot be used.

use crate::registry::UnknownName;
use std::io;
use std::path::PathBuf;

/// What is wrong with an experiment file, or with its options beside those of the command line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It is not there, not readable, no regular file or too large.
    #[error("{}: cannot read the experiment file", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It is not text.
    #[error("{}: not a text file in UTF-8: byte {byte} in line {line}, expected TOML such as: lut = \"drum-6\"", .path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// Where the text ends.
        byte: usize,
        /// In which line that is.
        line: usize,
    },
    /// It is not TOML.
    #[error("{}: line {line}: not TOML: {message}; expected lines such as: lut = \"drum-6\"", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// No option of an evaluation has that name.
    #[error(
        "{}: line {line}: unknown key '{}'{}: expected the long name of an option that '{command} --help' lists",
        .path.display(), .unknown.found, similar(.unknown)
    )]
    Key {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The command whose options it can state.
        command: String,
        /// The key, and keys like it.
        unknown: Box<UnknownName>,
    },
    /// A file that names others.
    #[error("{}: line {line}: a file does not name others: give '--file' more than once", .path.display())]
    Nested {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// A value of a kind that the option does not take.
    #[error("{}: line {line}: {key} is {found}, expected {expected}", .path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The key.
        key: String,
        /// What was found, with its article.
        found: String,
        /// What can stand there.
        expected: &'static str,
    },
    /// A value that the option does not take.
    #[error("{}: line {line}: invalid {key} '{found}': {expected}", .path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The key.
        key: String,
        /// The value.
        found: String,
        /// What would have been right.
        expected: String,
    },
    /// Options that do not go together, at least one of which is a file's.
    #[error("{0}")]
    Together(String),
}

/// Keys like an unknown one, as a clause of a message.
fn similar(unknown: &UnknownName) -> String {
    let names = unknown.similar.join("' or '");
    if names.is_empty() { names } else { format!(" (did you mean '{names}'?)") }
}
