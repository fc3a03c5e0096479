//! From the points of a grid to jobs, all of which are checked.

use super::identity;
use super::idle::{tell_codings_apart, without_idle_lut};
use super::point::Group;
use super::shard::Shard;
use crate::eval::{Assignment, Configuration, OpenError, Session};
use crate::quant::QuantConfig;
use crate::report::{PlannedJob, SweepJob, SweepPlan};
use crate::study::scope::{Scope, ScopeError, Variant};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Why a job cannot be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The session cannot be asked for it.
    #[error("{job}")]
    Job {
        /// The job.
        job: String,
        /// Why.
        #[source]
        source: OpenError,
    },
    /// A scope does not fit the network.
    #[error(transparent)]
    Scope(#[from] ScopeError),
}

impl PlanError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            PlanError::Scope(error) => error.keys(),
            PlanError::Job { .. } => &[],
        }
    }
}

/// The jobs of a grid, in their order.
pub struct Sweep<'a, E> {
    pub(super) groups: Vec<Group<'a, E>>,
    pub(super) jobs: Vec<Job>,
    plan: SweepPlan,
}

/// How a job of the plan is done.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// The group that it is of.
    pub group: usize,
    /// When it is done, among the jobs of a run.
    pub turn: [usize; 5],
    /// What the session is asked.
    pub configuration: Configuration,
    /// The layer before which all is as in the neighbours of its scope.
    pub first: Option<usize>,
    /// Multiplications, about, that it takes.
    pub multiplications: f64,
}

/// The share of a network's time that its products do not take.
const OVERHEAD: f64 = 0.2;

impl<'a, E: From<PlanError>> Sweep<'a, E> {
    /// The jobs of all points under all scopes. A job that is asked for twice is done once.
    ///
    /// # Errors
    /// Names the job that cannot be done, and why.
    pub fn plan(groups: Vec<Group<'a, E>>, scopes: &[Scope]) -> Result<Self, E> {
        let (mut jobs, mut planned, mut known) = (Vec::new(), Vec::new(), HashSet::new());
        for (index, group) in groups.iter().enumerate() {
            for (key, mut name, job) in group.jobs(index, scopes)? {
                if known.insert(key.clone()) {
                    name.index = planned.len() + 1;
                    planned.push(PlannedJob::new(key, name));
                    jobs.push(job);
                }
            }
        }
        Ok(Sweep { groups, jobs, plan: SweepPlan::new(planned) })
    }

    /// The plan, as the study's folder has it.
    pub fn details(&self) -> &SweepPlan {
        &self.plan
    }

    /// The places of a shard's jobs in the plan; of all where there are no shards.
    pub fn places(&self, shard: Option<Shard>) -> Range<usize> {
        let work: Vec<f64> = self.jobs.iter().map(|job| job.multiplications).collect();
        shard.map_or(0..work.len(), |shard| shard.block(&work))
    }
}

impl<E: From<PlanError>> Group<'_, E> {
    /// The jobs of the group, in their order.
    fn jobs(&self, group: usize, scopes: &[Scope]) -> Result<Vec<(String, SweepJob, Job)>, E> {
        let mut session = (self.open)()?;
        let work = Work::new(&session);
        let (mut jobs, mut operands) = (Vec::new(), Vec::new());
        for (place, point) in self.points.iter().enumerate() {
            let failed = |source| PlanError::Job { job: point.job.label(), source };
            session.configure(point.configuration.clone()).map_err(failed)?;
            // Other scopes have exact products of the multiplier's coding beside it.
            let alone = if scopes == [Scope::All] { without_idle_lut(point, &mut session) } else { None };
            if let Some(alone) = &alone {
                session.configure(alone.configuration.clone()).map_err(failed)?;
            }
            let point = alone.as_ref().unwrap_or(point);
            let identity = identity::of_point(point, &session);
            let kind = kind_of_operands(&mut operands, session.assignment());
            for (order, scope) in scopes.iter().enumerate() {
                for variant in scope.variants(&session).map_err(PlanError::from)? {
                    let mut configuration = point.configuration.clone();
                    configuration.rules.extend(variant.rules.iter().cloned());
                    let (first, multiplications) = (variant.first, work.multiplications(&variant));
                    let layer = first.map_or(0, |first| first + 1);
                    let turn = match scope {
                        Scope::AllBut | Scope::Prefix => [group, order, place, layer, 0],
                        Scope::All | Scope::Each | Scope::Group(_) => [group, order, kind, layer, place],
                    };
                    let job = Job { group, turn, configuration, first, multiplications };
                    let key = identity::key(&identity, &variant);
                    jobs.push(([order, layer, place], key, identity::job(point, &variant), job));
                }
            }
        }
        let idle = jobs.iter_mut().filter(|(.., job)| job.configuration.layers.lut.is_none());
        let mut idle: Vec<_> = idle.map(|(_, _, name, job)| (name, job.configuration.layers.coding)).collect();
        tell_codings_apart(&mut idle);
        jobs.sort_by_key(|(order, ..)| *order);
        Ok(jobs.into_iter().map(|(_, key, name, job)| (key, name, job)).collect())
    }
}

/// Which of the kinds of operands in `known` the layers of `assignment` have. Jobs of one kind come one behind the
/// other: exact layers compute the same in all of them.
fn kind_of_operands(known: &mut Vec<Vec<QuantConfig>>, assignment: &Assignment) -> usize {
    let kind: Vec<QuantConfig> = assignment.layers().iter().map(|layer| layer.quantization.clone()).collect();
    known.iter().position(|other| *other == kind).unwrap_or_else(|| {
        known.push(kind);
        known.len() - 1
    })
}

/// The work that evaluations of a network are.
struct Work {
    samples: f64,
    /// Multiplications of each layer, in graph order.
    layers: Vec<f64>,
}

impl Work {
    fn new(session: &Session) -> Self {
        let graph = &session.model().graph;
        let counts: HashMap<String, u64> =
            graph.layer_counts().into_iter().map(|counts| (counts.name, counts.opcount)).collect();
        let layers = graph.layers().map(|layer| counts.get(layer.name()).copied().unwrap_or(0) as f64);
        Work { samples: session.samples() as f64, layers: layers.collect() }
    }

    /// About how many of an evaluation are done anew: those before the variant's first layer are shared.
    fn multiplications(&self, variant: &Variant) -> f64 {
        let all: f64 = self.layers.iter().sum();
        let own: f64 = self.layers[variant.first.unwrap_or(0)..].iter().sum();
        self.samples * (OVERHEAD * all + (1.0 - OVERHEAD) * own).max(1.0)
    }
}
