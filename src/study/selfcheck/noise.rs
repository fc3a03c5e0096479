//! Whether the noise of mode noise is what was asked for.

use super::subject::{Subject, Visit, coding, values};
use super::tally::Tally;
use super::{Check, SelfcheckError};
use crate::eval::{Arithmetic, LayerConfig, LayerNoise, NoiseSource};
use crate::graph::OpError;
use crate::kernel::Kernel;
use crate::layer::{Call, InferenceMode};
use crate::report::SelfcheckEntry;

pub(super) const WITHOUT: Check =
    Check { name: "no-noise", compared: "outputs against mode quant", needs_integers: true, run: run_without };

pub(super) const CHECK: Check =
    Check { name: "noise", compared: "moments against those asked for", needs_integers: true, run };

/// The noise of layers for which none is asked.
const NOISE: LayerNoise = LayerNoise { stdev: 0.1, mean: 0.01 };

/// How many standard errors a mean or a deviation may be off: by chance, one of 1.7 million is further.
const STANDARD_ERRORS: f64 = 5.0;

fn run_without(check: &Check, subject: &mut Subject) -> Result<Vec<SelfcheckEntry>, SelfcheckError> {
    let quant = subject.quant.clone();
    let none = Arithmetic::Noise(NoiseSource::Given(LayerNoise::default()));
    let found = subject.outputs(&quant.with_arithmetic(&none))?;
    // Noise models a multiplier, not an accumulator.
    let accumulator = subject.session.exchange_accumulator(None);
    let expected = subject.outputs(&quant);
    subject.session.exchange_accumulator(accumulator);
    let expected = expected?;
    let mut tally = Tally::default();
    tally.bits(&found.values, &expected.values, |i| expected.place(i));
    Ok(vec![tally.entry(check.name, check.compared)])
}

fn run(check: &Check, subject: &mut Subject) -> Result<Vec<SelfcheckEntry>, SelfcheckError> {
    let experiment = subject.session.experiment();
    let (seed, kernel) = (experiment.seed, experiment.kernel);
    let asked: Vec<LayerNoise> = subject.asked.layers().iter().map(LayerConfig::noise).collect();
    let mut tally = Tally::default();
    subject.visit(|visit| {
        let noise = asked.get(visit.index).copied().filter(|noise| *noise != LayerNoise::default());
        of_layer(&mut tally, visit, noise.unwrap_or(NOISE), seed, kernel)
    })?;
    Ok(vec![tally.entry(check.name, check.compared)])
}

fn of_layer(
    tally: &mut Tally,
    visit: &Visit,
    asked: LayerNoise,
    seed: u64,
    kernel: &'static dyn Kernel,
) -> Result<(), OpError> {
    let Some(params) = visit.layer.params().cloned() else { return Ok(()) };
    let mut layer = visit.layer.anew()?;
    layer.quantize(params, coding(visit.config), None, kernel)?;
    layer.set_stdev(asked.stdev)?;
    layer.set_mean(asked.mean)?;
    layer.set_seed(seed, visit.index as u64);
    let output = |mode| values(&layer.unbiased_fwd(mode, visit.inputs, Call::default())?).map_err(OpError::from);
    let clean = output(InferenceMode::Quantized)?;
    let noisy = output(InferenceMode::Noise)?;
    let noise: Vec<f64> =
        noisy.iter().zip(&clean).map(|(noisy, clean)| f64::from(*noisy) - f64::from(*clean)).collect();
    let clean: Vec<f64> = clean.into_iter().map(f64::from).collect();
    let [_, spread] = moments(&clean);
    let expected = asked.stdev * spread;
    let count = noise.len() as f64;
    if noise.len() < 2 || expected <= 0.0 {
        return Ok(());
    }
    // Noise is rounded to f32 with the output that it is part of.
    let largest = clean.iter().fold(0f64, |largest, y| largest.max(y.abs()));
    let rounding = largest * f64::from(f32::EPSILON);
    let [mean, deviation] = moments(&noise);
    let of = |what: &str, found: f64, expected: f64, error: f64| {
        let difference =
            format!("layer '{}', {what}: found {found:e}, expected {expected:e} +- {error:e}", visit.layer.name());
        ((found - expected).abs() <= error, difference)
    };
    let mean_error = STANDARD_ERRORS * expected / count.sqrt() + rounding;
    let deviation_error = STANDARD_ERRORS * expected / (2.0 * (count - 1.0)).sqrt() + rounding;
    for (holds, difference) in
        [of("mean", mean, asked.mean, mean_error), of("deviation", deviation, expected, deviation_error)]
    {
        tally.holds(holds, || difference);
    }
    Ok(())
}

/// Mean and sample standard deviation.
fn moments(values: &[f64]) -> [f64; 2] {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    [mean, if values.len() < 2 { 0.0 } else { (squares / (count - 1.0)).sqrt() }]
}
