//! Where options come from, for messages: the library and clap know them as options of the command line.

use std::path::PathBuf;

/// An option that a file states.
#[derive(Debug, Clone)]
struct Origin {
    key: String,
    path: PathBuf,
    line: usize,
}

/// The options that files state.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<Origin>);

impl Origins {
    /// Adds an option by its long name.
    pub fn add(&mut self, key: &str, path: PathBuf, line: usize) {
        self.0.push(Origin { key: key.to_owned(), path, line });
    }

    /// `message`, in which the files' options are called by their keys and by where they stand.
    pub fn named_in(&self, message: &str) -> String {
        renamed(message, |name| {
            let origin = self.0.iter().find(|origin| origin.key == name);
            origin.map(|Origin { key, path, line }| format!("{key} ({}, line {line})", path.display()))
        })
    }
}

/// `message`, in which options are called as `new_name` says of their long names, where it says so.
pub fn renamed(message: &str, new_name: impl Fn(&str) -> Option<String>) -> String {
    let mut named = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(at) = rest.find("--") {
        let (before, option) = rest.split_at(at);
        let name = &option[2..];
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let name = &name[..name.find(|c| !is_part(c)).unwrap_or(name.len())];
        let starts = !before.ends_with(is_part);
        named.push_str(before);
        let shown = starts.then(|| new_name(name)).flatten();
        named.push_str(shown.as_deref().unwrap_or(&option[..2 + name.len()]));
        rest = &option[2 + name.len()..];
    }
    named + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_files_options_are_named_by_key() {
        let mut origins = Origins::default();
        origins.add("data", "run.toml".into(), 2);
        origins.add("noise-std", "run.toml".into(), 7);
        let message = "--noise-std -0.1: expected a number (see --data-format, --data)";
        let named = "noise-std (run.toml, line 7) -0.1: expected a number (see --data-format, data (run.toml, line 2))";
        assert_eq!(origins.named_in(message), named);
        for plain in ["x--data", "--", "a -- b --", "--Data", "no option"] {
            assert_eq!(origins.named_in(plain), plain);
        }
    }
}
