//! `lut gen`: generates tables of designs.

use super::super::{ExitCode, TerminalArgs};
use super::output::{WriteArgs, written};
use crate::lut::{self, SHIPPED, write_shipped};
use anyhow::Context;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct GenerateArgs {
    /// Name of the design: its family, then its parameters, such as drum-4-signed or broken-array h0 v8; or that of
    /// a circuit of EvoApproxLib that a design computes, such as mul8s_1L2H
    #[arg(value_name = "NAME", required_unless_present = "shipped", conflicts_with = "shipped")]
    design: Vec<String>,

    /// Write every shipped multiplier (those in luts/) to a folder
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["output", "output_format"])]
    shipped: Option<PathBuf>,

    /// Output file; its extension selects the format; default: the design's name with .safetensors
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    write: WriteArgs,
}

pub(super) fn run(args: &GenerateArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    if let Some(folder) = &args.shipped {
        return shipped(folder, &args.write, terminal);
    }
    let lut = lut::generate(&args.design.join("-"))?;
    let path = args.output.clone().unwrap_or_else(|| format!("{}.safetensors", lut.name()).into());
    args.write.write(&lut, args.write.create(&path)?, terminal)
}

fn shipped(folder: &Path, write: &WriteArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    let paths = write_shipped(folder).context("--shipped")?;
    let files = paths.iter().zip(&SHIPPED).map(|(path, name)| Ok(written(path, [&lut::generate(name)?])));
    write.report(files.collect::<anyhow::Result<_>>()?, terminal)
}
