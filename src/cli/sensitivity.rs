//! `approx-eval sensitivity`: which layers approximation hurts.

use super::costs::CostsArgs;
use super::evaluate::options::parse_seed;
use super::output::OutputArgs;
use super::progress::Bar;
use super::studied::{StudiedArgs, parse_drop};
use super::{ExitCode, TerminalArgs};
use crate::study::{ToleranceSettings, sensitivity};
use clap::ValueEnum;

#[derive(Debug, clap::Args)]
pub(super) struct SensitivityArgs {
    /// What perturbs a layer: each multiplier, or noise, of which the largest standard deviation is found that it tolerates
    #[arg(long, value_name = "WHAT", default_value = "multiplier")]
    by: By,

    /// With --by noise, the largest drop in accuracy that is tolerated, a fraction: 0.01 is one percentage point
    #[arg(long, value_name = "D", default_value = "0.01", allow_hyphen_values = true, value_parser = parse_drop)]
    max_drop: f64,

    /// With --by noise, when the bisection ends: at this ratio between noise that exceeds the drop and noise that does not
    #[arg(long, value_name = "RATIO", default_value = "1.1", allow_hyphen_values = true, value_parser = parse_ratio)]
    tolerance: f64,

    /// With --by noise, the seed of the noise
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, value_parser = parse_seed)]
    seed: u64,

    #[command(flatten)]
    pub(super) studied: StudiedArgs,

    #[command(flatten)]
    costs: CostsArgs,

    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// Each layer alone approximate, and each alone exact
    Multiplier,
    /// The largest relative standard deviation of noise that each layer tolerates alone
    Noise,
}

fn parse_ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio: &f64| (1.001..=10.0).contains(ratio));
    ratio.ok_or_else(|| "expected a ratio from 1.001 to 10".to_owned())
}

pub(super) fn run(args: &SensitivityArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    args.studied.network.on_threads(|| args.run(terminal))
}

impl SensitivityArgs {
    fn run(&self, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
        if self.by == By::Multiplier {
            self.studied.check_luts()?;
        }
        let (costs, luts) = (self.costs.open()?, self.studied.luts()?);
        let mut session = self.studied.open(&luts, self.seed)?;
        let output = self.output.create()?;
        let progress = Bar::new(terminal);
        let details = match self.by {
            By::Multiplier => sensitivity::by_multiplier(&mut session, &luts, &costs, &progress)?,
            By::Noise => {
                let settings = ToleranceSettings {
                    max_drop: self.max_drop,
                    ratio: self.tolerance,
                    ..ToleranceSettings::default()
                };
                sensitivity::by_noise(&mut session, settings, &progress)?
            }
        };
        output.write(&details, terminal)?;
        Ok(ExitCode::Success)
    }
}
