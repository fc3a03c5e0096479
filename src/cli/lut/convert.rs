//! `lut convert`: converts a table from one file format to another.

use super::super::inputs::LutFileArgs;
use super::super::{ExitCode, TerminalArgs};
use super::output::WriteArgs;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ConvertArgs {
    /// LUT file, '-' for standard input (65,536 products as text, or any other format), or the name of
    /// a multiplier
    lut: String,

    /// Output file; its extension selects the format
    output: PathBuf,

    /// New name of the multiplier; default: its own, else the file's
    #[arg(long)]
    name: Option<String>,

    #[command(flatten)]
    file: LutFileArgs,

    #[command(flatten)]
    write: WriteArgs,
}

pub(super) fn run(args: &ConvertArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    let lut = args.file.open(&args.lut, None)?.with_source(&format!("converted from {}", args.lut));
    let file = args.write.create(&args.output)?;
    let lut = args.name.iter().fold(lut, |lut, name| lut.with_name(name));
    args.write.write(&lut, file, terminal)
}
