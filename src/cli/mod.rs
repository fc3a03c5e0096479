//! The command line: options, their turn into validated settings, and one file a command.
//!
//! Options are clap structs that stay in this room; what leaves it are the settings of the rooms
//! below. [`run`] does what a parsed command line asks for.

mod compare;
mod costs;
mod error;
mod evaluate;
mod exit_code;
mod figure_file;
mod inputs;
mod interrupt;
mod lut;
mod model;
mod named;
mod output;
mod plot;
mod progress;
mod quantization;
mod suggestion;

pub use error::{describe, describe_usage};
pub use exit_code::ExitCode;
pub use interrupt::clean_up_on_signals;

use clap::{Parser, Subcommand, ValueEnum};
use inputs::{DataArgs, LutArgs, ModelArgs};

/// Evaluate neural networks on approximate multipliers, bit for bit.
///
/// Without options, the shipped network lenet5 runs in fp32 on its embedded test set. With a LUT,
/// every product of every linear and convolution layer is taken from it.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Exit codes: 0 done and every gate held; 1 a gate failed; 2 bad usage or bad input; 3 an internal error."
)]
pub struct Cli {
    #[command(flatten)]
    evaluate: evaluate::EvaluateArgs,

    #[command(flatten)]
    terminal: TerminalArgs,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compare saved reports of runs over the same samples
    Compare(compare::CompareArgs),
    /// Show, generate, convert and plot multipliers
    #[command(subcommand)]
    Lut(lut::LutCommand),
    /// Show networks
    #[command(subcommand)]
    Model(model::ModelCommand),
    /// Plot accuracy against energy, or another cost, from saved reports
    Plot(plot::PlotArgs),
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

/// Does what the command line asks for.
///
/// # Errors
/// With one message that names the file or option at fault, and how to fix it.
pub fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    cli.terminal.start_logging();
    crate::input::protect();
    match &cli.command {
        None => evaluate::run(&cli.evaluate, &cli.terminal),
        Some(Command::Compare(args)) => compare::run(args, &cli.terminal),
        Some(Command::Lut(command)) => lut::run(command, &cli.terminal),
        Some(Command::Model(command)) => model::run(command, &cli.terminal),
        Some(Command::Plot(args)) => plot::run(args, &cli.terminal),
    }
}
