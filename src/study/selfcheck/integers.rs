//! Whether the numbers that layers read, and their weights, become the right integers.

use super::reference::quantize;
use super::subject::{Subject, Visit, values};
use super::tally::Tally;
use super::{Check, SelfcheckError};
use crate::graph::OpError;
use crate::layer::LayerProblem;
use crate::quant::{ActivationParams, IntRange};
use crate::report::SelfcheckEntry;

pub(super) const CHECK: Check =
    Check { name: "integers", compared: "rounding against its rule", needs_integers: true, run };

fn run(check: &Check, subject: &mut Subject) -> Result<Vec<SelfcheckEntry>, SelfcheckError> {
    let mut tally = Tally::default();
    subject.visit(|visit| of_layer(&mut tally, visit))?;
    Ok(vec![tally.entry(check.name, check.compared)])
}

fn of_layer(tally: &mut Tally, visit: &Visit) -> Result<(), OpError> {
    let name = visit.layer.name();
    let Some(params) = visit.layer.params() else { return Ok(()) };
    let second = params.weight.as_activation().filter(|_| visit.layer.as_weighted().is_none());
    for (params, input) in std::iter::once(params.input).chain(second).zip(visit.inputs) {
        let numbers = values(input)?;
        of_activation(tally, &params, &numbers, |i| format!("layer '{name}', input element {i}"));
        let halves = halves(&params);
        of_activation(tally, &params, &halves, |i| format!("layer '{name}', the number {:e}", halves[i]));
    }
    let Some(layer) = visit.layer.as_weighted() else { return Ok(()) };
    let weight = layer.weight();
    let (numbers, channels) = (values(&weight)?, weight.dims()[0]);
    let bytes = params.weight.quantize(&numbers, channels).map_err(LayerProblem::from)?;
    let (range, each) = (params.weight.range(), numbers.len() / channels);
    for (i, (&byte, &number)) in bytes.iter().zip(&numbers).enumerate() {
        let (scale, zero_point) = (params.weight.scale(i / each), params.weight.zero_point(i / each));
        let expected = quantize(number, scale, zero_point, &range.integers());
        tally.same(integer(range, byte), expected, || format!("layer '{name}', weight {i} ({number:e})"));
    }
    Ok(())
}

fn of_activation(tally: &mut Tally, params: &ActivationParams, numbers: &[f32], place: impl Fn(usize) -> String) {
    let mut bytes = vec![0; numbers.len()];
    params.quantize_slice(numbers, &mut bytes);
    let range = params.range();
    for (i, (&byte, &number)) in bytes.iter().zip(numbers).enumerate() {
        let expected = quantize(number, params.scale(), params.zero_point(), &range.integers());
        tally.same(integer(range, byte), expected, || format!("{} ({number:e})", place(i)));
    }
}

fn integer(range: IntRange, byte: u8) -> i32 {
    range.signedness().value(byte)
}

/// The numbers in the middle between two integers, their neighbors, and numbers beyond all integers.
fn halves(params: &ActivationParams) -> Vec<f32> {
    let of = |q: i32| (f64::from(q - params.zero_point()) + 0.5) * f64::from(params.scale());
    let half = |q: i32| {
        let half = of(q) as f32;
        [half.next_down(), half, half.next_up()]
    };
    let (first, last) = (params.range().q_min() - 1, params.range().q_max());
    let extremes = [f32::NEG_INFINITY, f32::MIN, -0.0, 0.0, f32::MIN_POSITIVE, f32::MAX, f32::INFINITY];
    (first..=last).flat_map(half).chain(extremes).collect()
}
