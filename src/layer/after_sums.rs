//! What follows the integer sums of a quantized layer where integers follow them: the bias in steps of the products,
//! and a multiplication in integers that gives those of the output.

use crate::kernel::{Clip, FixedPoint, Requantize, Rounding};
use crate::quant::{Grid, LayerParams};

/// How a layer's sums become the integers of its output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Requantization {
    /// The output's integers.
    pub output: Grid,
    /// How products of sums and multipliers are rounded.
    pub rounding: Rounding,
}

/// The biases of a layer's outputs, added to their sums, and how these are scaled to integers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AfterSums {
    /// One for each output; empty for none.
    biases: Vec<i64>,
    /// The largest magnitude of one.
    max_bias: i64,
    /// With one multiplier for each output.
    requantize: Option<(Requantization, Vec<FixedPoint>)>,
}

impl AfterSums {
    /// What follows the sums of a layer of `outputs`: `None` where these are scaled to real numbers, to which `bias` is
    /// added. Without integers of its own, a bias becomes those of `s_x * s_w`, rounded half to even.
    pub fn new(
        params: &LayerParams,
        outputs: usize,
        bias: Option<&[f32]>,
        requantization: Option<Requantization>,
    ) -> Option<Self> {
        let LayerParams { input, weight, bias: integers } = params;
        let step = |output: usize| f64::from(input.scale()) * f64::from(weight.scale(output));
        let biases = match (integers, bias, requantization) {
            (Some(integers), Some(_), _) if integers.len() == outputs => integers.iter().map(|&b| b.into()).collect(),
            (_, Some(bias), Some(_)) => {
                let steps = |(output, &b): (usize, &f32)| (f64::from(b) / step(output)).round_ties_even();
                let limits = [i32::MIN, i32::MAX].map(f64::from);
                bias.iter().enumerate().map(|b| steps(b).clamp(limits[0], limits[1]) as i64).collect()
            }
            (_, None, Some(_)) => Vec::new(),
            (_, _, None) => return None,
        };
        let requantize = requantization.map(|rule| {
            let scales = |output| [input.scale(), weight.scale(output)];
            let multiplier = |output| rule.rounding.factor(scales(output), rule.output.scale());
            (rule, (0..outputs).map(multiplier).collect())
        });
        let max_bias = biases.iter().map(|bias| bias.abs()).max().unwrap_or(0);
        Some(AfterSums { biases, max_bias, requantize })
    }

    /// What is added to the sums of an output.
    pub fn bias(&self, output: usize) -> i64 {
        self.biases.get(output).copied().unwrap_or(0)
    }

    /// The largest magnitude of a bias.
    pub fn max_bias(&self) -> i64 {
        self.max_bias
    }

    /// The integers of the output; `None` where sums are scaled to real numbers.
    pub fn grid(&self) -> Option<Grid> {
        Some(self.requantize.as_ref()?.0.output)
    }

    /// The multipliers of all outputs, and the rule for integers whose numbers lie within `clip`; `None` where sums are
    /// scaled to real numbers.
    pub fn requantize(&self, clip: Clip) -> Option<(Requantize, &[FixedPoint])> {
        let (Requantization { output, rounding }, multipliers) = self.requantize.as_ref()?;
        let rule = Requantize {
            rounding: *rounding,
            zero_point: output.zero_point(),
            low: output.quantize(clip.low),
            high: output.quantize(clip.high),
            scale: output.scale(),
        };
        Some((rule, multipliers))
    }
}
