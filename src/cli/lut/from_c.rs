//! `lut from-c`: tabulates a model in C, whose code is compiled and run.

use super::super::{ExitCode, TerminalArgs};
use super::output::WriteArgs;
use crate::kernel::Signedness;
use crate::lut::{Bits, CModel, FromCOptions};
use anyhow::{Context, bail};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct FromCArgs {
    /// C source with a function of two integers that returns their product
    source: PathBuf,

    /// Name of the function; default: the only one of two integers
    #[arg(long, value_name = "NAME")]
    function: Option<String>,

    /// Name of the multiplier; default: the function's
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Output file; its extension selects the format; default: the multiplier's name with .safetensors
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Widths of the operands, such as 8x8 or 4x6; default: from the function's name or types
    #[arg(long, value_name = "AxB", value_parser = parse_widths)]
    bits: Option<[Bits; 2]>,

    /// Operands are signed; default: from the function's name, types or products
    #[arg(long, conflicts_with = "unsigned")]
    signed: bool,

    /// Operands are unsigned
    #[arg(long)]
    unsigned: bool,

    /// Time limit in seconds, for the compiler and for the program
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,

    /// Run the code without asking for confirmation
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    write: WriteArgs,
}

fn parse_widths(text: &str) -> Result<[Bits; 2], String> {
    let (first, second) = text.split_once('x').ok_or("expected two widths such as 8x8")?;
    let bits = |text: &str| text.parse::<Bits>().map_err(|error| error.to_string());
    Ok([bits(first)?, bits(second)?])
}

pub(super) fn run(args: &FromCArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    let model = CModel::read(&args.source)?;
    let file = args.output.as_deref().map(|path| args.write.create(path)).transpose()?;
    args.confirm()?;
    let lut = model.tabulate(&args.options())?;
    let lut = lut.with_source(&format!("computed by the C model {}", args.source.display()));
    lut.provenance().warnings.iter().for_each(|warning| tracing::warn!("{}: {warning}", lut.name()));
    let file = match file {
        Some(file) => file,
        None => args.write.create(format!("{}.safetensors", lut.name()).as_ref())?,
    };
    args.write.write(&lut, file, terminal)
}

impl FromCArgs {
    fn options(&self) -> FromCOptions {
        let signed = self.signed.then_some(Signedness::Signed);
        FromCOptions {
            function: self.function.clone(),
            name: self.name.clone(),
            bits: self.bits,
            signedness: signed.or(self.unsigned.then_some(Signedness::Unsigned)),
            timeout: Duration::from_secs(self.timeout),
            ..FromCOptions::default()
        }
    }

    /// Fails unless the user agrees to run the code.
    fn confirm(&self) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        let source = self.source.display();
        let what = format!("{source} would be compiled and run with your permissions");
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            bail!("{what}: there is no terminal to ask for confirmation; pass --yes to allow it");
        }
        write!(io::stderr(), "{what}. Continue? [y/N] ").context("cannot write the prompt")?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).context("cannot read the answer")?;
        if !matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            bail!("{source} was not run");
        }
        Ok(())
    }
}
