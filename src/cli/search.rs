//! `approx-eval search`: which multiplier for which layer.

use super::costs::CostsArgs;
use super::evaluate::options::{parse_count, parse_seed};
use super::named::named;
use super::output::FormatArgs;
use super::progress::Bar;
use super::studied::{StudiedArgs, parse_drop};
use super::{ExitCode, TerminalArgs};
use crate::lut::{COST_KINDS, CostKind};
use crate::output::OutputFile;
use crate::report::{Document, Records, SearchDetails, SearchSamples, Style, format_by_extension};
use crate::study::search::{METHODS, Method, Opened, SearchPlan, search};
use anyhow::{Context, ensure};
use clap::{ArgAction, ValueHint};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(super) struct SearchArgs {
    #[command(flatten)]
    pub(super) studied: StudiedArgs,

    #[command(flatten)]
    costs: CostsArgs,

    #[command(flatten)]
    plan: PlanArgs,

    /// Folder for search.json, assignment.json (for --assign), front.csv and the journal
    #[arg(short, long, value_name = "DIR", required = true, value_hint = ValueHint::DirPath, help_heading = "Report")]
    output: PathBuf,

    /// Resume the search whose journal is in the folder
    ///
    /// Evaluations that it has are not repeated, whatever options of the search have changed.
    #[arg(long, help_heading = "Report")]
    resume: bool,

    #[command(flatten)]
    format: FormatArgs,
}

/// What is searched for, and how.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Search")]
struct PlanArgs {
    /// Maximum drop in accuracy (or AUC) against exact products, a fraction: 0.005 is half a percentage point
    #[arg(long, value_name = "D", default_value = "0.005", allow_hyphen_values = true, value_parser = parse_drop)]
    max_drop: f64,

    /// One-sided confidence that the drop is within that, by the interval on the search's samples; 0.5 takes measured
    /// drops as they are
    #[arg(long, value_name = "C", default_value = "0.9", allow_hyphen_values = true, value_parser = parse_confidence)]
    confidence: f64,

    /// What is minimized
    #[arg(long, value_name = "COST", default_value = "energy", value_parser = named(&COST_KINDS))]
    objective: CostKind,

    /// How assignments are found, joined by commas: knapsack, matching, nsga2 or all
    ///
    /// knapsack adds up what each multiplier does in each layer alone; matching compares the noise that each layer
    /// tolerates with the errors of the multipliers; nsga2 is a genetic algorithm that starts from what these found.
    #[arg(long, value_name = "METHOD,...", default_value = "all", value_delimiter = ',', action = ArgAction::Set)]
    #[arg(value_parser = parse_methods)]
    method: Vec<Methods>,

    /// Maximum number of different multipliers in an assignment, the exact one included
    #[arg(long, value_name = "K", allow_negative_numbers = true, value_parser = parse_count::<NonZeroUsize>)]
    max_multipliers: Option<NonZeroUsize>,

    /// Number of samples of the search, drawn at random; the others confirm its result; default: half
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = parse_count::<NonZeroUsize>)]
    search_samples: Option<NonZeroUsize>,

    /// Number of the search's samples on which every assignment is compared; the best ones are then evaluated on all of
    /// them; default: 1000 at most
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = parse_count::<NonZeroUsize>)]
    scan_samples: Option<NonZeroUsize>,

    /// Assignments that survive a generation of nsga2
    #[arg(long, value_name = "N", default_value = "20", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u16).range(4..=1000))]
    population: u16,

    /// Generations of nsga2
    #[arg(long, value_name = "N", default_value = "15", allow_negative_numbers = true)]
    generations: u16,

    /// Seed of the samples that are drawn, of nsga2, and of noise
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, value_parser = parse_seed)]
    seed: u64,

    /// Maximum number of assignments that are compared
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = parse_count::<NonZeroUsize>)]
    max_evaluations: Option<NonZeroUsize>,

    /// Time after which no further assignments are compared, in seconds; the result then depends on the machine
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = parse_count::<NonZeroU64>)]
    time_limit: Option<NonZeroU64>,
}

/// One method, or all.
#[derive(Debug, Clone, Copy)]
struct Methods(Option<Method>);

fn parse_methods(text: &str) -> Result<Methods, String> {
    match text {
        "all" => Ok(Methods(None)),
        name => name
            .parse()
            .map(|method| Methods(Some(method)))
            .map_err(|error: crate::registry::UnknownName| error.to_string()),
    }
}

fn parse_confidence(text: &str) -> Result<f64, String> {
    let confidence = text.parse().ok().filter(|confidence: &f64| (0.5..1.0).contains(confidence));
    confidence.ok_or_else(|| "expected a number from 0.5 to below 1".to_owned())
}

/// Samples that assignments are compared on by default.
const SCAN: usize = 1000;

impl PlanArgs {
    fn plan(&self, samples: SearchSamples) -> SearchPlan {
        let asked =
            |method: &Method| self.method.iter().any(|Methods(asked)| asked.is_none_or(|asked| asked == *method));
        SearchPlan {
            objective: self.objective,
            samples,
            max_drop: self.max_drop,
            confidence: self.confidence,
            methods: METHODS.iter().copied().filter(asked).collect(),
            max_multipliers: self.max_multipliers.map(NonZeroUsize::get),
            population: self.population.into(),
            generations: self.generations.into(),
            seed: self.seed,
            max_evaluations: self.max_evaluations.map(NonZeroUsize::get),
            time_limit: self.time_limit.map(|seconds| Duration::from_secs(seconds.get())),
        }
    }

    /// How `all` samples are used.
    fn samples(&self, all: usize) -> anyhow::Result<SearchSamples> {
        let search = self.search_samples.map_or(all / 2, NonZeroUsize::get);
        ensure!(
            (1..all).contains(&search),
            "--search-samples {search}: of {all} samples, expected at least 1 for the search and 1 to confirm its result"
        );
        let scan = self.scan_samples.map_or(SCAN.min(search), NonZeroUsize::get);
        ensure!(scan <= search, "--scan-samples {scan}: expected at most the {search} samples of the search");
        Ok(SearchSamples { scan, search, confirmation: all - search })
    }
}

pub(super) fn run(args: &SearchArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    args.studied.network.on_threads(|| args.run(terminal))
}

impl SearchArgs {
    fn run(&self, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
        self.studied.check_luts()?;
        let (costs, luts) = (self.costs.open()?, self.studied.luts()?);
        let mut session = self.studied.open(&luts, self.plan.seed)?;
        let plan = self.plan.plan(self.plan.samples(session.samples())?);
        let progress = Bar::new(terminal);
        let journal = || Opened::in_folder(&self.output, self.resume);
        let (details, rules) = search(&mut session, &luts, &costs, &plan, journal, &progress)?;
        let mut rules = serde_json::to_string_pretty(&rules).context("assignment.json")?;
        rules.push('\n');
        let front = Front(&details);
        let files = [
            exported(&self.output.join("search.json"), &details)?,
            OutputFile::create(&self.output.join("assignment.json"))
                .and_then(|file| file.with_bytes(rules.as_bytes()))?,
            exported(&self.output.join("front.csv"), &front)?,
        ];
        self.format.print_and_commit(&details, files, terminal)?;
        if !details.is_confirmed() {
            tracing::warn!(
                "the assignment that was chosen is not confirmed: its drop on the samples that the search never saw is \
                 beyond --max-drop"
            );
        }
        Ok(ExitCode::Success)
    }
}

/// A file with a document in the format of its extension.
fn exported(path: &Path, document: &dyn Document) -> anyhow::Result<OutputFile> {
    let format = format_by_extension(path)?;
    Ok(OutputFile::create(path)?.with_bytes(&format.export(document, Style::default()))?)
}

/// The front of a search alone.
struct Front<'a>(&'a SearchDetails);

impl Document for Front<'_> {
    fn json(&self) -> serde_json::Value {
        self.0.json()
    }

    fn sections(&self) -> Vec<crate::report::Section> {
        self.0.sections()
    }

    fn records(&self) -> Records {
        self.0.front_records()
    }
}
