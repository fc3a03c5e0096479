//! A page from finished jobs.

use super::baseline::Baselines;
use super::folder::Study;
use super::heat_map;
use super::mix::{self, Candidate};
use super::read::Finished;
use super::settings::{self, Settings};
use crate::layer::InferenceMode;
use crate::lut::LutInfo;
use crate::report::html::{
    Choice, Jobs, MeasuredDrop, Mix, MixLayer, MixStep, Multiplier, MultiplierErrors, Network, NetworkLayer, Run,
    StudyPage,
};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Drops up to this have their cheapest assignments in the page, or up to twice its bound.
const WIDEST: f64 = 0.1;

/// Differences of metrics that are not counts of samples.
const FINE: f64 = 1e-4;

/// Missing jobs that a page lists.
const LISTED: usize = 50;

pub(super) fn page(study: Study, bound: f64) -> StudyPage {
    let jobs = &study.jobs;
    let bases = bases(jobs);
    let (multipliers, of_jobs) = multipliers(jobs, &bases);
    let (places, choices) = settings::networks(jobs);
    let common = settings::common(choices.iter());
    let baselines = Baselines::new(jobs, &places);
    let networks: Vec<Network> =
        choices.iter().enumerate().map(|(i, own)| network(i, own, &common, &baselines)).collect();
    let run = |(i, job): (usize, &Finished)| Run {
        network: places[i],
        multiplier: of_jobs[i],
        mode: job.mode.to_string(),
        coding: job.coding.map(|coding| coding.to_string()),
        scope: job.scope().to_owned(),
        layer: job.job.layer.clone(),
        value: job.value,
        ci95: job.ci95,
        drop: baselines.drop(job, places[i], networks[places[i]].baseline.as_ref()),
        energy: job.energy.as_ref().map(|(energy, _)| *energy),
        basis: job.energy.as_ref().and_then(|(_, basis)| bases.iter().position(|known| known == basis)),
        loss: job.loss,
        seconds: job.seconds,
    };
    let runs: Vec<Run> = jobs.par_iter().enumerate().map(run).collect();
    let mut page = StudyPage {
        bound,
        jobs: done(&study),
        settings: common.into_iter().collect(),
        bases,
        multipliers,
        networks,
        runs,
        documents: study.documents,
        notes: study.notes,
        ..StudyPage::default()
    };
    add_mixes(&mut page, jobs, &places);
    page
}

/// What is done of the plan.
fn done(study: &Study) -> Jobs {
    let done = study.jobs.len();
    let Some(plan) = &study.plan else { return Jobs { planned: None, done, missing: Vec::new() } };
    let keys: HashSet<&str> = study.jobs.iter().map(|job| job.key.as_str()).collect();
    let missing = plan.plan.iter().filter(|planned| !keys.contains(planned.key.as_str()));
    let missing = missing.map(|planned| planned.job.label()).take(LISTED).collect();
    Jobs { planned: Some(plan.jobs), done, missing }
}

/// The bases of energies, that of the most multipliers first.
fn bases(jobs: &[Finished]) -> Vec<String> {
    let mut multipliers: BTreeMap<&String, HashSet<&str>> = BTreeMap::new();
    for job in jobs {
        let Some(lut) = &job.lut else { continue };
        for basis in job.multiplier_energy.keys() {
            multipliers.entry(basis).or_default().insert(&lut.blake3);
        }
    }
    let mut bases: Vec<(&String, usize)> = multipliers.into_iter().map(|(basis, luts)| (basis, luts.len())).collect();
    bases.sort_by_key(|(_, luts)| Reverse(*luts));
    bases.into_iter().map(|(basis, _)| basis.clone()).collect()
}

/// The multipliers of the study, and which one each job has.
fn multipliers(jobs: &[Finished], bases: &[String]) -> (Vec<Multiplier>, Vec<Option<usize>>) {
    let mut places: HashMap<(String, &str), usize> = HashMap::new();
    let mut found: Vec<(&Finished, BTreeMap<&String, f64>)> = Vec::new();
    let mut of_jobs = Vec::with_capacity(jobs.len());
    for job in jobs {
        let name = job.job.lut.clone().or_else(|| job.lut.as_ref().map(|lut| lut.name.clone()));
        let hash = job.lut.as_ref().map_or("", |lut| lut.blake3.as_str());
        let place = name.map(|name| {
            *places.entry((name, hash)).or_insert_with(|| {
                found.push((job, BTreeMap::new()));
                found.len() - 1
            })
        });
        if let Some(place) = place {
            found[place].1.extend(job.multiplier_energy.iter().map(|(basis, energy)| (basis, *energy)));
        }
        of_jobs.push(place);
    }
    let multiplier = |(job, energies): &(&Finished, BTreeMap<&String, f64>)| {
        let energy = bases.iter().map(|basis| energies.get(basis).copied()).collect();
        Multiplier { energy, ..multiplier(job) }
    };
    let mut multipliers: Vec<Multiplier> = found.par_iter().map(multiplier).collect();
    tell_apart(&mut multipliers, &found.iter().map(|(job, _)| job.lut.as_ref()).collect::<Vec<_>>());
    (multipliers, of_jobs)
}

/// The multiplier of a job.
fn multiplier(job: &Finished) -> Multiplier {
    let name = job.job.lut.clone().unwrap_or_else(|| job.lut.as_ref().map_or_else(String::new, |lut| lut.name.clone()));
    let Some(info) = &job.lut else { return Multiplier { spec: name.clone(), name, ..Multiplier::default() } };
    let spec = info.path.clone().unwrap_or_else(|| info.name.clone());
    let errors = &info.errors;
    let (heat_map, no_heat_map) = match heat_map::of(info, &spec, job.coding) {
        Ok(map) => (Some(map), None),
        Err(why) => (None, Some(why)),
    };
    Multiplier {
        name,
        spec,
        design: info.metadata.design.clone(),
        signed: Some(info.signed),
        errors: Some(MultiplierErrors {
            mae: errors.mae,
            wce: errors.wce,
            mre: errors.mre,
            bias: errors.bias,
            ep: errors.ep,
        }),
        heat_map,
        no_heat_map,
        ..Multiplier::default()
    }
}

/// Gives multipliers of one name and different tables different names.
fn tell_apart(multipliers: &mut [Multiplier], tables: &[Option<&LutInfo>]) {
    let mut count: HashMap<String, usize> = HashMap::new();
    multipliers.iter().for_each(|multiplier| *count.entry(multiplier.name.clone()).or_default() += 1);
    for (multiplier, table) in multipliers.iter_mut().zip(tables) {
        if let Some(table) = table.filter(|_| count[&multiplier.name] > 1) {
            let hash: String = table.blake3.chars().take(8).collect();
            multiplier.name = format!("{} ({hash})", multiplier.name);
        }
    }
}

fn network(place: usize, own: &Settings, common: &Settings, baselines: &Baselines) -> Network {
    let mine = || baselines.of_network(place);
    let Some(first) = mine().next() else { return Network::default() };
    let layers = mine().map(|job| &job.layers).max_by_key(|layers| layers.len());
    let layer = |(name, kind, opcount): &(String, String, u64)| NetworkLayer {
        name: name.clone(),
        kind: kind.clone(),
        opcount: *opcount,
    };
    let options = own.iter().map(|(name, value)| (name.clone(), value.clone()));
    let has_limit = ["limit", "n"].iter().any(|name| own.contains_key(*name));
    let limit = (!has_limit).then(|| ("limit".to_owned(), first.samples.to_string()));
    Network {
        name: first.model[0].clone(),
        model: first.job.model.clone().unwrap_or_else(|| first.model[0].clone()),
        data: first.job.data.clone(),
        dataset: first.dataset[0].clone(),
        samples: first.samples,
        settings: settings::differing(own, common),
        options: options.chain(limit).collect(),
        metric: first.task.metric().into(),
        layers: layers.into_iter().flatten().map(layer).collect(),
        baseline: baselines.of(place),
        fp32: baselines.fp32(place),
        mixes: Vec::new(),
    }
}

/// Finds the multiplier of each layer of every network, by every basis of energies.
fn add_mixes(page: &mut StudyPage, jobs: &[Finished], places: &[usize]) {
    let mixes = |place: usize| -> Vec<Mix> {
        let counts = jobs.iter().zip(places).any(|(job, found)| *found == place && job.counts);
        (0..page.bases.len()).map(|basis| mix_of(page, place, basis, counts)).collect()
    };
    let all: Vec<Vec<Mix>> = (0..page.networks.len()).into_par_iter().map(mixes).collect();
    for (network, mixes) in page.networks.iter_mut().zip(all) {
        network.mixes = mixes;
    }
}

/// The multipliers that single layers of a network were evaluated with, and the cheapest assignments of them.
fn mix_of(page: &StudyPage, place: usize, basis: usize, counts: bool) -> Mix {
    let network = &page.networks[place];
    let approx = InferenceMode::Approximate.to_string();
    let alone = page.runs.iter().filter(|run| run.network == place && run.scope == "each" && run.mode == approx);
    let mut choices: Vec<Choice> = Vec::new();
    let mut layers = vec![MixLayer::default(); network.layers.len()];
    let at: HashMap<&str, usize> =
        network.layers.iter().enumerate().map(|(i, layer)| (layer.name.as_str(), i)).collect();
    for run in alone {
        let layer = run.layer.as_deref().and_then(|layer| at.get(layer));
        let energy = run.multiplier.and_then(|multiplier| page.multipliers[multiplier].energy[basis]);
        let (Some(&layer), Some(multiplier), Some(energy), Some(drop)) = (layer, run.multiplier, energy, run.drop)
        else {
            continue;
        };
        let same = |choice: &Choice| choice.multiplier == multiplier && choice.coding == run.coding;
        let choice = choices.iter().position(same).unwrap_or_else(|| {
            choices.push(Choice { multiplier, coding: run.coding.clone(), energy });
            choices.len() - 1
        });
        let drops = &mut layers[layer].drops;
        drops.resize(drops.len().max(choice + 1), None);
        drops[choice] = Some(drop);
    }
    if choices.is_empty() {
        return Mix::default();
    }
    layers.iter_mut().for_each(|layer| layer.drops.resize(choices.len(), None));
    let unit = if counts { 1.0 / network.samples as f64 } else { FINE };
    let widest = WIDEST.max(2.0 * page.bound).min(1.0);
    let steps = steps(network, &choices, &layers, unit, widest);
    Mix { choices, layers, unit, steps }
}

fn steps(network: &Network, choices: &[Choice], layers: &[MixLayer], unit: f64, widest: f64) -> Vec<MixStep> {
    let all: f64 = network.layers.iter().map(|layer| layer.opcount as f64).sum();
    // Exact products come first; the places of other candidates are looked up in the second list.
    let mut places: Vec<Vec<Option<usize>>> = Vec::with_capacity(layers.len());
    let mut candidates = Vec::with_capacity(layers.len());
    for (layer, NetworkLayer { opcount, .. }) in layers.iter().zip(&network.layers) {
        let energy = |relative: f64| *opcount as f64 * relative / all;
        let known = layer.drops.iter().enumerate().filter_map(|(place, drop)| Some((place, (*drop)?)));
        let known: Vec<(usize, MeasuredDrop)> = known.collect();
        let exact = Candidate { drop: 0, energy: energy(1.0) };
        let candidate = |(place, drop): &(usize, MeasuredDrop)| Candidate {
            drop: units(drop.drop, unit),
            energy: energy(choices[*place].energy),
        };
        candidates.push(std::iter::once(exact).chain(known.iter().map(candidate)).collect());
        places.push(std::iter::once(None).chain(known.iter().map(|(place, _)| Some(*place))).collect());
    }
    let step = |step: mix::Step| MixStep {
        drop: step.drop as f64 * unit,
        energy: step.energy,
        picks: step.picks.iter().zip(&places).map(|(pick, places)| places[*pick]).collect(),
    };
    mix::steps(&candidates, (widest / unit).round() as usize).into_iter().map(step).collect()
}

/// A drop as a whole number of units, rounded up. An improvement is none: it would pay for other layers' drops with
/// what may be chance.
fn units(drop: f64, unit: f64) -> usize {
    (drop / unit - 1e-6).ceil().max(0.0) as usize
}
