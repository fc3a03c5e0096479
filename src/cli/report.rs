//! `approx-eval report`: a study's folder as a page.

use super::output::FormatArgs;
use super::{ExitCode, TerminalArgs};
use crate::output::OutputFile;
use crate::study::page::{self, PageOptions};
use anyhow::Context;
use clap::ValueHint;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct ReportArgs {
    /// Folders that 'sweep run -o' wrote, with other documents of the study beside the journal; several are the
    /// shards of one study
    #[arg(required = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    folders: Vec<PathBuf>,

    /// Output file, an .html page that needs no other file
    #[arg(short, long, value_name = "FILE.html", value_parser = page_file)]
    output: PathBuf,

    /// Drop in accuracy that multipliers may cost, a fraction; the page lets its reader change it
    #[arg(long, value_name = "D", default_value = "0.01", value_parser = bound)]
    bound: f64,

    /// Title of the page; default: the folder's name
    #[arg(long, value_name = "TITLE")]
    title: Option<String>,

    #[command(flatten)]
    format: FormatArgs,
}

fn page_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let is_page = |path: &Path| path.extension().is_some_and(|extension| extension == "html" || extension == "htm");
    if is_page(&path) { Ok(path) } else { Err("expected a file with the extension .html".to_owned()) }
}

fn bound(text: &str) -> Result<f64, String> {
    let bound = text.parse().ok().filter(|bound: &f64| (0.0..=1.0).contains(bound));
    bound.ok_or_else(|| "expected a fraction from 0 to 1, as 0.01 for one point".to_owned())
}

pub(super) fn run(args: &ReportArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    let file = OutputFile::create(&args.output).context("--output")?;
    let options = PageOptions { folders: args.folders.clone(), title: args.title.clone(), bound: args.bound };
    let page = page::read(&options)?;
    args.format.print_and_commit(&page, [file.with_bytes(page.html().as_bytes())?], terminal)?;
    Ok(ExitCode::Success)
}
