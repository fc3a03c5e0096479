//! The options of a grid: those of an evaluation, some of which may have several values.
//!
//! They are the evaluation's own, asked of clap and made repeatable, and every point of the grid is the command line of
//! one evaluation, so that there is one way in which options are read and checked.

use super::lists::split;
use crate::cli::evaluate::EvaluateArgs;
use crate::study::scope::{Scope, ScopeError};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Args, Command, FromArgMatches, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

/// Options that decide what a session is opened for and may have several values, those that vary slowest first. Of
/// each: whether commas separate values.
pub(super) const OPENING: &[(&str, Commas)] = &[
    ("model", Commas::UnlessFile),
    ("weights", Commas::Part),
    ("data", Commas::Part),
    ("calib_data", Commas::Part),
    ("qparams", Commas::Part),
    ("calib", Commas::Separate),
    ("calib_samples", Commas::Separate),
    ("requantize", Commas::Separate),
    ("limit", Commas::Separate),
    ("shuffle", Commas::Separate),
];

/// Those that an open session is asked.
pub(super) const ASKED: &[(&str, Commas)] = &[
    ("lut", Commas::UnlessFile),
    ("mode", Commas::Separate),
    ("attention", Commas::Separate),
    ("coding", Commas::Separate),
    ("act_bits", Commas::Separate),
    ("weight_bits", Commas::Separate),
    ("act_scheme", Commas::Separate),
    ("weight_scheme", Commas::Separate),
    ("scale", Commas::Separate),
    ("noise_from_lut", Commas::UnlessFile),
    ("noise_std", Commas::Separate),
    ("noise_mean", Commas::Separate),
    ("acc_bits", Commas::Separate),
    ("acc_overflow", Commas::Separate),
    ("seed", Commas::Separate),
];

/// What commas are in an option's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commas {
    /// They separate values.
    Separate,
    /// They do, outside of braces and unless the whole is a file's name.
    UnlessFile,
    /// They are part of a value.
    Part,
}

/// Options of one evaluation that a sweep does not have: each job's report is in the journal, and what is done with the
/// results comes after.
const ABSENT: &[&str] = &[
    "alpha",
    "baseline",
    "compare",
    "confusion",
    "dump",
    "dump_format",
    "dump_samples",
    "format",
    "logits",
    "max_drop",
    "min_accuracy",
    "output",
    "predictions",
    "save_qparams",
];

/// The group of options of which one makes the others useful.
const PARTS: &str = "parts";

/// The options of a grid.
#[derive(Debug, Clone)]
pub(super) struct GridArgs {
    /// Options that were given, in the order of the evaluation's.
    pub given: Vec<Given>,
    scopes: Vec<Scope>,
    /// The folders of the first rules, which are those of files.
    pub rule_folders: Vec<PathBuf>,
}

/// An option that was given.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// clap's name of it.
    pub id: String,
    /// The long name.
    pub name: String,
    /// Its values; none of a flag.
    pub values: Vec<OsString>,
}

/// What commas are in the values of the option `id`, if it may have several.
fn commas(id: &str) -> Option<Commas> {
    OPENING.iter().chain(ASKED).find(|(other, _)| *other == id).map(|(_, commas)| *commas)
}

/// The options that may have several values, and what multipliers can be.
pub(super) fn after_help() -> String {
    let evaluation = EvaluateArgs::command();
    let long = |id: &str| evaluation.get_arguments().find(|arg| arg.get_id() == id).and_then(Arg::get_long);
    let axes: Vec<String> =
        OPENING.iter().chain(ASKED).filter_map(|(id, _)| long(id)).map(|name| format!("--{name}")).collect();
    let lists: Vec<String> = crate::lut::LISTS.iter().map(|(name, what)| format!("\n  {name}: {what}")).collect();
    format!(
        "Several values, one after the other or with the option repeated, make a grid; commas separate them too, but \
         not those of paths: --scope, {}.\n\nMultipliers may be ranges such as 'drum-{{3..7}}', globs over files and \
         names such as 'luts/mul8u_*.bin' and 'drum-*', and lists:{}",
        axes.join(", "),
        lists.concat()
    )
}

/// An option of an evaluation as one of a grid.
fn in_grid(arg: Arg) -> Arg {
    let Some(commas) = commas(arg.get_id().as_str()) else { return arg };
    let arg = arg.action(ArgAction::Append).num_args(1..);
    // Values that begin with a hyphen would take in the options behind them.
    let arg = arg.allow_hyphen_values(false).allow_negative_numbers(true);
    if commas == Commas::Separate { arg.value_delimiter(',') } else { arg }
}

/// Scopes, separated by commas.
fn parse_scopes(text: &str) -> Result<Vec<Scope>, ScopeError> {
    split(text).into_iter().map(str::parse).collect()
}

impl Args for GridArgs {
    fn augment_args(command: Command) -> Command {
        let evaluation = EvaluateArgs::command();
        let options = evaluation.get_arguments().filter(|arg| !ABSENT.contains(&arg.get_id().as_str()));
        let file = Arg::new("file")
            .short('f')
            .long("file")
            .value_name("FILE.toml")
            .action(ArgAction::Append)
            .value_parser(clap::value_parser!(PathBuf))
            .value_hint(ValueHint::FilePath)
            .help("Options from a TOML file, whose lists are axes of the grid; options given here override them")
            .help_heading("Study");
        let scope = Arg::new("scope")
            .long("scope")
            .value_name("SCOPE")
            .action(ArgAction::Append)
            .num_args(1..)
            .value_parser(parse_scopes)
            .default_value("all")
            .help("Layers that are approximate: all, each alone, all-but one, a prefix, or a group:PATTERN")
            .long_help(
                "Layers that are approximate: all, each alone, all-but one, a prefix (the first, the first two, and so on), \
                 or a group:PATTERN of names, such as 'group:conv*' or 'group:{conv1,fc}'. The others multiply exactly, on \
                 the same integers (mode quant). Products of two activations take part as --attention says.",
            )
            .help_heading("Layers");
        command.group(ArgGroup::new(PARTS).multiple(true)).args(options.cloned().map(in_grid)).arg(scope).arg(file)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for GridArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        let evaluation = EvaluateArgs::command();
        let given = evaluation.get_arguments().filter_map(|arg| {
            let id = arg.get_id().as_str();
            let name = arg.get_long().filter(|_| !ABSENT.contains(&id) && is_given(id))?;
            let values = match arg.get_action() {
                ArgAction::SetTrue => Vec::new(),
                _ => matches.get_raw(id).into_iter().flatten().map(OsString::from).collect(),
            };
            Some(Given { id: id.to_owned(), name: name.to_owned(), values })
        });
        let scopes = matches.get_many::<Vec<Scope>>("scope").into_iter().flatten().flatten().cloned();
        Ok(GridArgs { given: given.collect(), scopes: scopes.collect(), rule_folders: Vec::new() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl GridArgs {
    /// Which layers are approximate.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Takes LUT files that the first rules name from these folders, one for each of them.
    pub fn rebase_rules(&mut self, folders: Vec<PathBuf>) {
        self.rule_folders = folders;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Options of an evaluation that are the same in all jobs.
    const SHARED: &[&str] = &[
        "arch",
        "assign",
        "batch_size",
        "channels",
        "costs",
        "crop",
        "data_format",
        "input",
        "interpolation",
        "kernel",
        "layer_errors",
        "layout",
        "lut_format",
        "mean",
        "no_fold_bn",
        "output_name",
        "resize",
        "set",
        "std",
        "swap_operands",
        "task",
        "threads",
        "threshold",
    ];

    /// Whoever adds an option says what it is in a sweep.
    #[test]
    fn every_option_has_its_place() {
        let axes = OPENING.iter().chain(ASKED).map(|(id, _)| *id);
        let placed: Vec<&str> = axes.chain(ABSENT.iter().copied()).chain(SHARED.iter().copied()).collect();
        let evaluation = EvaluateArgs::command();
        let options: BTreeSet<&str> = evaluation.get_arguments().map(|arg| arg.get_id().as_str()).collect();
        assert_eq!(placed.iter().copied().collect::<BTreeSet<_>>(), options);
        assert_eq!(placed.len(), options.len(), "in one place each");
    }
}
