//! Several multipliers in one text: ranges of a family's parameters, globs over files and names, and whole lists.
//!
//! A study is about many multipliers, which have a system in their names: `drum-{3..7}`, `luts/mul8u_*.bin`,
//! `catalogue:mul8s`. [`select`] turns such a text into the files and names that [`open`](super::open) takes.

mod braces;
mod files;
#[cfg(test)]
mod tests;

pub use braces::BracesError;

use super::catalogue::{NamePattern, NamePatternError, Search};
use super::design::FAMILIES;
use super::{SHIPPED, format};
use crate::registry::similar;
use globset::{GlobBuilder, GlobMatcher};
use std::io;
use std::path::{Path, PathBuf, is_separator};

/// Whole lists, and what they hold.
pub const LISTS: &[(&str, &str)] = &[
    ("shipped", "the shipped multipliers, those in luts/"),
    ("designs", "every design that 'approx-eval lut list' shows"),
    ("catalogue", "the circuits of EvoApproxLib that a design computes; catalogue:NAME those with NAME in their names"),
];

/// A text that selects no multipliers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// Braces that are no list and no range.
    #[error("'{text}'")]
    Braces {
        /// The text.
        text: String,
        /// What is wrong with them.
        #[source]
        source: BracesError,
    },
    /// Not a glob.
    #[error("'{text}' is not a pattern of files or names")]
    Glob {
        /// The text.
        text: String,
        /// Why.
        #[source]
        source: globset::Error,
    },
    /// Nothing matches.
    #[error("'{text}' matches no table's file and no design{}", near(.similar))]
    NoMatch {
        /// The text.
        text: String,
        /// Names like it, the most similar first.
        similar: Vec<String>,
    },
    /// No circuit of the catalogue matches.
    #[error(
        "'{text}' matches no circuit of the catalogue that a design computes: 'approx-eval lut list --catalogue --makeable' has these"
    )]
    NoCircuit {
        /// The text.
        text: String,
    },
    /// The name of a circuit is not a pattern.
    #[error("'{text}'")]
    Circuit {
        /// The text.
        text: String,
        /// Why.
        #[source]
        source: NamePatternError,
    },
    /// A folder cannot be read.
    #[error("{}: cannot read the folder", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl SelectError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        &["lut"]
    }
}

fn near(similar: &[String]) -> String {
    similar.first().map(|name| format!(", did you mean '{name}'?")).unwrap_or_default()
}

/// The files and names that `text` stands for, in its order:
///
/// - a path of a file that exists is that file, that of a folder the tables in it;
/// - `shipped`, `designs` and `catalogue` are [lists](LISTS);
/// - `{3..7}` stands for each number, `{3..9..2}` for every second, `{a,b}` for each text;
/// - `*`, `?` and `[a-z]` stand for the files that match, those that have a table's extension unless the text has one
///   itself; where there are none, for the designs whose names match;
/// - all else is a name or a path, which need not exist.
///
/// ```
/// use approx_eval::lut::select;
///
/// assert_eq!(select("drum-{3..5}")?, ["drum-3", "drum-4", "drum-5"]);
/// assert_eq!(select("{etm,roba}")?, ["etm", "roba"]);
/// # Ok::<(), approx_eval::lut::SelectError>(())
/// ```
///
/// # Errors
/// When nothing matches a pattern or a list, or a folder cannot be read.
pub fn select(text: &str) -> Result<Vec<String>, SelectError> {
    if Path::new(text).is_file() {
        return Ok(vec![text.to_owned()]);
    }
    match text.split_once(':').unwrap_or((text, "")) {
        ("shipped", "") => return Ok(SHIPPED.names().map(str::to_owned).collect()),
        ("designs", "") => return Ok(designs()),
        ("catalogue" | "catalog", name) => return circuits(text, name),
        _ => {}
    }
    if Path::new(text).is_dir() {
        return matching(&format!("{}/*", text.trim_end_matches(is_separator)));
    }
    let texts = braces::expand(text).map_err(|source| SelectError::Braces { text: text.to_owned(), source })?;
    let mut selected = Vec::new();
    for text in texts {
        if is_pattern(&text) { selected.extend(matching(&text)?) } else { selected.push(text) }
    }
    Ok(selected)
}

/// Whether a text has characters that stand for others.
fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn designs() -> Vec<String> {
    FAMILIES.iter().flat_map(|family| family.designs()).map(|design| design.to_string()).collect()
}

/// The circuits of the catalogue that can be computed and have `name`, if any, in their names.
fn circuits(text: &str, name: &str) -> Result<Vec<String>, SelectError> {
    let wrong = |source| SelectError::Circuit { text: text.to_owned(), source };
    let pattern = (!name.is_empty()).then(|| name.parse::<NamePattern>()).transpose().map_err(wrong)?;
    let search = Search { patterns: pattern.into_iter().collect(), makeable: true, ..Search::default() };
    let found: Vec<String> = search.run().iter().map(|circuit| circuit.entry.name.clone()).collect();
    if found.is_empty() { Err(SelectError::NoCircuit { text: text.to_owned() }) } else { Ok(found) }
}

/// The files that a pattern matches, else the designs.
fn matching(text: &str) -> Result<Vec<String>, SelectError> {
    let states_extension =
        Path::new(text).extension().is_some_and(|extension| !is_pattern(&extension.to_string_lossy()));
    let mut found: Vec<String> = files::matching(text)?;
    found.retain(|path| states_extension || format::by_extension(Path::new(path)).is_some());
    if found.is_empty() && !text.contains(std::path::is_separator) {
        let glob = glob(text, text)?;
        found = designs();
        found.retain(|name| glob.is_match(name));
    }
    if found.is_empty() {
        let plain: String = text.chars().filter(|c| !"*?[]".contains(*c)).collect();
        let names = designs();
        let similar = similar(&plain, names.iter().map(String::as_str)).into_iter().map(str::to_owned).collect();
        return Err(SelectError::NoMatch { text: text.to_owned(), similar });
    }
    Ok(found)
}

/// A glob of a part of `text`.
fn glob(part: &str, text: &str) -> Result<GlobMatcher, SelectError> {
    let glob = GlobBuilder::new(part).literal_separator(true).build();
    let glob = glob.map_err(|source| SelectError::Glob { text: text.to_owned(), source })?;
    Ok(glob.compile_matcher())
}
