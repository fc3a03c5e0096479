//! The README is true: every line of its `sh` blocks that calls the command runs, and every test
//! command is one that `.ci/run` runs too.
//!
//! Recipes use files that a reader has: [`PREPARED`] makes one of each kind in the temporary folder
//! that the lines run in, one block after the other, so that a line may use what an earlier one wrote.

use assert_cmd::cargo::cargo_bin_cmd;
use std::path::Path;

/// Lines of the fenced blocks whose language is `sh`, continuation lines joined, comments dropped.
fn commands(markdown: &str) -> Vec<String> {
    let (mut commands, mut fence) = (Vec::new(), None::<bool>);
    let mut pending = String::new();
    for line in markdown.lines() {
        let line = line.trim();
        if let Some(language) = line.strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(language.trim() == "sh") };
            continue;
        }
        if fence != Some(true) {
            continue;
        }
        let line = line.strip_prefix("$ ").unwrap_or(line);
        pending.push_str(line);
        if let Some(open) = pending.strip_suffix('\\') {
            pending = open.to_owned();
            continue;
        }
        let command = std::mem::take(&mut pending);
        if !command.is_empty() && !command.starts_with('#') {
            commands.push(command);
        }
    }
    commands
}

/// The words of a command as a shell splits them: quotes group, a word that starts with `#` ends it.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in command.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            (None, '#') if word.is_none() => break,
            (None, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// A file or folder that recipes name, and how it is made.
type Prepared = (&'static str, fn(&Path));

/// What the README's recipes find in the reader's folder.
const PREPARED: &[Prepared] =
    &[("mul8.bin", exact_table), ("mul8u.bin", exact_table), ("my_multiplier.bin", exact_table)];

/// An exact unsigned multiplier as raw `u16`.
fn exact_table(path: &Path) {
    let products = (0..=255u16).flat_map(|a| (0..=255u16).map(move |b| a * b));
    std::fs::write(path, products.flat_map(u16::to_le_bytes).collect::<Vec<_>>()).unwrap();
}

fn root(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_command_runs() {
    let folder = tempfile::tempdir().unwrap();
    for (name, make) in PREPARED {
        make(&folder.path().join(name));
    }
    let commands = commands(&root("README.md"));
    let ours: Vec<_> = commands.iter().map(|line| words(line)).filter(|words| words[0] == "approx-eval").collect();
    assert!(!ours.is_empty(), "no command of ours in {commands:?}");
    for words in ours {
        // A shell's part is not tested: what is piped or redirected must not matter to a recipe.
        let args = words[1..].iter().take_while(|word| !matches!(word.as_str(), "|" | ">" | "&&" | "||" | ";"));
        let output = cargo_bin_cmd!("approx-eval").current_dir(folder.path()).args(args).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn test_commands_are_those_of_ci() {
    let ci = root(".ci/run");
    let commands = commands(&root("README.md"));
    let tests: Vec<_> = commands
        .iter()
        .map(|line| words(line).join(" "))
        .filter(|line| {
            ["cargo test", "cargo nextest", "cargo clippy", "cargo fmt"].iter().any(|kind| line.starts_with(kind))
        })
        .collect();
    assert!(!tests.is_empty(), "no test command in {commands:?}");
    for command in tests {
        assert!(ci.lines().any(|line| line.contains(&command)), "'{command}' is not in .ci/run");
    }
}

#[test]
fn blocks_and_words_are_found() {
    let text =
        "a\n```sh\n# why\n$ approx-eval --set 'fc*:lut=a b' \\\n  -n 5 # few\n```\n```json\nno\n```\n```sh\nls\n```\n";
    let commands = commands(text);
    assert_eq!(commands.len(), 2);
    assert_eq!(words(&commands[0]), ["approx-eval", "--set", "fc*:lut=a b", "-n", "5"]);
    assert_eq!(words(&commands[1]), ["ls"]);
}
