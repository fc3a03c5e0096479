//! `approx-eval completions`: scripts by which shells complete options and what they take.
//!
//! clap knows the values of options that take one of a few words. What takes a file or a name is any text to it:
//! the names are added here, and the scripts are told to complete both.

use super::ExitCode;
use super::output::print;
use crate::kernel::KERNELS;
use crate::lut::design::FAMILIES;
use crate::model::SHIPPED;
use crate::zoo::ARCHITECTURES;
use clap::builder::PossibleValuesParser;
use clap::{Arg, Command};
use clap_complete::Shell;
use std::sync::LazyLock;

#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// The shell that reads the script
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs, command: Command) -> anyhow::Result<ExitCode> {
    print(script(args.shell, command).as_bytes())?;
    Ok(ExitCode::Success)
}

/// The names of all multipliers.
static LUTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let designs = FAMILIES.iter().flat_map(|family| family.designs());
    designs.map(|design| design.to_string()).collect()
});

/// The names that the option or argument `id` takes, and whether it takes files as well.
fn names(command: &str, id: &str) -> Option<(Vec<&'static str>, bool)> {
    let luts = || LUTS.iter().map(String::as_str).collect();
    match (command, id) {
        ("info", "model") => Some((SHIPPED.names().chain(ARCHITECTURES.names()).collect(), true)),
        (_, "model") => Some((SHIPPED.names().collect(), true)),
        (_, "arch") => Some((ARCHITECTURES.names().collect(), false)),
        (_, "lut" | "luts" | "noise_from_lut") => Some((luts(), true)),
        ("gen", "design") => Some((luts(), false)),
        ("list", "families") => Some((FAMILIES.names().collect(), false)),
        (_, "kernel") => Some((KERNELS.names().collect(), false)),
        (_, "compare") => Some((vec!["base", "quant"], false)),
        (_, "calib") => Some((vec!["minmax", "percentile", "moving-average", "mse", "entropy"], false)),
        _ => None,
    }
}

/// `command` with the names of everything that has some.
fn with_names(command: Command) -> Command {
    let of = command.get_name().to_owned();
    let named = |arg: Arg| match names(&of, arg.get_id().as_str()) {
        Some((names, _)) => arg.value_parser(PossibleValuesParser::new(names)),
        None => arg,
    };
    command.mut_args(named).mut_subcommands(with_names)
}

/// The lists of names of what takes files as well.
fn lists_beside_files(command: &Command) -> Vec<Vec<&'static str>> {
    let of = command.get_name();
    let lists = command.get_arguments().filter_map(|arg| names(of, arg.get_id().as_str()));
    let own = lists.filter(|(_, takes_files)| *takes_files).map(|(names, _)| names);
    own.chain(command.get_subcommands().flat_map(lists_beside_files)).collect()
}

fn script(shell: Shell, command: Command) -> String {
    let lists = lists_beside_files(&command);
    let (mut script, name) = (Vec::new(), command.get_name().to_owned());
    clap_complete::generate(shell, &mut with_names(command), &name, &mut script);
    let script = String::from_utf8(script).expect("scripts are text");
    let script = match shell {
        // Commands of a program with a hyphen in its name go by two names there, only one of which is looked for.
        Shell::Bash => script.replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__")),
        Shell::Fish => before_values(&script),
        _ => script,
    };
    lists.iter().fold(script, |script, names| beside_files(&script, shell, names))
}

/// A script of fish that also knows where it is when the word before is an option that waits for its value: to its
/// parser of arguments that is an error.
fn before_values(script: &str) -> String {
    let parse = script.lines().find(|line| line.trim_start().starts_with("argparse ")).unwrap_or_default();
    let without_last = parse.replacen("argparse ", "or argparse ", 1).replace("-- $cmd ", "-- $cmd[1..-2] ");
    script.replacen(&format!("{parse}\n"), &format!("{parse}\n{without_last}\n"), 1)
}

/// `script` with files beside `names`, wherever it offers these alone.
fn beside_files(script: &str, shell: Shell, names: &[&str]) -> String {
    let words = names.join(" ");
    match shell {
        Shell::Bash => script.replace(&format!("compgen -W \"{words}\""), &format!("compgen -f -W \"{words}\"")),
        Shell::Zsh => script.replace(
            &format!(":({words})'"),
            // Colons part what an option is said to be from what it takes.
            &format!(":{{_alternative \"names\\:name\\:({words})\" \"files\\:file\\:_files\"}}'"),
        ),
        Shell::Fish => {
            let list = names.iter().map(|name| format!("{name}\\t''")).collect::<Vec<_>>().join("\n");
            script.replace(&format!("-r -f -a \"{list}\""), &format!("-r -F -a \"{list}\""))
        }
        _ => script.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn names_are_offered_beside_files() {
        let script = |shell| script(shell, super::super::Cli::command());
        let words = SHIPPED.names().collect::<Vec<_>>().join(" ");
        let expected = [
            (Shell::Bash, format!("$(compgen -f -W \"{words}\" -- \"${{cur}}\")")),
            (Shell::Zsh, format!(":MODEL:{{_alternative \"names\\:name\\:({words})\" \"files\\:file\\:_files\"}}'")),
            (Shell::Fish, " -r -F -a \"lenet5\\t''\n".to_owned()),
        ];
        for (shell, part) in expected {
            let script = script(shell);
            assert!(script.contains(&part), "{shell}: no {part}");
            for name in ["drum-4-signed", "mobilenet_v2", "sign-magnitude", "percentile", "quant"] {
                assert!(script.contains(name), "{shell}: no {name}");
            }
        }
    }

    #[test]
    fn every_id_with_names_exists() {
        fn ids(command: &Command) -> Vec<(String, String)> {
            let own = command.get_arguments().map(|arg| (command.get_name().to_owned(), arg.get_id().to_string()));
            own.chain(command.get_subcommands().flat_map(ids)).collect()
        }
        let ids = ids(&super::super::Cli::command());
        for id in ["model", "arch", "lut", "luts", "noise_from_lut", "design", "families", "kernel", "compare", "calib"]
        {
            assert!(ids.iter().any(|(command, other)| other == id && names(command, id).is_some()), "no {id}");
        }
    }
}
