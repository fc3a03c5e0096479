//! A search over a network: its choices are assignments, evaluated once each and kept in a journal.

use super::points::front;
use super::{EXACT, Evaluator, Found, Method, Part, Point, SearchPlan, Space, Stop, run};
use crate::data::Parts;
use crate::eval::{Assignment, LutSpec, Progress, Rules, Session};
use crate::lut::{CommonCosts, Costs};
use crate::registry::Named;
use crate::report::{
    DatasetReport, Degradation, Report, SCHEMA, SearchDetails, SearchLayer, SearchMultiplier, SearchPoint,
    SearchSamples, SearchSettings, ToolReport,
};
use crate::study::journal::{Journal, JournalError, Keyed, Start};
use crate::study::layerwise::{Layerwise, LayerwiseError};
use crate::study::tolerance::{Tolerance, ToleranceSettings};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::ops::Range;
use std::path::Path;

/// A finished evaluation of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Hash of all that decides the result.
    pub key: String,
    /// The first sample, and the one after the last, in the order of the search.
    pub samples: Range<usize>,
    /// The multiplier of each layer that is not exact, or its noise.
    pub layers: BTreeMap<String, String>,
    /// What that does to the network.
    pub found: Degradation,
}

impl Keyed for Record {
    fn key(&self) -> &str {
        &self.key
    }
}

/// Searches for the assignment of the multipliers `luts` to the layers of `session` that `plan` asks for: the cheapest by
/// `costs`. The session's samples are read in the parts that the plan says; what is done is kept in `journal`, which is
/// opened once everything else is checked. Returns the findings, and the chosen assignment as rules of a file.
///
/// # Errors
/// When multipliers cannot be compared or do not suit, there are too few of them or too few samples, or an evaluation
/// fails.
pub fn search(
    session: &mut Session,
    luts: &[LutSpec],
    costs: &Costs,
    plan: &SearchPlan,
    journal: impl FnOnce() -> Result<Opened, LayerwiseError>,
    progress: &dyn Progress,
) -> Result<(SearchDetails, Rules), LayerwiseError> {
    let (objective, samples) = (plan.objective, plan.samples);
    let ends = [samples.scan, samples.search];
    session.read_in_parts(Parts { ends, seed: plan.seed });
    let mut layerwise = Layerwise::new(session, luts, progress)?;
    let mut notes = layerwise.drop_repeated(costs, objective);
    if layerwise.candidates.len() < 2 {
        let only = layerwise.candidates.first().map_or_else(|| luts[0].lut.clone(), |only| only.spec.lut.clone());
        return Err(LayerwiseError::OneMultiplier(only));
    }
    let places: Vec<usize> = (0..layerwise.candidates.len()).collect();
    let prices = layerwise.costs(costs, objective, &places)?;
    let space = space(&layerwise, &prices, plan.max_multipliers);
    // Only now, after all that can be wrong.
    let mut journal = journal()?;
    let report = layerwise.report(&(0..samples.scan))?.clone();
    let mut network = Network {
        fingerprint: fingerprint(&report, &layerwise, plan),
        layerwise,
        plan,
        journal: &mut journal,
        left: 0,
        running: false,
    };
    let found = run(&space, plan, &mut network)?;
    network.finish();
    let layerwise = network.layerwise;
    notes.splice(0..0, report.notes.iter().cloned());
    if plan.methods.contains(&Method::Matching) && found.tolerances.is_none() && found.stopped.is_none() {
        notes.push("there is no calibration set to predict errors on: matching was left out".to_owned());
    }
    if found.chosen.iter().all(|&option| option == EXACT) {
        notes.push(format!(
            "no multiplier is within the bound at a confidence of {} on {} samples of the search: more samples, a lower \
             confidence or a larger bound help",
            plan.confidence, samples.search
        ));
    }
    let details = details(&layerwise, report, &space, &prices, plan, &found, notes);
    Ok((details, layerwise.rules(&found.chosen)?))
}

/// The layers, their options and what these cost.
fn space(layerwise: &Layerwise, prices: &CommonCosts, most: Option<usize>) -> Space {
    let opcounts = layerwise.layers.iter().map(|layer| layer.opcount as f64).collect();
    let (candidates, kept_prices) = prices.multipliers.split_at(layerwise.candidates.len());
    let options = std::iter::once(prices.exact).chain(candidates.iter().copied());
    let kept = layerwise.kept_opcounts();
    let price = |place: &Option<usize>| place.map_or(prices.exact, |place| kept_prices[place]);
    let fixed = kept.iter().map(|(place, opcount)| *opcount as f64 * price(place)).sum();
    let exact = kept.iter().map(|(_, opcount)| *opcount as f64 * prices.exact).sum();
    Space::new(opcounts, options.collect(), fixed, exact, most)
}

/// A journal and what it had.
#[derive(Debug)]
pub struct Opened {
    journal: Journal<Record>,
    known: HashMap<String, Degradation>,
}

impl Opened {
    /// The journal of the search in `folder`, which is made where it is not there; one that is there is gone on with if
    /// that is asked for.
    ///
    /// # Errors
    /// When there is one already and it is not to be resumed, or it cannot be used.
    pub fn in_folder(folder: &Path, resume: bool) -> Result<Self, LayerwiseError> {
        let path = folder.join("evaluations.jsonl");
        fs::create_dir_all(folder).map_err(|source| JournalError::Write { path: path.clone(), source })?;
        let mut records = Vec::new();
        let start = if resume { Start::Resume } else { Start::New };
        let journal = Journal::open_with(&path, start, |record| records.push(record))?;
        Ok(Opened::new(journal, records))
    }

    /// `journal` with the records that it had.
    pub fn new(journal: Journal<Record>, records: impl IntoIterator<Item = Record>) -> Self {
        Opened { journal, known: records.into_iter().map(|record| (record.key, record.found)).collect() }
    }
}

/// What all evaluations of a search share, as text.
fn fingerprint(report: &Report, layerwise: &Layerwise, plan: &SearchPlan) -> String {
    let experiment = layerwise.session().experiment();
    let layers: Vec<serde_json::Value> = report
        .layers
        .iter()
        .map(|layer| {
            let mut layer = serde_json::to_value(layer).expect("a layer is JSON");
            // How the sums are found makes no difference to them.
            layer.as_object_mut().map(|layer| layer.remove("sums"));
            layer
        })
        .collect();
    let shared = serde_json::json!({
        "tool": report.tool,
        "model": report.model.blake3,
        "weights": report.model.weights,
        "dataset": report.dataset.blake3,
        "preprocess": [report.config.mean, report.config.std],
        "resize": [report.config.resize, report.config.crop],
        "limit": experiment.limit,
        "shuffle": experiment.shuffle,
        "parts": [plan.samples.scan, plan.samples.search],
        "seeds": [plan.seed, experiment.seed],
        "requantize": report.config.quantization.as_ref().and_then(|quantization| quantization.requantize),
        "layers": layers,
    });
    shared.to_string()
}

/// A network that a search asks.
struct Network<'a> {
    layerwise: Layerwise<'a>,
    plan: &'a SearchPlan,
    journal: &'a mut Opened,
    fingerprint: String,
    /// Samples that the loop under way has not come to.
    left: usize,
    running: bool,
}

impl Network<'_> {
    fn range(&self, part: Part) -> Range<usize> {
        let SearchSamples { scan, search, confirmation } = self.plan.samples;
        match part {
            Part::Scan => 0..scan,
            Part::Search => 0..search,
            Part::Confirmation => search..search + confirmation,
        }
    }

    /// What `assignment` does, from the journal or by an evaluation; `layers` says what it is in words.
    fn evaluate(
        &mut self,
        assignment: &Assignment,
        range: Range<usize>,
        layers: BTreeMap<String, String>,
    ) -> Result<Degradation, LayerwiseError> {
        let key = self.key(&range, &layers);
        let known = self.journal.known.get(&key).cloned();
        let found = match known {
            Some(found) => found,
            None => self.evaluate_anew(assignment, range.clone(), key, layers)?,
        };
        // No more than the loop was said to have.
        let done = range.len().min(self.left);
        self.left -= done;
        self.layerwise.advance(done);
        Ok(found)
    }

    /// What `assignment` does, which the journal does not have under this key.
    fn evaluate_anew(
        &mut self,
        assignment: &Assignment,
        samples: Range<usize>,
        key: String,
        layers: BTreeMap<String, String>,
    ) -> Result<Degradation, LayerwiseError> {
        let found = self.layerwise.measure(assignment, samples.clone())?;
        let record = Record { schema: SCHEMA, key, samples, layers, found };
        self.journal.journal.append(&record)?;
        self.journal.known.insert(record.key, record.found.clone());
        Ok(record.found)
    }

    fn key(&self, range: &Range<usize>, layers: &BTreeMap<String, String>) -> String {
        let hashes: BTreeMap<&str, String> = self
            .layerwise
            .candidates
            .iter()
            .map(|candidate| (candidate.lut.name(), candidate.lut.table_hash().to_hex().to_string()))
            .collect();
        let tables: BTreeMap<&str, &str> = layers
            .iter()
            .map(|(layer, what)| (layer.as_str(), hashes.get(what.as_str()).map_or(what.as_str(), String::as_str)))
            .collect();
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.fingerprint.as_bytes());
        hasher.update(format!("\n{range:?}\n{tables:?}").as_bytes());
        hasher.finalize().to_hex()[..32].to_owned()
    }

    fn finish(&mut self) {
        if std::mem::take(&mut self.running) {
            self.layerwise.finish();
        }
    }
}

impl Evaluator for Network<'_> {
    type Error = LayerwiseError;

    fn measure(&mut self, choice: &[usize], part: Part) -> Result<Degradation, LayerwiseError> {
        let assignment = self.layerwise.assignment(choice);
        let layers = self.layerwise.layers.iter().zip(choice);
        let approximate = layers.filter_map(|(layer, option)| {
            Some((layer.name.clone(), self.layerwise.candidates[option.checked_sub(1)?].lut.name().to_owned()))
        });
        let approximate = approximate.collect();
        self.evaluate(&assignment, self.range(part), approximate)
    }

    fn share_before(&mut self, layer: Option<usize>) {
        self.layerwise.share_before(layer);
    }

    fn tolerances(&mut self) -> Result<Vec<f64>, LayerwiseError> {
        let settings = ToleranceSettings { max_drop: self.plan.max_drop, ..ToleranceSettings::default() };
        let range = self.range(Part::Scan);
        let layers = self.layerwise.layers.len();
        self.begin("noise tolerances", layers * settings.most_steps(), Part::Scan);
        let batch_size = self.layerwise.session().batch_size();
        let mut tolerances = Vec::new();
        for layer in 0..layers {
            self.layerwise.share_before(Some(layer));
            let name = self.layerwise.layers[layer].name.clone();
            let tolerance = Tolerance::find(settings, |stdev| {
                let assignment = self.layerwise.with_noise(layer, stdev);
                let what = format!("noise {stdev:e}, batches of {batch_size}");
                self.evaluate(&assignment, range.clone(), BTreeMap::from([(name.clone(), what)]))
            })?;
            tolerances.push(tolerance.stdev(settings));
        }
        self.layerwise.share_before(None);
        Ok(tolerances)
    }

    fn deviations(&mut self) -> Result<Option<Vec<Vec<f64>>>, LayerwiseError> {
        self.layerwise.deviations()
    }

    fn begin(&mut self, what: &'static str, evaluations: usize, part: Part) {
        self.finish();
        let samples = self.range(part).len();
        self.left = evaluations * samples;
        self.layerwise.start(what, evaluations, samples);
        self.running = true;
    }
}

/// The document of what was found.
fn details(
    layerwise: &Layerwise,
    report: Report,
    space: &Space,
    prices: &CommonCosts,
    plan: &SearchPlan,
    found: &Found,
    notes: Vec<String>,
) -> SearchDetails {
    let names: Vec<&str> =
        std::iter::once("exact").chain(layerwise.candidates.iter().map(|candidate| candidate.lut.name())).collect();
    let point = |role: &str, point: &Point| SearchPoint {
        role: role.to_owned(),
        origins: point.origins.iter().map(|origin| origin.name().to_owned()).collect(),
        assignment: point.choice.iter().map(|&option| names[option].to_owned()).collect(),
        multipliers: Space::used(&point.choice).len(),
        relative_cost: point.cost,
        scan: point.scan().clone(),
        search: point.found.get(&Part::Search).cloned(),
        confirmation: point.found.get(&Part::Confirmation).cloned(),
    };
    let of = |role: &str, choice: &[usize]| point(role, &found.points[choice]);
    let all: u64 = report.layers.iter().map(|layer| layer.opcount).sum();
    let layers = layerwise.layers.iter().enumerate().map(|(i, layer)| SearchLayer {
        name: layer.name.clone(),
        kind: layer.kind.clone(),
        opcount: layer.opcount,
        opcount_share: layer.opcount as f64 / all as f64,
        tolerance: found.tolerances.as_ref().map(|tolerances| tolerances[i]),
    });
    let exact = SearchMultiplier { name: "exact".to_owned(), lut: None, blake3: None, relative_cost: 1.0 };
    let others = layerwise.candidates.iter().zip(&prices.multipliers).map(|(candidate, price)| SearchMultiplier {
        name: candidate.lut.name().to_owned(),
        lut: Some(candidate.spec.lut.clone()),
        blake3: Some(candidate.lut.table_hash().to_hex().to_string()),
        relative_cost: price / prices.exact,
    });
    let on_front = front(found.points.values().filter(|point| space.allows(&point.choice)), |point| {
        Some(point.found.get(&Part::Search)?.metric.value)
    });
    SearchDetails {
        schema: SCHEMA,
        kind: SearchDetails::KIND.to_owned(),
        tool: ToolReport::default(),
        model: report.model,
        dataset: DatasetReport { samples: plan.samples.search + plan.samples.confirmation, ..report.dataset },
        config: report.config,
        settings: SearchSettings {
            objective: plan.objective,
            cost_source: prices.source,
            cost_basis: prices.basis.clone(),
            max_drop: plan.max_drop,
            confidence: plan.confidence,
            max_multipliers: plan.max_multipliers,
            methods: plan.methods.iter().map(|method| method.name().to_owned()).collect(),
            population: plan.population,
            generations: plan.generations,
            seed: plan.seed,
        },
        samples: plan.samples,
        multipliers: std::iter::once(exact).chain(others).collect(),
        layers: layers.collect(),
        chosen: of("chosen", &found.chosen),
        uniform: of("uniform", &found.uniform),
        greedy: of("greedy", &found.greedy),
        methods: found.methods.iter().map(|(method, choice)| of(method.name(), choice)).collect(),
        front: on_front.into_iter().map(|on_front| point("front", on_front)).collect(),
        evaluations: found.points.len(),
        stopped: found.stopped.map(|stop| stop_name(stop).to_owned()),
        notes,
    }
}

fn stop_name(stop: Stop) -> &'static str {
    match stop {
        Stop::Evaluations => "evaluations",
        Stop::Time => "time",
    }
}
