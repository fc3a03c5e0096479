//! Writing tables, and the report of what was written.

use super::super::output::FormatArgs;
use super::super::{ExitCode, TerminalArgs};
use crate::lut::{Lut, LutFile, LutFormat, LutInfo};
use crate::report::{WrittenFile, WrittenFiles};
use std::path::Path;

/// How tables are written, and the format of the report.
#[derive(Debug, clap::Args)]
pub(super) struct WriteArgs {
    /// Format and layout of the output file, instead of the format of its extension: words joined by
    /// '-', such as npy-i16 or bin-u16
    #[arg(long, value_name = "FORMAT")]
    output_format: Option<LutFormat>,

    #[command(flatten)]
    format: FormatArgs,
}

impl WriteArgs {
    /// Opens the output file, before the work starts.
    pub fn create(&self, path: &Path) -> anyhow::Result<LutFile> {
        Ok(LutFile::create(path, &self.output_format.unwrap_or_default())?)
    }

    /// Writes the table and reports it.
    pub fn write(&self, lut: &Lut, file: LutFile, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
        let path = file.path().to_owned();
        let file = file.filled(lut)?;
        let files = WrittenFiles { files: vec![written(&path, [lut])] };
        self.format.print_and_commit(&files, [file], terminal)?;
        Ok(ExitCode::Success)
    }

    /// Reports what was written.
    pub fn report(&self, files: Vec<WrittenFile>, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
        self.format.print(&WrittenFiles { files }, terminal)?;
        Ok(ExitCode::Success)
    }
}

/// A file that holds or shows `luts`.
pub(super) fn written<'a>(path: &Path, luts: impl IntoIterator<Item = &'a Lut>) -> WrittenFile {
    WrittenFile { path: path.display().to_string(), luts: luts.into_iter().map(LutInfo::new).collect() }
}
