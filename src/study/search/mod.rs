//! Which multiplier for which layer: the least energy within a bound on the drop in accuracy.
//!
//! The search knows layers, options and costs as numbers ([`Space`]) and asks an [`Evaluator`] what a choice does to
//! the network. Whatever a [method](Method) proposes is evaluated for real: on some samples first, where all choices
//! are compared; the best ones then on more, where one is chosen; and that one, with the best uniform multiplier and a
//! plain greedy choice beside it, on samples that the search never saw.

mod greedy;
pub mod knapsack;
mod matching;
mod network;
mod nsga2;
mod plan;
mod points;
mod space;
#[cfg(test)]
mod tests;

pub use network::{Opened, Record, search};
pub use plan::{METHODS, Method, Part, SearchPlan};
pub use points::{Origin, Point};
pub use space::{Choice, EXACT, Space};

use super::bisection::last_good;
use crate::report::Degradation;
use knapsack::{fewer_options, staircase, steps_of};
use nsga2::{Fitness, Settings, evolve};
use plan::quantile;
use points::{front, spread};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// What a search asks of a network.
pub trait Evaluator {
    /// Why it has no answer.
    type Error;

    /// What a choice does to the network on a part of the samples.
    ///
    /// # Errors
    /// When the evaluation fails.
    fn measure(&mut self, choice: &[usize], part: Part) -> Result<Degradation, Self::Error>;

    /// Tells that the choices that follow have in common what comes before this layer.
    fn share_before(&mut self, layer: Option<usize>);

    /// The largest relative deviation of noise that each layer stands alone.
    ///
    /// # Errors
    /// When an evaluation fails.
    fn tolerances(&mut self) -> Result<Vec<f64>, Self::Error>;

    /// How far each option's error goes in each layer, relative to the layer's output; `None` where that is not known.
    ///
    /// # Errors
    /// When it cannot be found.
    fn deviations(&mut self) -> Result<Option<Vec<Vec<f64>>>, Self::Error>;

    /// A loop of so many evaluations begins.
    fn begin(&mut self, what: &'static str, evaluations: usize, part: Part);
}

/// What ended a search early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// As many assignments were compared as allowed.
    Evaluations,
    /// The time was over.
    Time,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Every assignment that was looked at, in order of their choices.
    pub points: BTreeMap<Choice, Point>,
    /// The cheapest one within the bound.
    pub chosen: Choice,
    /// The cheapest one of one multiplier.
    pub uniform: Choice,
    /// What the greedy baseline came to.
    pub greedy: Choice,
    /// The best that each method found, within the bound on all samples of the search.
    pub methods: Vec<(Method, Choice)>,
    /// The harm of each option in each layer alone; infinite where it was not measured.
    pub harms: Vec<Vec<f64>>,
    /// The noise that each layer stands alone, where it was looked for.
    pub tolerances: Option<Vec<f64>>,
    /// What ended it early.
    pub stopped: Option<Stop>,
}

/// Steps that budgets of harm are divided into.
const STEPS: usize = 4096;
/// Choices beyond the first bad one that are tried, since accuracy does not fall at every step.
const PROBES: usize = 4;
/// Choices of a row that are tried on all samples of the search before exact products are taken.
const FINALISTS: usize = 40;
/// Choices that are evaluated on all samples of the search for the front.
const FRONT: usize = 16;
/// The drop, in bounds, up to which the front is of interest.
const SHOWN: f64 = 4.0;

/// Searches for the cheapest choice within the bound.
///
/// # Errors
/// As the evaluator.
pub fn run<V: Evaluator>(space: &Space, plan: &SearchPlan, evaluator: &mut V) -> Result<Found, V::Error> {
    let mut run = Run {
        space,
        plan,
        z: quantile(plan.confidence),
        evaluator,
        points: BTreeMap::new(),
        started: Instant::now(),
        stopped: None,
    };
    run.scan(&space.uniform(EXACT), Origin::Uniform)?;
    let uniform = run.uniform()?;
    let harms = run.alone()?;
    let greedy = run.greedy(&harms)?;
    let mut seeds: Vec<Choice> = Vec::new();
    let mut tolerances = None;
    for method in METHODS.iter().filter(|method| plan.methods.contains(method)) {
        if run.stopped.is_some() {
            break;
        }
        match method {
            Method::Knapsack => {
                // Harms that are independent of each other add up; of biases, which go the same way, their roots do.
                seeds.extend(run.knapsack(&harms)?);
                let roots = harms.iter().map(|harms| harms.iter().map(|harm| harm.sqrt()).collect());
                seeds.extend(run.knapsack(&roots.collect::<Vec<Vec<f64>>>())?);
            }
            Method::Matching => {
                if let Some((near, found)) = run.matching(&harms)? {
                    seeds.extend(near);
                    tolerances = Some(found);
                }
            }
            Method::Nsga2 => {
                // What is best so far goes first.
                let ladder = run.ladder(|_| true);
                let best = spread(&ladder, plan.population / 3);
                let start: Vec<Choice> = best.into_iter().chain(seeds.drain(..)).collect();
                run.nsga2(&harms, &start)?;
            }
        }
    }
    let mut found = run.finalists(uniform, &greedy)?;
    (found.harms, found.tolerances) = (harms, tolerances);
    Ok(found)
}

/// The choices about the best one that matching found, and the noise that each layer stands.
type Matched = (Vec<Choice>, Vec<f64>);

/// A search under way.
struct Run<'a, V> {
    space: &'a Space,
    plan: &'a SearchPlan,
    /// Standard errors of the confidence asked for.
    z: f64,
    evaluator: &'a mut V,
    points: BTreeMap<Choice, Point>,
    started: Instant,
    stopped: Option<Stop>,
}

/// What a choice does to the network, as one number to be added up: never negative, and 0 where nothing changes.
fn harm(found: &Degradation) -> f64 {
    found.divergence.unwrap_or(found.drop.max(0.0))
}

impl<V: Evaluator> Run<'_, V> {
    /// What a choice does on the samples that all are compared on; `None` where the search is to end, but for exact
    /// products.
    fn scan(&mut self, choice: &Choice, origin: Origin) -> Result<Option<&Degradation>, V::Error> {
        if !self.points.contains_key(choice) {
            let plan = self.plan;
            let is_exact = choice.iter().all(|&option| option == EXACT);
            self.stopped = if plan.max_evaluations.is_some_and(|most| self.points.len() >= most) {
                Some(Stop::Evaluations)
            } else if plan.time_limit.is_some_and(|limit| self.started.elapsed() >= limit) {
                Some(Stop::Time)
            } else {
                self.stopped
            };
            if self.stopped.is_some() && !is_exact {
                return Ok(None);
            }
            let found = self.evaluator.measure(choice, Part::Scan)?;
            let (cost, found) = (self.space.cost(choice), BTreeMap::from([(Part::Scan, found)]));
            let point = Point { choice: choice.clone(), cost, origins: BTreeSet::new(), found };
            self.points.insert(choice.clone(), point);
        }
        let point = self.points.get_mut(choice).expect("it is there now");
        point.origins.insert(origin);
        Ok(Some(point.scan()))
    }

    /// What a choice that was looked at does on another part of the samples.
    fn measure(&mut self, choice: &Choice, part: Part) -> Result<&Degradation, V::Error> {
        let point = self.points.get_mut(choice).expect("only what was scanned is looked at again");
        match point.found.entry(part) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(self.evaluator.measure(choice, part)?)),
        }
    }

    /// Whether the drop is within the bound: on the samples that all choices are compared on as it was measured, on
    /// others at the confidence asked for.
    fn is_within(&self, found: &Degradation, part: Part) -> bool {
        let z = if part == Part::Scan { 0.0 } else { self.z };
        found.largest_drop(z) <= self.plan.max_drop
    }

    /// Whether a choice stands the scan; `None` where the search is to end.
    fn stands(&mut self, choice: &Choice, origin: Origin) -> Result<Option<bool>, V::Error> {
        let found = self.scan(choice, origin)?.cloned();
        Ok(found.map(|found| self.is_within(&found, Part::Scan)))
    }

    /// Whether a choice that was looked at stands all samples of the search.
    fn stands_search(&mut self, choice: &Choice) -> Result<Option<bool>, V::Error> {
        let found = self.measure(choice, Part::Search)?.clone();
        Ok(Some(self.is_within(&found, Part::Search)))
    }

    /// The choices that do least harm for their cost, of those that are `wanted`, the dearest first: by harm, since of
    /// many choices the one with the least drop has been lucky.
    fn ladder(&self, wanted: impl Fn(&Point) -> bool) -> Vec<Choice> {
        let cap = self.plan.max_drop * SHOWN;
        let ladder = front(self.points.values(), |point| {
            let found = point.scan();
            let is_open = found.drop <= cap && self.space.allows(&point.choice) && wanted(point);
            is_open.then(|| -harm(found))
        });
        ladder.into_iter().rev().map(|point| point.choice.clone()).collect()
    }

    /// Looks at each option for all layers.
    fn uniform(&mut self) -> Result<Vec<Choice>, V::Error> {
        let choices: Vec<Choice> = (0..self.space.options()).map(|option| self.space.uniform(option)).collect();
        self.evaluator.share_before(None);
        self.evaluator.begin("one multiplier for all layers", choices.len(), Part::Scan);
        for choice in &choices {
            self.scan(choice, Origin::Uniform)?;
        }
        Ok(choices)
    }

    /// Looks at each option in each layer alone, and returns their harms.
    fn alone(&mut self) -> Result<Vec<Vec<f64>>, V::Error> {
        let (layers, options) = (self.space.layers(), self.space.options());
        let mut harms = vec![vec![f64::INFINITY; options]; layers];
        self.evaluator.begin("one layer at a time", layers * (options - 1), Part::Scan);
        for (layer, harms) in harms.iter_mut().enumerate() {
            self.evaluator.share_before(Some(layer));
            harms[EXACT] = 0.0;
            for (option, slot) in harms.iter_mut().enumerate().skip(1) {
                let mut choice = self.space.uniform(EXACT);
                choice[layer] = option;
                if let Some(found) = self.scan(&choice, Origin::Alone)? {
                    *slot = harm(found);
                }
            }
        }
        self.evaluator.share_before(None);
        Ok(harms)
    }

    /// The path of the greedy baseline.
    fn greedy(&mut self, harms: &[Vec<f64>]) -> Result<Vec<Choice>, V::Error> {
        let space = self.space;
        self.evaluator.begin("greedy", space.layers() * (space.options() - 1), Part::Scan);
        greedy::greedy(space, harms, |choice| self.stands(choice, Origin::Greedy))
    }

    /// Climbs a ladder of ever cheaper choices as far as the network stands them, and returns what is near the end.
    fn climb(&mut self, ladder: &[Choice], origin: Origin) -> Result<Vec<Choice>, V::Error> {
        let steps = ladder.len().max(1).ilog2() as usize + 1 + PROBES;
        self.evaluator.begin(origin.name(), steps, Part::Scan);
        let last = end_of(ladder, |choice| self.stands(choice, origin))?.unwrap_or(0);
        let near = last.saturating_sub(PROBES)..(last + PROBES).min(ladder.len());
        Ok(ladder[near].to_vec())
    }

    /// Adds up harms, and returns the choices about the best one.
    fn knapsack(&mut self, harms: &[Vec<f64>]) -> Result<Vec<Choice>, V::Error> {
        // What breaks the bound alone does so beside others.
        let is_open = |layer: usize, option: usize| {
            let mut choice = self.space.uniform(EXACT);
            choice[layer] = option;
            self.points.get(&choice).is_some_and(|point| point.scan().drop <= self.plan.max_drop)
        };
        let open: Vec<Vec<f64>> = harms
            .iter()
            .enumerate()
            .map(|(layer, harms)| {
                let of = |(option, &harm): (usize, &f64)| {
                    if option == EXACT || is_open(layer, option) { harm } else { f64::INFINITY }
                };
                harms.iter().enumerate().map(of).collect()
            })
            .collect();
        let largest = |harms: &Vec<f64>| harms.iter().copied().filter(|harm| harm.is_finite()).fold(0.0, f64::max);
        let budget: f64 = open.iter().map(largest).sum();
        let taken: Vec<Vec<Option<usize>>> =
            open.iter().map(|harms| harms.iter().map(|&harm| steps_of(harm, budget, STEPS)).collect()).collect();
        let mut allowed: Vec<usize> = (0..self.space.options()).collect();
        let choices = |stairs: &[knapsack::Step]| stairs.iter().map(|step| step.choice.clone()).collect::<Vec<_>>();
        let stairs = staircase(self.space, &taken, &allowed, STEPS);
        let mut near = self.climb(&choices(&stairs), Origin::Knapsack)?;
        if self.space.most() < self.space.options() {
            // With fewer options, what is best at the same harm.
            let best = stairs.iter().rfind(|step| near.contains(&step.choice)).map_or(STEPS, |step| step.budget);
            allowed = fewer_options(self.space, &taken, &allowed, best);
            near = self.climb(&choices(&staircase(self.space, &taken, &allowed, STEPS)), Origin::Knapsack)?;
        }
        Ok(near)
    }

    /// Matches noise, where deviations are known, and returns the choices about the best one and the layers' tolerances.
    fn matching(&mut self, harms: &[Vec<f64>]) -> Result<Option<Matched>, V::Error> {
        let Some(deviations) = self.evaluator.deviations()? else { return Ok(None) };
        let tolerances = self.evaluator.tolerances()?;
        let ladder = matching::ladder(self.space, &deviations, &tolerances);
        let mut allowed: Vec<Choice> = ladder
            .into_iter()
            .map(|choice| self.space.repaired(choice, |layer, option| harms[layer][option]))
            .collect();
        allowed.dedup();
        Ok(Some((self.climb(&allowed, Origin::Matching)?, tolerances)))
    }

    /// Evolves `start`.
    fn nsga2(&mut self, harms: &[Vec<f64>], start: &[Choice]) -> Result<(), V::Error> {
        let SearchPlan { population, generations, seed, max_drop, .. } = *self.plan;
        self.evaluator.begin("nsga2", population * (generations + 1), Part::Scan);
        let space = self.space;
        let fitness = |choices: &[Choice]| {
            let mut found = Vec::new();
            for choice in choices {
                let degradation = self.scan(choice, Origin::Nsga2)?;
                found.push(degradation.map(|degradation| {
                    // A little beyond the bound there is something to breed from.
                    let violation = (degradation.drop - 2.0 * max_drop).max(0.0);
                    Fitness { harm: harm(degradation), violation }
                }));
            }
            Ok(found)
        };
        let of = |layer: usize, option: usize| harms[layer][option];
        evolve(space, start, Settings { population, generations, seed }, of, fitness).map(drop)
    }

    /// The first of some choices that stands all samples of the search; exact products where none of the first ones does.
    fn first_within(&mut self, choices: impl IntoIterator<Item = Choice>) -> Result<Choice, V::Error> {
        for choice in choices.into_iter().take(FINALISTS) {
            if self.stands_search(&choice)? == Some(true) {
                return Ok(choice);
            }
        }
        let exact = self.space.uniform(EXACT);
        self.measure(&exact, Part::Search)?;
        Ok(exact)
    }

    /// The cheapest choice of a ladder that stands all samples of the search.
    fn last_within(&mut self, ladder: &[Choice]) -> Result<Choice, V::Error> {
        let last = end_of(ladder, |choice| self.stands_search(choice))?;
        last.map_or_else(|| self.first_within([]), |last| Ok(ladder[last].clone()))
    }

    /// The cheapest choice that was found to stand all samples of the search.
    fn cheapest(&self) -> Choice {
        let within = self.points.values().filter(|point| {
            let stands = point.found.get(&Part::Search).is_some_and(|found| self.is_within(found, Part::Search));
            stands && self.space.allows(&point.choice)
        });
        let cheapest = within.min_by(|a, b| a.cost.total_cmp(&b.cost));
        cheapest.map_or_else(|| self.space.uniform(EXACT), |point| point.choice.clone())
    }

    /// Chooses on all samples of the search, and confirms what is chosen on others.
    fn finalists(mut self, uniform: Vec<Choice>, greedy: &[Choice]) -> Result<Found, V::Error> {
        self.evaluator.share_before(None);
        self.evaluator.begin("the best on more samples", FRONT, Part::Search);
        let ladder = self.ladder(|_| true);
        for choice in spread(&ladder, FRONT) {
            self.measure(&choice, Part::Search)?;
        }
        self.last_within(&ladder)?;
        let mut uniform: Vec<Choice> = uniform.into_iter().filter(|choice| self.points.contains_key(choice)).collect();
        uniform.sort_by(|a, b| self.space.cost(a).total_cmp(&self.space.cost(b)));
        uniform.retain(|choice| self.points[choice].scan().drop <= self.plan.max_drop * SHOWN);
        let uniform = self.first_within(uniform)?;
        let greedy = self.first_within(greedy.iter().rev().cloned())?;
        let mut methods = Vec::new();
        for &method in METHODS.iter().filter(|method| self.plan.methods.contains(method)) {
            let ladder = self.ladder(|point| point.origins.contains(&method.into()));
            if !ladder.is_empty() {
                methods.push((method, self.last_within(&ladder)?));
            }
        }
        let chosen = self.cheapest();
        let mut confirmed = vec![chosen.clone(), uniform.clone(), greedy.clone()];
        confirmed.dedup();
        self.evaluator.begin("confirmation", confirmed.len(), Part::Confirmation);
        for choice in &confirmed {
            self.measure(choice, Part::Confirmation)?;
        }
        let Run { points, stopped, .. } = self;
        Ok(Found { points, chosen, uniform, greedy, methods, harms: Vec::new(), tolerances: None, stopped })
    }
}

/// Where a row of choices ends to stand, as far as what comes before one that does so stands too, and a little further:
/// accuracy does not fall at every step.
fn end_of<E>(row: &[Choice], mut stands: impl FnMut(&Choice) -> Result<Option<bool>, E>) -> Result<Option<usize>, E> {
    let mut last = last_good(row.len(), |i| stands(&row[i]))?;
    let mut next = last.map_or(0, |last| last + 1);
    let mut tried = 0;
    while tried < PROBES && next < row.len() {
        match stands(&row[next])? {
            Some(true) => (last, tried) = (Some(next), 0),
            Some(false) => tried += 1,
            None => break,
        }
        next += 1;
    }
    Ok(last)
}
