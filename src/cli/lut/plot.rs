//! `lut plot`: plots of multipliers' errors.

use super::super::inputs::LutFileArgs;
use super::super::output::FormatArgs;
use super::super::{ExitCode, TerminalArgs};
use super::output::written;
use crate::lut::{self, Lut};
use crate::output::OutputFile;
use crate::report::WrittenFiles;
use anyhow::Context;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PlotArgs {
    /// LUT file, '-' for standard input, or the name of a multiplier; up to four are plotted side by side
    #[arg(required = true, num_args = 1..=4)]
    luts: Vec<String>,

    /// Output file, an .svg
    #[arg(short, long, value_name = "FILE.svg", value_parser = svg_file)]
    output: PathBuf,

    #[command(flatten)]
    file: LutFileArgs,

    #[command(flatten)]
    format: FormatArgs,
}

/// The path of an SVG file.
fn svg_file(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    let is_svg = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg"));
    if is_svg { Ok(path) } else { Err("plots are SVG: expected a file name that ends in .svg".to_owned()) }
}

pub(super) fn run(args: &PlotArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    let luts = args.luts.iter().map(|lut| args.file.open(lut, None)).collect::<anyhow::Result<Vec<Lut>>>()?;
    let file = OutputFile::create(&args.output).context("--output")?;
    let picture = lut::plot(&luts.iter().collect::<Vec<_>>())?;
    let file = file.with_bytes(picture.as_bytes())?;
    let files = WrittenFiles { files: vec![written(&args.output, &luts)] };
    args.format.print_and_commit(&files, [file], terminal)?;
    Ok(ExitCode::Success)
}
