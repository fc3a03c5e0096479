//! What drops are measured from: exact products where the study has them, else what comes nearest.

use super::read::Finished;
use crate::layer::InferenceMode;
use crate::report::html::{Baseline, BaselineKind, MeasuredDrop};
use crate::stats::unpaired_interval;

/// The evaluation with exact products that `job`, of network `network`, is compared with: that of the same settings and
/// coding, of another network the same model and quantization of.
fn exact<'a>(job: &Finished, network: usize, jobs: &'a [Finished], networks: &[usize]) -> Option<&'a Finished> {
    let exact = jobs.iter().zip(networks).filter(|(other, _)| other.is_exact() && other.subject() == job.subject());
    let likeness = |(other, own): &(&Finished, &usize)| {
        let [settings, coding] = [**own == network, other.coding == job.coding];
        let quantization = other.quantization == job.quantization;
        (settings || quantization).then_some((coding && settings, coding, settings))
    };
    let like = exact.filter_map(|found| Some((likeness(&found)?, found.0)));
    // The first of several that are as much alike.
    like.reduce(|best, other| if other.0 > best.0 { other } else { best }).map(|(_, job)| job)
}

/// The drop of `job` from exact products; where the study has none, from `baseline`.
pub(super) fn drop(
    job: &Finished,
    network: usize,
    jobs: &[Finished],
    networks: &[usize],
    baseline: Option<&Baseline>,
) -> Option<MeasuredDrop> {
    // Baselines themselves have none.
    if job.mode == InferenceMode::Baseline {
        return None;
    }
    if let Some(exact) = job.exact {
        return Some(MeasuredDrop { drop: exact.drop, ci95: exact.ci95, paired: true });
    }
    let (value, ci95) = match exact(job, network, jobs, networks) {
        Some(exact) => (exact.value, exact.ci95),
        None => baseline.map(|baseline| (baseline.value, baseline.ci95))?,
    };
    let ci95 = unpaired_interval([value, job.value], [ci95, job.ci95]);
    Some(MeasuredDrop { drop: value - job.value, ci95, paired: false })
}

/// What drops of network `network` are measured from, where the study has anything of it.
pub(super) fn of(network: usize, jobs: &[Finished], networks: &[usize]) -> Option<Baseline> {
    let own = || jobs.iter().zip(networks).filter(|(_, place)| **place == network).map(|(job, _)| job);
    let found = |kind, job: &Finished, label: String| Baseline { kind, value: job.value, ci95: job.ci95, label };
    let approximate = own().find(|job| job.mode == InferenceMode::Approximate).or_else(|| own().next())?;
    if let Some(exact) = exact(approximate, network, jobs, networks) {
        let coding = exact.coding.map(|coding| format!(", coding {coding}")).unwrap_or_default();
        return Some(found(BaselineKind::Exact, exact, format!("exact products{coding}")));
    }
    if let Some((job, exact)) = own().find_map(|job| Some((job, job.exact?))) {
        let ci95 = wilson(exact.value, job);
        let label = "exact products, which the evaluations were compared with".to_owned();
        return Some(Baseline { kind: BaselineKind::Exact, value: exact.value, ci95, label });
    }
    if let Some(fp32) = fp32(network, jobs, networks) {
        let label =
            "fp32: the study has no evaluation with exact products, so that drops hold what quantization costs too";
        return Some(Baseline { label: label.to_owned(), ..fp32 });
    }
    let best = own().max_by(|a, b| a.value.total_cmp(&b.value))?;
    let name = best.job.lut.as_deref().unwrap_or("its best evaluation");
    let label = format!(
        "the best of the study, {name}: it has no evaluation with exact products (add the mode quant, or the multiplier \
         exact), and drops are at least as large as they appear"
    );
    Some(found(BaselineKind::Best, best, label))
}

/// The interval of an accuracy on the samples of `job`.
fn wilson(value: f64, job: &Finished) -> [f64; 2] {
    let samples = job.samples as u64;
    crate::stats::wilson_interval((value * job.samples as f64).round() as u64, samples)
}

/// The evaluation in fp32 of the model of network `network`.
pub(super) fn fp32(network: usize, jobs: &[Finished], networks: &[usize]) -> Option<Baseline> {
    let own = jobs.iter().zip(networks).find(|(_, place)| **place == network)?.0;
    let is_fp32 = |job: &&Finished| job.mode == InferenceMode::Baseline && job.subject() == own.subject();
    let job = jobs.iter().find(is_fp32)?;
    Some(Baseline { kind: BaselineKind::Fp32, value: job.value, ci95: job.ci95, label: "fp32".to_owned() })
}
