//! The points of a grid: the command line of one evaluation each.

use super::bar::StudyBar;
use super::grid::{ASKED, Commas, Given, GridArgs, OPENING};
use super::lists::split_unless_file;
use crate::cli::evaluate::EvaluateArgs;
use crate::eval::{NoiseLutSpec, Session};
use crate::input;
use crate::lut::{self, Costs};
use crate::model::SHIPPED;
use crate::report::SweepJob;
use crate::study::sweep::{Group, Point};
use anyhow::{Context, bail};
use clap::Command;
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::path::Path;

/// Options that decide how fast jobs are done, or what they are said to cost, and not what comes of them.
const WITHOUT_EFFECT: &[&str] = &["threads", "kernel", "costs"];

/// Bytes of the largest file of costs that is read.
const LARGEST: u64 = 64 << 20;

/// The points of a grid, group by group: those of a group are evaluated on one session.
pub(super) struct Grid(Vec<Vec<GridPoint>>);

/// A point, as an evaluation's options.
struct GridPoint {
    args: EvaluateArgs,
    point: Point,
}

/// An axis: an option and its values. One that was not given has none.
struct Axis {
    id: &'static str,
    name: String,
    values: Vec<Value>,
}

/// A value of an axis.
#[derive(Debug, Clone, PartialEq)]
struct Value {
    /// As an evaluation takes it.
    text: OsString,
    /// As tables show it.
    label: String,
}

impl GridArgs {
    /// The points, each read and checked as the options of an evaluation.
    pub fn points(&self) -> anyhow::Result<Grid> {
        let opening = self.axes(OPENING)?;
        let asked = self.axes(ASKED)?;
        let is_axis = |given: &&Given| OPENING.iter().chain(ASKED).any(|(id, _)| *id == given.id);
        let shared: Vec<&Given> = self.given.iter().filter(|given| !is_axis(given)).collect();
        let inputs = self.inputs()?;
        let mut command = EvaluateArgs::command();
        let mut groups = Vec::new();
        for opened in product(&opening) {
            let mut points = Vec::new();
            for asked in product(&asked) {
                let values: Vec<(&Axis, &Value)> = opened.iter().chain(&asked).copied().collect();
                let args = self.parse(&mut command, &shared, &values)?;
                let configuration = args.configuration()?;
                let point = Point { job: job(&shared, &values), configuration, inputs: inputs.clone() };
                points.push(GridPoint { args, point });
            }
            groups.push(points);
        }
        Ok(Grid(groups))
    }

    /// Those of these axes that were given.
    fn axes(&self, axes: &[(&'static str, Commas)]) -> anyhow::Result<Vec<Axis>> {
        let axis = |&(id, commas): &(&'static str, Commas)| {
            let given = self.given.iter().find(|given| given.id == id)?;
            Some(values(given, commas).map(|values| Axis { id, name: given.name.clone(), values }))
        };
        axes.iter().filter_map(axis).collect()
    }

    /// The options of the evaluation with these values.
    fn parse(
        &self,
        command: &mut Command,
        shared: &[&Given],
        values: &[(&Axis, &Value)],
    ) -> anyhow::Result<EvaluateArgs> {
        let mut arguments = vec![OsString::from(command.get_name())];
        for given in shared {
            if given.values.is_empty() {
                arguments.push(format!("--{}", given.name).into());
            }
            arguments.extend(joined(given).iter().map(|value| argument(&given.name, value)));
        }
        arguments.extend(values.iter().map(|(axis, value)| argument(&axis.name, &value.text)));
        let mut args = EvaluateArgs::parse(command, arguments)?;
        args.rebase_rules(&self.rule_folders);
        Ok(args)
    }

    /// Hashes of the files that decide a report beside those that a session knows.
    fn inputs(&self) -> anyhow::Result<Vec<String>> {
        let costs = self.given.iter().find(|given| given.id == "costs");
        let paths = costs.iter().filter_map(|given| given.values.last());
        let hash = |path: &OsString| {
            let bytes = input::read(Path::new(path), LARGEST);
            let bytes = bytes.with_context(|| Path::new(path).display().to_string()).context("--costs")?;
            Ok(blake3::hash(&bytes).to_hex().to_string())
        };
        paths.map(hash).collect()
    }
}

/// The values of an option as arguments have them: clap has parted those that commas join.
fn joined(given: &Given) -> Vec<OsString> {
    let is_list = ["mean", "std"].contains(&given.id.as_str());
    if is_list { vec![given.values.join(OsString::from(",").as_os_str())] } else { given.values.clone() }
}

fn argument(name: &str, value: &OsString) -> OsString {
    let mut argument = OsString::from(format!("--{name}="));
    argument.push(value);
    argument
}

/// The values of an axis, each once.
fn values(given: &Given, commas: Commas) -> anyhow::Result<Vec<Value>> {
    let mut values: Vec<Value> = Vec::new();
    for value in &given.values {
        let Some(text) = value.to_str().filter(|_| commas == Commas::UnlessFile) else {
            values.push(Value { text: value.clone(), label: value.to_string_lossy().into_owned() });
            continue;
        };
        for text in split_unless_file(text) {
            let texts = if given.id == "model" { vec![text.to_owned()] } else { multipliers(&given.name, text)? };
            values.extend(texts.into_iter().map(|text| Value { label: text.clone(), text: text.into() }));
        }
    }
    let mut known = HashSet::new();
    values.retain(|value| known.insert(value.text.clone()));
    if given.id != "model" && commas == Commas::UnlessFile {
        name_files(&mut values);
    }
    Ok(values)
}

/// The multipliers that a text selects.
fn multipliers(option: &str, text: &str) -> anyhow::Result<Vec<String>> {
    if text == "-" {
        bail!("--{option} -: standard input is read once, and a sweep opens its multipliers again: give a file");
    }
    // Noise is of a multiplier by a method, or by a method of the layer's own.
    let (method, lut) = NoiseLutSpec::split_method(text);
    if lut.is_empty() && !method.is_empty() {
        return Ok(vec![method.to_owned()]);
    }
    let selected = lut::select(lut).map_err(anyhow::Error::from);
    let selected = selected.with_context(|| format!("--{option}"))?;
    Ok(selected.into_iter().map(|lut| format!("{method}{lut}")).collect())
}

/// Calls files as their tables are called, where that tells them apart.
fn name_files(values: &mut [Value]) {
    let name = |value: &Value| {
        let path = Path::new(&value.text);
        if path.is_file() { lut::name_of(path) } else { value.label.clone() }
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let names: Vec<String> = values.iter().map(name).collect();
    names.iter().for_each(|name| *counts.entry(name.clone()).or_default() += 1);
    for (value, name) in values.iter_mut().zip(names) {
        if counts[&name] == 1 {
            value.label = name;
        }
    }
}

/// All combinations of the axes' values, the last axis varying fastest.
fn product(axes: &[Axis]) -> Vec<Vec<(&Axis, &Value)>> {
    axes.iter().fold(vec![Vec::new()], |combinations, axis| {
        let extended = |combination: Vec<_>| {
            axis.values.iter().map(move |value| {
                let mut combination = combination.clone();
                combination.push((axis, value));
                combination
            })
        };
        combinations.into_iter().flat_map(extended).collect()
    })
}

/// What the jobs of a point are called.
fn job(shared: &[&Given], values: &[(&Axis, &Value)]) -> SweepJob {
    let of_axis = |id: &str| values.iter().find(|(axis, _)| axis.id == id).map(|(_, value)| value.label.clone());
    let of_shared = |id: &str| shared.iter().find(|given| given.id == id).map(|given| label(given));
    let default = || SHIPPED.names().next().unwrap_or_default().to_owned();
    let mut job = SweepJob {
        model: of_axis("model").or(of_axis("weights")).or(of_shared("arch")).unwrap_or_else(default),
        data: of_axis("data"),
        lut: of_axis("lut"),
        ..SweepJob::default()
    };
    let kept = shared.iter().filter(|given| !WITHOUT_EFFECT.contains(&given.id.as_str()));
    job.settings.extend(kept.map(|given| (given.name.clone(), label(given))));
    let others = values.iter().filter(|(axis, _)| !["model", "data", "lut"].contains(&axis.id));
    job.settings.extend(others.map(|(axis, value)| (axis.name.clone(), value.label.clone())));
    job
}

/// An option's value in a line.
fn label(given: &Given) -> String {
    match joined(given).as_slice() {
        [] => "true".to_owned(),
        values => values.iter().map(|value| value.to_string_lossy()).collect::<Vec<_>>().join("; "),
    }
}

impl Grid {
    /// The first point's options, for those that all share.
    fn first(&self) -> &EvaluateArgs {
        &self.0[0][0].args
    }

    /// Does `work` on as many threads as asked for.
    pub fn on_threads<T: Send>(&self, work: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
        self.first().on_threads(work)
    }

    /// What multipliers cost.
    pub fn costs(&self) -> anyhow::Result<Costs> {
        self.first().costs()
    }

    /// The groups, whose sessions `bar` follows.
    pub fn groups<'a>(&'a self, bar: &StudyBar) -> Vec<Group<'a, anyhow::Error>> {
        let group = |points: &'a Vec<GridPoint>| {
            let (first, bar) = (&points[0], bar.clone());
            let open = move || {
                let session = first.args.experiment().and_then(|experiment| Ok(Session::open(experiment)?));
                Ok(session.with_context(|| first.point.job.label())?.with_progress(bar.clone()))
            };
            Group { open: Box::new(open), points: points.iter().map(|point| point.point.clone()).collect() }
        };
        self.0.iter().map(group).collect()
    }
}
