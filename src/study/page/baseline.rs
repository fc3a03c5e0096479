//! What drops are measured from: exact products where the study has them, else what comes nearest.

use super::read::Finished;
use crate::layer::InferenceMode;
use crate::report::html::{Baseline, BaselineKind, MeasuredDrop};
use crate::stats::{unpaired_interval, wilson_interval};

/// Finished jobs with the place of each one's network, and those of them with exact products.
pub(super) struct Baselines<'a> {
    jobs: Vec<(&'a Finished, usize)>,
    exact: Vec<(&'a Finished, usize)>,
}

impl<'a> Baselines<'a> {
    pub fn new(jobs: &'a [Finished], networks: &[usize]) -> Self {
        let jobs: Vec<(&Finished, usize)> = jobs.iter().zip(networks.iter().copied()).collect();
        let exact = jobs.iter().copied().filter(|(job, _)| job.is_exact()).collect();
        Baselines { jobs, exact }
    }

    /// The evaluation with exact products that `job`, of network `network`, is compared with: that of the same settings
    /// and coding; of another network, the same model and quantization.
    fn exact(&self, job: &Finished, network: usize) -> Option<&'a Finished> {
        let likeness = |other: &Finished, own: usize| {
            let [settings, coding] = [own == network, other.coding == job.coding];
            let quantization = other.quantization == job.quantization;
            (settings || quantization).then_some((coding && settings, coding, settings))
        };
        let exact = self.exact.iter().filter(|(other, _)| other.subject() == job.subject());
        let like = exact.filter_map(|(other, own)| Some((likeness(other, *own)?, *other)));
        // The first of several that are as much alike.
        like.reduce(|best, other| if other.0 > best.0 { other } else { best }).map(|(_, job)| job)
    }

    /// The drop of `job`, of network `network`, from exact products; where the study has none, from `baseline`.
    pub fn drop(&self, job: &Finished, network: usize, baseline: Option<&Baseline>) -> Option<MeasuredDrop> {
        // Networks in fp32 are what others are measured from.
        if job.mode == InferenceMode::Baseline {
            return None;
        }
        if let Some(exact) = job.exact {
            return Some(MeasuredDrop { drop: exact.drop, ci95: exact.ci95, paired: true });
        }
        let (value, ci95) = match self.exact(job, network) {
            Some(exact) => (exact.value, exact.ci95),
            None => baseline.map(|baseline| (baseline.value, baseline.ci95))?,
        };
        let ci95 = unpaired_interval([value, job.value], [ci95, job.ci95]);
        Some(MeasuredDrop { drop: value - job.value, ci95, paired: false })
    }

    /// The jobs of a network.
    pub fn of_network(&self, network: usize) -> impl Iterator<Item = &'a Finished> {
        self.jobs.iter().filter(move |(_, place)| *place == network).map(|(job, _)| *job)
    }

    /// What drops of a network are measured from, where the study has anything of it.
    pub fn of(&self, network: usize) -> Option<Baseline> {
        let own = || self.of_network(network);
        let approximate = own().find(|job| job.mode == InferenceMode::Approximate).or_else(|| own().next())?;
        if let Some(exact) = self.exact(approximate, network) {
            let coding = exact.coding.map(|coding| format!(", coding {coding}")).unwrap_or_default();
            return Some(baseline(BaselineKind::Exact, exact, format!("exact products{coding}")));
        }
        if let Some((job, exact)) = own().find_map(|job| Some((job, job.exact?))) {
            let correct = (exact.value * job.samples as f64).round() as u64;
            let ci95 = wilson_interval(correct, job.samples as u64);
            let label = "exact products, which the evaluations were compared with".to_owned();
            return Some(Baseline { kind: BaselineKind::Exact, value: exact.value, ci95, label });
        }
        if let Some(fp32) = self.fp32(network) {
            let label = "fp32: the study has no evaluation with exact products, so that drops hold what quantization \
                         costs too (add the multiplier exact, or the mode quant)";
            return Some(Baseline { label: label.to_owned(), ..fp32 });
        }
        let best = own().max_by(|a, b| a.value.total_cmp(&b.value))?;
        let name = best.job.lut.as_deref().unwrap_or("its best evaluation");
        let label = format!(
            "the best of the study, {name}: it has no evaluation with exact products (add the multiplier exact, or the \
             mode quant), and drops are likely to be larger than they appear"
        );
        Some(baseline(BaselineKind::Best, best, label))
    }

    /// The evaluation in fp32 of the model of a network.
    pub fn fp32(&self, network: usize) -> Option<Baseline> {
        let own = self.of_network(network).next()?;
        let is_fp32 = |job: &&Finished| job.mode == InferenceMode::Baseline && job.subject() == own.subject();
        let job = self.jobs.iter().map(|(job, _)| *job).find(is_fp32)?;
        Some(baseline(BaselineKind::Fp32, job, "fp32".to_owned()))
    }
}

fn baseline(kind: BaselineKind, job: &Finished, label: String) -> Baseline {
    Baseline { kind, value: job.value, ci95: job.ci95, label }
}
