//! Whether mode base computes what candle does.

use super::reference::CandleLayer;
use super::subject::{Outputs, Subject, outputs, outputs_of_walk, values};
use super::tally::Tally;
use super::{Check, SelfcheckError};
use crate::graph::OpError;
use crate::report::SelfcheckEntry;

pub(super) const CHECK: Check = Check { name: "fp32", compared: "outputs against candle", needs_integers: false, run };

/// What the network's outputs may differ by, in parts of the largest of them: a layer differs by some 1e-7 of its
/// outputs, and later layers add up what earlier ones leave.
const NETWORK: f64 = 1e-4;

fn run(check: &Check, subject: &mut Subject) -> Result<Vec<SelfcheckEntry>, SelfcheckError> {
    let (base, images) = (subject.base.clone(), subject.images.clone());
    let (graph, _) = subject.session.network(&base)?;
    let found = outputs(graph, &images, 0)?;
    let mut tally = Tally::default();
    // Layers go on from what candle makes of those before them.
    let expected = outputs_of_walk(graph, &images, |node, inputs, context| {
        let Some(layer) = node.op().as_approximate() else { return node.op().run(inputs, context) };
        let computed = match layer.as_weighted() {
            Some(layer) => {
                let window = layer.window(inputs[0].dims())?;
                CandleLayer::weighted(layer, &window, inputs[0], node.op().output_clip())
            }
            None => CandleLayer::product(inputs[0], inputs[1]),
        }?;
        let found = node.op().run(inputs, context)?;
        for (i, (found, (expected, bound))) in values(&found[0])?.into_iter().zip(computed.bounds()?).enumerate() {
            let difference = || format!("layer '{}', output {i}: found {found:e}, expected {expected:e}", layer.name());
            tally.holds((f64::from(found) - f64::from(expected)).abs() <= bound, difference);
        }
        Ok::<_, OpError>(vec![computed.output])
    })?;
    compare(&mut tally, &found, &expected);
    Ok(vec![tally.entry(check.name, check.compared)])
}

fn compare(tally: &mut Tally, found: &Outputs, expected: &Outputs) {
    let largest = expected.values.iter().fold(0f64, |largest, y| largest.max(f64::from(y.abs())));
    for (i, (found, y)) in found.values.iter().zip(&expected.values).enumerate() {
        let is_near = (f64::from(*found) - f64::from(*y)).abs() <= NETWORK * largest;
        tally.holds(is_near, || format!("{}: found {found:e}, expected {y:e}", expected.place(i)));
    }
}
