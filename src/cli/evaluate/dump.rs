//! Options of golden vectors.

use crate::cli::named::named;
use crate::eval::Session;
use crate::report::{DUMP_FORMATS, Dump, DumpFormat};
use anyhow::Context;
use clap::{ArgAction, ValueHint};
use std::num::NonZeroU64;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Golden vectors")]
pub(super) struct DumpArgs {
    /// Write each layer's integers over the first samples to a new folder: inputs, weights, sums, outputs, and the LUT
    ///
    /// Layers with weights in modes quant and approx are written, with an index.json that says what each file holds.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dump: Option<PathBuf>,

    /// Samples whose integers are written
    #[arg(long, value_name = "N", default_value = "1", requires = "dump", allow_negative_numbers = true)]
    #[arg(value_parser = super::options::parse_count::<NonZeroU64>)]
    dump_samples: NonZeroU64,

    /// Formats of the arrays, joined by commas
    #[arg(long, value_name = "FORMAT,...", default_value = "npy", requires = "dump", value_delimiter = ',')]
    #[arg(action = ArgAction::Set)]
    #[arg(value_parser = named(&DUMP_FORMATS))]
    dump_format: Vec<DumpFormat>,
}

impl DumpArgs {
    /// How many samples are asked for.
    pub fn samples(&self) -> u64 {
        self.dump.as_ref().map_or(0, |_| self.dump_samples.get())
    }

    /// The dump of the session, where one is asked for.
    pub fn create(&self, session: &Session) -> anyhow::Result<Option<Dump>> {
        let create = |path| Dump::create(path, &self.dump_format, session);
        self.dump.as_deref().map(create).transpose().context("--dump")
    }
}
