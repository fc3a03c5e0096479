//! Where documents go: standard output, and files opened before the work starts.

use super::TerminalArgs;
use super::named::named;
use crate::output::{OutputFile, finish_all};
use crate::report::{Document, Exporter, FORMATS, Style, format_by_extension};
use anyhow::{Context, ensure};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// The option that every command that prints has.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Report")]
pub(super) struct FormatArgs {
    /// Format of standard output
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = named(&FORMATS))]
    format: &'static dyn Exporter,
}

impl FormatArgs {
    /// Prints a document. A reader that has gone away is not an error.
    pub fn print(&self, document: &dyn Document, terminal: &TerminalArgs) -> anyhow::Result<()> {
        print(&self.format.export(document, terminal.style(io::stdout().is_terminal())))
    }

    /// Prints what was done, and puts `files`, which are part of it, in their places: when either fails, none
    /// of them appears.
    pub fn print_and_commit(
        &self,
        document: &dyn Document,
        files: impl IntoIterator<Item = OutputFile>,
        terminal: &TerminalArgs,
    ) -> anyhow::Result<()> {
        let files = finish_all(files)?;
        self.print(document, terminal)?;
        Ok(files.publish()?)
    }
}

/// Where the report of a command goes: standard output, and files.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Report")]
pub(super) struct OutputArgs {
    #[command(flatten)]
    format: FormatArgs,

    /// Also write the report to a file, in the format of its extension; may be given more than once
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,
}

impl OutputArgs {
    /// Opens the files, before the work that the report is of.
    pub fn create(&self) -> anyhow::Result<Output<'_>> {
        Ok(Output { format: &self.format, files: OutputFiles::create(&self.output)? })
    }
}

/// Standard output and files that a report is written to.
pub(super) struct Output<'a> {
    format: &'a FormatArgs,
    files: OutputFiles,
}

impl Output<'_> {
    /// Prints the report, and writes it to the files: when either fails, none of them appears.
    pub fn write(self, report: &dyn Document, terminal: &TerminalArgs) -> anyhow::Result<()> {
        self.format.print_and_commit(report, self.files.filled(report, terminal)?, terminal)
    }
}

/// Writes to standard output. A reader that has gone away is not an error.
pub(super) fn print(text: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to standard output"),
        _ => Ok(()),
    }
}

/// Files that a document is written to.
pub(super) struct OutputFiles(Vec<(OutputFile, &'static dyn Exporter)>);

impl OutputFiles {
    /// Opens the files, each in the format of its extension.
    pub fn create(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let open = |path: &PathBuf| {
            ensure!(
                ![Path::new("-"), Path::new("/dev/stdout")].contains(&path.as_path()),
                "--output {}: expected a file with one of the extensions {}; for standard output use --format",
                path.display(),
                FORMATS
                    .iter()
                    .flat_map(|format| format.extensions())
                    .map(|name| format!(".{name}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            );
            let format = format_by_extension(path).context("--output")?;
            Ok((OutputFile::create(path).context("--output")?, format))
        };
        paths.iter().map(open).collect::<anyhow::Result<_>>().map(OutputFiles)
    }

    /// The files with the document in each, as detailed as on the terminal.
    pub fn filled(self, document: &dyn Document, terminal: &TerminalArgs) -> anyhow::Result<Vec<OutputFile>> {
        let style = Style { details: terminal.shows_details(), ..Style::default() };
        let filled = |(file, format): (OutputFile, &dyn Exporter)| file.with_bytes(&format.export(document, style));
        Ok(self.0.into_iter().map(filled).collect::<Result<_, _>>()?)
    }
}
