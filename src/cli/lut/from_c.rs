//! `lut from-c`: a table from a model in C, whose code is compiled and run.

use super::super::{ExitCode, TerminalArgs};
use super::output::WriteArgs;
use crate::kernel::Signedness;
use crate::lut::{self, Bits, FromCOptions};
use anyhow::{Context, bail};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct FromCArgs {
    /// The C source, with a function of two integers that returns their product
    source: PathBuf,

    /// The function; default: the only one of two integers
    #[arg(long, value_name = "NAME")]
    function: Option<String>,

    /// The file to write, in the format of its extension; default: the function's name in the native
    /// format
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Widths of the operands, as 8x8 or 4x6; default: what the function's name or types say
    #[arg(long, value_name = "AxB", value_parser = parse_widths)]
    bits: Option<[Bits; 2]>,

    /// Operands are signed; default: what the function's name, types or products say
    #[arg(long, conflicts_with = "unsigned")]
    signed: bool,

    /// Operands are unsigned
    #[arg(long)]
    unsigned: bool,

    /// Seconds that the compiler, and then the program, may take
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,

    /// Run the source's code without asking
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    write: WriteArgs,
}

fn parse_widths(text: &str) -> Result<[Bits; 2], String> {
    let (first, second) = text.split_once('x').ok_or("expected two widths as in 8x8")?;
    let bits = |text: &str| text.parse::<Bits>().map_err(|error| error.to_string());
    Ok([bits(first)?, bits(second)?])
}

pub(super) fn run(args: &FromCArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    let file = args.output.as_deref().map(|path| args.write.create(path)).transpose()?;
    args.confirm()?;
    let lut = lut::from_c(&args.source, &args.options())?;
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
        let what = format!("{source} will be compiled, and its code run with your rights");
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            bail!("{what}: give --yes to agree");
        }
        write!(io::stderr(), "{what}. Go on? [y/N] ").context("cannot ask")?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).context("cannot read the answer")?;
        if !matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            bail!("{source} was not run");
        }
        Ok(())
    }
}
