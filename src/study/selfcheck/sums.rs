//! Whether every kernel sums every layer's products rightly, in every way that it has.
//!
//! Each quantized layer is made anew for each kernel and for each of several multipliers, and run on what the data
//! brings it. Outputs at the ends of all loops, and others, are recomputed one product after the other from the
//! multiplier's own table; all outputs of all kernels are compared with each other.

use super::places::places;
use super::probes::probes;
use super::reference::{ProductReference, Products, WeightedReference};
use super::subject::{Subject, Visit, coding, kernels, values};
use super::tally::Tally;
use super::{Check, SelfcheckError};
use crate::graph::OpError;
use crate::kernel::{Kernel, Signedness};
use crate::layer::{Accumulator, ApproxLayer, Call, InferenceMode, LayerError, LayerProblem};
use crate::lut::Lut;
use crate::report::SelfcheckEntry;
use candle_core::Tensor;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const CHECK: Check =
    Check { name: "sums", compared: "outputs against naive sums", needs_integers: true, run };

pub(super) const IN_ACCUMULATORS: Check = Check {
    name: "accumulators",
    compared: "outputs against naive sums",
    needs_integers: true,
    run: run_in_accumulators,
};

/// Products of a layer in one run: it is run on as many samples as have no more, but on one at least.
const PRODUCTS: u64 = 1 << 27;

/// The products that a layer sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Exact,
    Multiplier,
    Probe,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Exact => "exact",
            Kind::Multiplier => "multiplier",
            Kind::Probe => "probes",
        }
    }
}

/// One multiplier, or none, in one layer.
struct Case<'a> {
    kind: Kind,
    lut: Option<&'a Lut>,
}

/// What was found of a kernel: its comparisons, and the ways in which it summed.
#[derive(Default)]
struct Found {
    tally: Tally,
    ways: BTreeSet<String>,
}

fn run(check: &Check, subject: &mut Subject) -> Result<Vec<SelfcheckEntry>, SelfcheckError> {
    let kernels = kernels();
    let all = [Signedness::Signed, Signedness::Unsigned].map(|signedness| (signedness, probes(signedness)));
    let mut found: BTreeMap<(usize, Kind), Found> = BTreeMap::new();
    let mut between = Tally::default();
    subject.visit(|visit| {
        let own = visit.config.looked_up_lut();
        let wanted = coding(visit.config).table_signedness();
        let probes = all.iter().filter(|(signedness, _)| *signedness == wanted).flat_map(|(_, probes)| probes);
        let mut cases = vec![Case { kind: Kind::Exact, lut: visit.config.operand_lut() }];
        cases.extend(own.map(|lut| Case { kind: Kind::Multiplier, lut: Some(lut) }));
        cases.extend(probes.map(|lut| Case { kind: Kind::Probe, lut: Some(lut) }));
        let part = Part::of(visit)?;
        let run = |case: &Case| part.run(case, &kernels).map(|found| (case.kind, found));
        let results: Vec<_> = cases.par_iter().map(run).collect();
        for result in results {
            let (kind, (of_kernels, agreement)) = result?;
            between.add(agreement);
            for (kernel, of_kernel) in of_kernels.into_iter().enumerate() {
                let found = found.entry((kernel, kind)).or_default();
                found.tally.add(of_kernel.tally);
                found.ways.extend(of_kernel.ways);
            }
        }
        Ok(())
    })?;
    let entry = |((kernel, kind), Found { tally, ways }): ((usize, Kind), Found)| {
        let name = format!("{}-{}-{}", check.name, kernels[kernel].name(), kind.name());
        tally.entry(&name, check.compared).with_ways(ways)
    };
    let mut entries: Vec<SelfcheckEntry> = found.into_iter().map(entry).collect();
    entries.push(between.entry("sums-between-kernels", "outputs against each other"));
    Ok(entries)
}

fn run_in_accumulators(check: &Check, subject: &mut Subject) -> Result<Vec<SelfcheckEntry>, SelfcheckError> {
    let Some(accumulator) = subject.session.experiment().accumulator else { return Ok(Vec::new()) };
    let kernel = subject.session.experiment().kernel;
    let mut tally = Tally::default();
    subject.visit(|visit| {
        let (kind, lut) = match visit.config.looked_up_lut() {
            Some(lut) => (Kind::Multiplier, Some(lut)),
            None => (Kind::Exact, visit.config.operand_lut()),
        };
        let part = Part { accumulator: Some(accumulator), ..Part::of(visit)? };
        let (found, _) = part.run(&Case { kind, lut }, &[kernel])?;
        found.into_iter().for_each(|found| tally.add(found.tally));
        Ok(())
    })?;
    Ok(vec![tally.entry(check.name, check.compared)])
}

/// A layer with some of the samples that it reads.
struct Part<'a> {
    visit: &'a Visit<'a>,
    inputs: Vec<Tensor>,
    /// The values of these, those of a product's factors over all leading axes.
    numbers: Vec<Vec<f32>>,
    weight: Vec<f32>,
    accumulator: Option<Accumulator>,
}

impl<'a> Part<'a> {
    fn of(visit: &'a Visit<'a>) -> Result<Self, OpError> {
        let inputs = samples(visit)?;
        let (numbers, weight) = match visit.layer.as_weighted() {
            Some(layer) => (vec![values(&inputs[0])?], values(&layer.weight())?),
            None => {
                (factors(&inputs)?.map(|factor| values(&factor)).into_iter().collect::<Result<_, _>>()?, Vec::new())
            }
        };
        Ok(Part { visit, inputs, numbers, weight, accumulator: None })
    }

    /// What each kernel is found to compute, and all of them beside the first. Nothing where the layer's integers are no
    /// operands of a probe.
    fn run(&self, case: &Case, kernels: &[&'static dyn Kernel]) -> Result<(Vec<Found>, Tally), OpError> {
        let (mut found, mut between) = (Vec::new(), Tally::default());
        let mut expected: Option<Vec<(usize, f32)>> = None;
        let mut first: Option<Vec<f32>> = None;
        for &kernel in kernels {
            let layer = match self.quantized(case, kernel) {
                Ok(layer) => layer,
                Err(_) if case.kind == Kind::Probe => return Ok((found, between)),
                Err(error) => return Err(error.into()),
            };
            let place = |i: usize| self.place(i, case);
            let outputs = values(&self.outputs(layer.as_ref())?)?;
            let expected = match &mut expected {
                Some(expected) => expected,
                expected => expected.insert(self.expected(layer.as_ref(), case)?),
            };
            let mut of_kernel = Found::default();
            for &(i, expected) in &*expected {
                of_kernel.tally.bits(&outputs[i..=i], &[expected], |_| place(i));
            }
            let sums = layer.describe_sums().unwrap_or_default();
            of_kernel.ways.extend(sums.split_once(": ").map(|(_, way)| way.to_owned()));
            found.push(of_kernel);
            if let Some(first) = &first {
                between.bits(&outputs, first, |i| format!("{}, {}", kernel.name(), place(i)));
            } else {
                first = Some(outputs);
            }
        }
        Ok((found, between))
    }

    /// The layer anew, with the products of a case.
    fn quantized(&self, case: &Case, kernel: &'static dyn Kernel) -> Result<Box<dyn ApproxLayer>, LayerError> {
        let Visit { layer: original, config, .. } = self.visit;
        let mut layer = original.anew()?;
        let params = original.params().cloned();
        let params = params.ok_or_else(|| LayerProblem::NotQuantized(original.mode()).in_layer(original.name()))?;
        // Scales that a file states may not be operands of a multiplier that is not looked up.
        let quantized = layer.quantize(params.clone(), coding(config), case.lut, kernel);
        match quantized {
            Err(_) if case.kind == Kind::Exact => layer.quantize(params, coding(config), None, kernel)?,
            quantized => quantized?,
        }
        let is_exact = case.kind == Kind::Exact;
        layer.set_mode(if is_exact { InferenceMode::Quantized } else { InferenceMode::Approximate });
        layer.set_accumulator(self.accumulator);
        Ok(layer)
    }

    /// The outputs of the layer, on one thread: others have other layers and multipliers.
    fn outputs(&self, layer: &dyn ApproxLayer) -> Result<Tensor, LayerError> {
        let call = Call { clip: self.visit.clip, threads: 1, ..Call::default() };
        match layer.as_weighted() {
            Some(weighted) => weighted.forward_as(&self.inputs[0], call),
            None => layer.unbiased_fwd(layer.mode(), &self.inputs.iter().collect::<Vec<_>>(), call),
        }
    }

    /// Some outputs, recomputed.
    fn expected(&self, layer: &dyn ApproxLayer, case: &Case) -> Result<Vec<(usize, f32)>, OpError> {
        let problem = || LayerProblem::NotQuantized(layer.mode()).in_layer(layer.name());
        let params = layer.params().cloned().ok_or_else(problem)?;
        let lut = case.lut.filter(|_| case.kind != Kind::Exact);
        let products = lut.map_or(Products::Exact, |lut| Products::Lut(lut, coding(self.visit.config)));
        let (at, output): (_, Box<dyn Fn(usize) -> Option<f32> + '_>) = if let Some(weighted) = layer.as_weighted() {
            let window = weighted.window(self.inputs[0].dims())?;
            let original = self.visit.layer.as_weighted().unwrap_or(weighted);
            let [height, width] = window.geometry.output;
            let at = places([window.images, window.outputs, height, width]);
            let reference = WeightedReference {
                window,
                input: &self.numbers[0],
                weight: &self.weight,
                params,
                products,
                factors: original.activation_factors().filter(|_| lut.is_some()),
                bias: original.bias(),
                requantization: original.requantization(),
                clip: self.visit.clip,
                accumulator: self.accumulator,
            };
            (at, Box::new(move |place| reference.output(place)))
        } else {
            let [first, second] = factors(&self.inputs)?;
            let rank = first.rank();
            let [rows, depth] = [first.dim(rank - 2)?, first.dim(rank - 1)?];
            let columns = second.dim(rank - 1)?;
            let matrices = self.numbers[0].len() / (rows * depth).max(1);
            let reference = ProductReference {
                first: &self.numbers[0],
                second: &self.numbers[1],
                depth,
                rows,
                columns,
                params,
                products,
                accumulator: self.accumulator,
            };
            (places([matrices, 1, rows, columns]), Box::new(move |place| reference.output(place)))
        };
        Ok(at.into_iter().filter_map(|place| Some((place, output(place)?))).collect())
    }

    fn place(&self, i: usize, case: &Case) -> String {
        let products = case.lut.filter(|_| case.kind != Kind::Exact).map_or("exact products", Lut::name);
        let layer = self.visit.layer;
        let window = layer.as_weighted().and_then(|layer| layer.window(self.inputs[0].dims()).ok());
        let at = window.map_or_else(
            || format!("output {i}"),
            |window| {
                let [height, width] = window.geometry.output;
                let (positions, outputs) = (height * width, window.outputs);
                let [image, channel] = [i / (outputs * positions), i / positions % outputs];
                format!("image {image}, channel {channel}, row {}, column {}", i / width % height, i % width)
            },
        );
        format!("layer '{}', {products}, {at}", layer.name())
    }
}

/// The inputs of the first samples of a layer's batch.
fn samples(visit: &Visit) -> candle_core::Result<Vec<Tensor>> {
    let Some(layer) = visit.layer.as_weighted() else {
        return Ok(visit.inputs.iter().copied().cloned().collect());
    };
    let input = visit.inputs[0];
    let products = layer.opcount(input.dims()).unwrap_or(1).max(1);
    let wanted = (PRODUCTS / products).clamp(1, visit.samples.max(1) as u64) as usize;
    let rows = input.dims().first().copied().unwrap_or(1);
    let is_by_samples = rows.is_multiple_of(visit.samples.max(1));
    let kept = if is_by_samples { rows / visit.samples.max(1) * wanted } else { rows };
    Ok(vec![input.narrow(0, 0, kept)?.contiguous()?])
}

/// Both factors of a product of two activations, over all leading axes.
fn factors(inputs: &[Tensor]) -> candle_core::Result<[Tensor; 2]> {
    let [first, second] = inputs else { candle_core::bail!("{} factors, expected 2", inputs.len()) };
    let rank = first.rank();
    let leading = first.dims().iter().zip(second.dims()).take(rank.saturating_sub(2)).map(|(a, b)| *a.max(b));
    let leading: Vec<usize> = leading.collect();
    let whole = |factor: &Tensor| {
        let dims = [leading.as_slice(), &factor.dims()[rank - 2..]].concat();
        factor.broadcast_as(dims)?.contiguous()
    };
    Ok([whole(first)?, whole(second)?])
}
