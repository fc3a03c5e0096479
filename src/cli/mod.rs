//! The command line: options, their turn into validated settings, and one file a command.
//!
//! Options are clap structs that stay in this room; what leaves it are the settings of the rooms
//! below. [`run`] does what a parsed command line asks for.

mod advise;
mod compare;
mod completions;
mod correct;
mod costs;
mod error;
mod evaluate;
mod exit_code;
mod experiment_file;
mod figure_file;
mod inputs;
mod interrupt;
mod lut;
mod man;
mod model;
mod named;
mod network;
mod output;
mod parse;
mod plot;
mod progress;
mod quantization;
mod rank;
#[cfg(test)]
mod reference;
mod report;
mod request;
mod search;
mod selfcheck;
mod sensitivity;
mod studied;
mod suggestion;
mod sweep;

pub use error::describe;
pub use exit_code::ExitCode;
pub use experiment_file::FileError;
pub use inputs::Given;
pub use interrupt::clean_up_on_signals;
pub use parse::{UsageError, parse};
pub use request::{Request, describe_by_key};

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use experiment_file::{FileArgs, Origins};
use inputs::{DataArgs, LutArgs, ModelArgs};
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

/// What exit codes mean.
const EXIT_CODES: &str =
    "Exit codes: 0 done and every gate held; 1 a gate failed; 2 bad usage or bad input; 3 an internal error.";

/// Command lines to begin with, and what they do.
const EXAMPLES: &[(&str, &str)] = &[
    ("approx-eval --lut truncated-4 --compare quant", "a multiplier, beside exact products"),
    ("approx-eval -f run.toml --lut mul8.bin", "options from a file, and a table"),
    ("approx-eval lut info mul8.bin --check", "is it what it should be?"),
];

fn examples() -> String {
    let lines = EXAMPLES.iter().map(|(command, what)| format!("\n  {command:<45}  {what}"));
    format!("Examples:{}", lines.collect::<String>())
}

/// Evaluate neural networks on approximate multipliers, bit for bit.
///
/// Without options, the shipped network lenet5 runs in fp32 on its embedded test set. With a LUT,
/// every product of every linear and convolution layer is taken from it.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    args_override_self = true,
    after_help = format!("{}\n\n{EXIT_CODES}", examples())
)]
pub struct Cli {
    #[command(flatten)]
    file: FileArgs,

    /// Where options come from that are not the command line's.
    #[arg(skip)]
    origins: Origins,

    #[command(flatten)]
    evaluate: evaluate::EvaluateArgs,

    #[command(flatten)]
    terminal: TerminalArgs,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what one multiplier does to a network, and what to do about it
    Advise(advise::AdviseArgs),
    /// Compare saved reports of runs over the same samples
    Compare(compare::CompareArgs),
    /// Correct a network for a multiplier without retraining
    Correct(Box<correct::CorrectArgs>),
    /// Show, generate, convert and plot multipliers
    #[command(subcommand)]
    Lut(lut::LutCommand),
    /// Show networks
    #[command(subcommand)]
    Model(model::ModelCommand),
    /// Which layers approximation hurts: each alone approximate, each alone exact, or the noise that each tolerates
    Sensitivity(sensitivity::SensitivityArgs),
    /// Check the program on a network, a multiplier and data: all that an evaluation is made of, computed in another way
    ///
    /// Takes the options of an evaluation; runs on the first 8 samples unless --limit says otherwise.
    #[command(args_override_self = true)]
    Selfcheck(Box<selfcheck::SelfcheckArgs>),
    /// Find which multiplier to use in which layer: least energy within a bound on the drop in accuracy
    Search(search::SearchArgs),
    /// Rank many multipliers by what they are predicted to do to a network, and evaluate the best
    Rank(Box<rank::RankArgs>),
    /// Plot accuracy against energy, or another cost, from saved reports
    Plot(plot::PlotArgs),
    /// Evaluate a grid of networks, multipliers and settings
    #[command(subcommand)]
    Sweep(sweep::SweepCommand),
    /// Show a study's folder as a page: a verdict for each network, tables and charts
    Report(report::ReportArgs),
    /// Print a shell's completion script
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write one for each command
    Man(man::ManArgs),
}

/// What reaches the terminal beside the report.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Terminal")]
pub(crate) struct TerminalArgs {
    /// Print only the report and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,

    /// Also show weight and output shapes in tables, and what is calibrated and computed how; -vv more of it
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,

    /// Hide the progress bar, which appears on a terminal only
    #[arg(long, global = true)]
    no_progress: bool,

    /// When to use colors
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColorChoice {
    Auto,
    Always,
    Never,
}

impl TerminalArgs {
    /// Whether to color what goes to a stream that is or is not a terminal.
    fn colors(&self, is_terminal: bool) -> bool {
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }

    /// Whether tables have their columns of details.
    fn shows_details(&self) -> bool {
        self.verbose > 0
    }

    /// How text on standard output is laid out: a terminal narrower than others is 80 columns wide all the same.
    fn style(&self, is_terminal: bool) -> crate::report::Style {
        use crate::report::Style;
        let columns = terminal_size::terminal_size_of(std::io::stdout()).filter(|_| is_terminal);
        let width = columns.map_or(Style::WIDTH, |(columns, _)| Style::WIDTH.max(columns.0.into()));
        Style { color: self.colors(is_terminal), width, details: self.shows_details() }
    }

    /// Sends log messages to standard error.
    fn start_logging(&self) {
        use std::io::IsTerminal;
        use tracing_subscriber::fmt::format::debug_fn;
        let level = match (self.quiet, self.verbose) {
            (true, _) => tracing::Level::ERROR,
            (false, 0) => tracing::Level::WARN,
            (false, 1) => tracing::Level::INFO,
            (false, _) => tracing::Level::DEBUG,
        };
        // Messages hold names from files.
        let harmless = debug_fn(|writer, _, value| write!(writer, "{}", error::shown(&format!("{value:?}"))));
        let format = tracing_subscriber::fmt()
            .fmt_fields(harmless)
            .with_writer(std::io::stderr)
            .with_max_level(level)
            .with_ansi(self.colors(std::io::stderr().is_terminal()))
            .with_target(false)
            .without_time();
        // A second call, as tests of the library may make, keeps the first subscriber.
        let _ = format.try_init();
    }
}

impl Command {
    /// Takes LUT files that the first rules name from these folders, one for each of them.
    fn rebase_rules(&mut self, folders: &[PathBuf]) {
        match self {
            Command::Advise(args) => args.network.rebase_rules(folders),
            Command::Correct(args) => args.layers.rebase(folders),
            Command::Rank(args) => args.network.rebase_rules(folders),
            Command::Selfcheck(args) => args.rebase_rules(folders),
            Command::Search(args) => args.studied.network.rebase_rules(folders),
            Command::Sensitivity(args) => args.studied.network.rebase_rules(folders),
            Command::Sweep(command) => command.rebase_rules(folders.to_vec()),
            // The others have no rules.
            _ => {}
        }
    }
}

impl Cli {
    /// `error` in one line, as [`describe`] has it, with options of experiment files called by key, file and line.
    pub fn describe(&self, error: &anyhow::Error) -> String {
        self.origins.named_in(&describe(error))
    }
}

/// The whole command: parses a command line, the program's name being the first argument, runs it, and turns an error
/// into a message and an exit code. From then on signals end the process as [`clean_up_on_signals`] says.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    clean_up_on_signals();
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(error) => return error.report(),
    };
    match catch_unwind(AssertUnwindSafe(|| run(&cli))) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            error::print_error(cli.describe(&error));
            ExitCode::BadInput
        }
        // The panic has printed its message.
        Err(_) => ExitCode::Internal,
    }
}

/// Does what the command line asks for.
///
/// # Errors
/// With one message that names the file or option at fault, and how to fix it.
pub fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    cli.terminal.start_logging();
    crate::input::protect();
    cli.file.announce();
    match &cli.command {
        None => evaluate::run(&cli.evaluate, &cli.terminal),
        Some(Command::Advise(args)) => advise::run(args, &cli.terminal),
        Some(Command::Compare(args)) => compare::run(args, &cli.terminal),
        Some(Command::Correct(args)) => correct::run(args, &cli.terminal),
        Some(Command::Lut(command)) => lut::run(command, &cli.terminal),
        Some(Command::Model(command)) => model::run(command, &cli.terminal),
        Some(Command::Sensitivity(args)) => sensitivity::run(args, &cli.terminal),
        Some(Command::Selfcheck(args)) => selfcheck::run(args, &cli.terminal),
        Some(Command::Search(args)) => search::run(args, &cli.terminal),
        Some(Command::Rank(args)) => rank::run(args, &cli.terminal),
        Some(Command::Plot(args)) => plot::run(args, &cli.terminal),
        Some(Command::Sweep(command)) => sweep::run(command, &cli.terminal),
        Some(Command::Report(args)) => report::run(args, &cli.terminal),
        Some(Command::Completions(args)) => completions::run(args, Cli::command()),
        Some(Command::Man(args)) => man::run(args, Cli::command(), EXAMPLES, EXIT_CODES),
    }
}
