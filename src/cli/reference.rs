//! `docs/cli.md`: every command and option as clap knows them, and the test that the page says so. It is of the features
//! that are on by default: `parquet` adds its name to those of formats.
//!
//! `APPROX_EVAL_WRITE_DOCS=1 cargo test --lib cli::reference` writes the page anew.

use super::man::{ENVIRONMENT, all};
use super::{Cli, EXAMPLES, EXIT_CODES};
use crate::data::DATA_FORMATS;
use crate::registry::Named;
use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory};
use std::fmt::Write;
use std::path::Path;

/// What the page begins with.
const HEAD: &str = "# Command line\n\n\
    Every command and option. A test holds this page to the program's own definitions, and writes it: \
    `APPROX_EVAL_WRITE_DOCS=1 cargo test --lib cli::reference`. The program says the same by `--help`, and as manual pages \
    by `approx-eval man`.\n";

#[test]
fn page_is_what_clap_knows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    let page = page_by_default();
    if std::env::var_os("APPROX_EVAL_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = committed.lines().zip(page.lines()).find(|(old, new)| old != new);
    assert!(
        committed == page,
        "docs/cli.md is out of date: APPROX_EVAL_WRITE_DOCS=1 cargo test --lib cli::reference writes it anew. First \
         difference: {differing:?}"
    );
}

/// The page without the format that a feature adds.
fn page_by_default() -> String {
    let parquet = DATA_FORMATS.find("parquet").map(|format| format!(", `parquet` ({})", format.summary()));
    parquet.map_or_else(|_| page(), |parquet| page().replace(&parquet, ""))
}

#[test]
fn every_option_is_on_the_page() {
    let (page, root) = (page(), built());
    let options = all(&root).into_iter().flat_map(Command::get_arguments).filter(|arg| !arg.is_hide_set());
    for long in options.filter_map(Arg::get_long) {
        assert!(page.contains(&format!("--{long}`")) || page.contains(&format!("--{long} ")), "{long}");
    }
}

#[test]
fn quotes_become_code() {
    let cases = [
        (
            "names, such as 'conv*:lut=drum-4', of others' layers",
            "names, such as `conv*:lut=drum-4`, of others' layers",
        ),
        ("('*' is all) of <N>", "(`*` is all) of \\<N>"),
        ("2 * 3 * 4", "2 \\* 3 \\* 4"),
        ("see 'approx-eval lut list'", "see `approx-eval lut list`"),
    ];
    for (text, expected) in cases {
        assert_eq!(prose(text), expected);
    }
}

/// The program's definition, complete.
fn built() -> Command {
    let mut root = Cli::command().override_usage("approx-eval [OPTIONS]\napprox-eval <COMMAND>");
    root.build();
    root
}

fn page() -> String {
    let root = built();
    let mut page = String::from(HEAD);
    page.push_str("\n| command | what it does |\n| --- | --- |\n");
    for command in shown(&root) {
        let (name, about) = (name(command), plain(command.get_about()));
        writeln!(page, "| [`{name}`](#{}) | {} |", name.replace(' ', "-"), prose(&about)).unwrap();
    }
    page.push_str("\nTo begin with:\n\n```text\n");
    EXAMPLES.iter().for_each(|(command, what)| writeln!(page, "{command:<45}  {what}").unwrap());
    writeln!(page, "```\n\n{EXIT_CODES}\n\n| environment variable | what it does |\n| --- | --- |").unwrap();
    ENVIRONMENT.iter().for_each(|(name, what)| writeln!(page, "| `{name}` | {} |", prose(what)).unwrap());
    for command in shown(&root) {
        section(command, &root, &mut page);
    }
    page
}

/// The program itself, and the commands that do something.
fn shown(root: &Command) -> Vec<&Command> {
    all(root).into_iter().filter(|command| !command.has_subcommands() || is_root(command)).collect()
}

fn is_root(command: &Command) -> bool {
    command.get_name() == "approx-eval"
}

fn name(command: &Command) -> String {
    command.get_bin_name().unwrap_or(command.get_name()).to_owned()
}

/// A command: usage, description, arguments and options.
fn section(command: &Command, root: &Command, page: &mut String) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    writeln!(page, "\n## {}\n\n```text\n{usage}\n```\n", name(command)).unwrap();
    writeln!(page, "{}", prose(&plain(command.get_long_about().or(command.get_about())))).unwrap();
    let is_own = |arg: &&Arg| !arg.is_hide_set() && (is_root(command) || !is_common(arg));
    let options = || command.get_arguments().filter(is_own);
    let is_shared = |arg: &Arg| !is_root(command) && root.get_arguments().any(|other| is_same(arg, other));
    let mut headings: Vec<&str> = Vec::new();
    for heading in options().filter(|arg| !is_shared(arg)).map(heading) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    for group in headings {
        writeln!(page, "\n**{group}**\n").unwrap();
        options().filter(|arg| !is_shared(arg) && heading(arg) == group).for_each(|arg| option(arg, page));
    }
    let shared: Vec<String> = options().filter(|arg| is_shared(arg)).map(|arg| format!("`{}`", called(arg))).collect();
    if !shared.is_empty() {
        writeln!(page, "\n**As in [an evaluation](#approx-eval)**\n\n{}", shared.join(", ")).unwrap();
    }
}

/// Whether all commands have it.
fn is_common(arg: &Arg) -> bool {
    arg.is_global_set() || ["help", "version"].contains(&arg.get_id().as_str())
}

/// Whether an option is that of an evaluation.
fn is_same(a: &Arg, b: &Arg) -> bool {
    let parts = |arg: &Arg| (plain(arg.get_help()), plain(arg.get_long_help()), arg.get_default_values().to_vec());
    a.get_long().is_some() && a.get_long() == b.get_long() && parts(a) == parts(b)
}

fn heading(arg: &Arg) -> &str {
    arg.get_help_heading().unwrap_or(if arg.is_positional() { "Arguments" } else { "Options" })
}

/// `-l, --lut`, or an argument's name.
fn called(arg: &Arg) -> String {
    let (short, long) =
        (arg.get_short().map(|short| format!("-{short}")), arg.get_long().map(|long| format!("--{long}")));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    names.join(", ")
}

/// An item of a list: names and value, then what it does, the values it takes, and the one it has.
fn option(arg: &Arg, page: &mut String) {
    let takes_values = arg.get_action().takes_values();
    let values = arg.get_value_names().unwrap_or_default().iter().map(|name| format!("<{name}>"));
    let mut words: Vec<String> = Some(called(arg)).filter(|names| !names.is_empty()).into_iter().collect();
    words.extend(values.filter(|_| takes_values || arg.is_positional()));
    let help = plain(arg.get_long_help().or(arg.get_help()));
    let mut parts = help.split("\n\n").map(|part| prose(&part.replace('\n', " ")));
    writeln!(page, "- `{}`: {}", words.join(" "), parts.next().unwrap_or_default()).unwrap();
    parts.for_each(|part| writeln!(page, "\n  {part}").unwrap());
    let values: Vec<_> =
        arg.get_possible_values().into_iter().filter(|value| takes_values && !value.is_hide_set()).collect();
    let described = |value: &clap::builder::PossibleValue| match plain(value.get_help()) {
        help if help.is_empty() => format!("`{}`", value.get_name()),
        help => format!("`{}` ({})", value.get_name(), prose(&help)),
    };
    if !values.is_empty() {
        writeln!(page, "\n  Values: {}.", values.iter().map(described).collect::<Vec<_>>().join(", ")).unwrap();
    }
    let defaults: Vec<String> = arg.get_default_values().iter().map(|value| format!("`{}`", value.display())).collect();
    if takes_values && !defaults.is_empty() {
        writeln!(page, "\n  Default: {}.", defaults.join(", ")).unwrap();
    }
}

fn plain(text: Option<&StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default().trim().to_owned()
}

/// Help as Markdown: what stands in single quotes is code, and no character else means anything.
fn prose(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(place) = rest.find(['\'', '*', '<', '[', '`', '|']) {
        let (before, from) = rest.split_at(place);
        out.push_str(before);
        let opens = from.starts_with('\'') && before.chars().last().is_none_or(|last| last == ' ' || last == '(');
        let is_end = |(place, _): &(usize, &str)| {
            let behind = from[1 + place + 1..].chars().next();
            *place > 0 && behind.is_none_or(|next| !next.is_alphanumeric())
        };
        let end = Some(()).filter(|()| opens).and_then(|()| from[1..].match_indices('\'').find(is_end));
        if let Some((length, _)) = end {
            write!(out, "`{}`", &from[1..=length]).unwrap();
            rest = &from[length + 2..];
        } else {
            let (special, behind) = from.split_at(1);
            let escape = if special == "'" { "" } else { "\\" };
            write!(out, "{escape}{special}").unwrap();
            rest = behind;
        }
    }
    out + rest
}
