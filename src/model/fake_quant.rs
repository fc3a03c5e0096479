//! Checkpoints of PyTorch's quantization-aware training: what their fake quantizers learned becomes quantization
//! parameters.
//!
//! A module that `torch.ao.quantization.prepare_qat` made has the state of a fake quantizer for its weight
//! (`NAME.weight_fake_quant.scale`, `.zero_point`) and of one for its output (`NAME.activation_post_process.scale`,
//! `.zero_point`), each with the extremes that it saw (`.activation_post_process.min_val`, `.max_val`). The state does
//! not have the range of the integers, which scale and extremes tell. The scale of a layer's input is that of the
//! output which reaches it: through the graph, over operators that keep scales, to the module that made it, or to the
//! `QuantStub` called `quant`.

use super::ModelError;
use super::weights::{OF_OUTPUT, OF_WEIGHT};
use crate::graph::{Graph, KeptInputs, Node, ValueId};
use crate::quant::{ActivationParams, IntRange, LayerParams, ParamsError, ParamsFile, WeightParams};
use crate::zoo::Architecture;
use candle_core::{DType, Tensor};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// The state of one fake quantizer.
#[derive(Debug, Default)]
struct FakeQuantizer {
    scales: Vec<f32>,
    zero_points: Vec<f32>,
    least: Vec<f32>,
    largest: Vec<f32>,
}

impl FakeQuantizer {
    /// The number of channels; `None` of one that never saw a value, or whose parts do not pair up.
    fn channels(&self) -> Option<usize> {
        let count = self.scales.len();
        let pairs_up = |part: &[f32]| part.is_empty() || part.len() == count;
        let saw_none = self.least.iter().zip(&self.largest).any(|(least, largest)| least > largest);
        let is_whole = count > 0 && self.zero_points.len() == count && pairs_up(&self.least) && pairs_up(&self.largest);
        (is_whole && !saw_none).then_some(count)
    }

    fn zero_points(&self) -> impl Iterator<Item = i32> {
        self.zero_points.iter().map(|&zero_point| zero_point as i32)
    }

    /// The integers that give these scales and zero points for these extremes, as PyTorch's observers compute them; 8
    /// bits by the sign of the zero points where none do.
    fn range(&self, is_weight: bool) -> Result<IntRange, ParamsError> {
        let narrower = (2..=8).rev().flat_map(|bits: u32| {
            let half = 1 << (bits - 1);
            [[0, 2 * half - 1], [-half, half - 1], [1 - half, half - 1]]
        });
        // What is never negative is unsigned, but for weights, which are as many integers below zero as above.
        let is_symmetric = is_weight || self.least.iter().any(|&least| least < 0.0);
        let narrower = narrower.filter(|&[q_min, q_max]| is_symmetric || q_min != -q_max);
        let found = narrower.into_iter().find(|&ends| self.is_by(ends));
        let is_signed = self.zero_points().any(|zero_point| zero_point < 0)
            || is_weight && self.zero_points().all(|zero_point| zero_point == 0);
        let [q_min, q_max] = found.unwrap_or(if is_signed { [-128, 127] } else { [0, 255] });
        IntRange::new(q_min, q_max)
    }

    /// Whether integers from `q_min` to `q_max` give these scales and zero points.
    fn is_by(&self, [q_min, q_max]: [i32; 2]) -> bool {
        /// Far less than what a step more or less makes of 255.
        const TOLERANCE: f64 = 1e-3;
        /// The least scale of PyTorch's observers, by which constant zeros tell nothing.
        const LEAST: f32 = f32::EPSILON;
        let extremes = self.least.iter().zip(&self.largest);
        let mut told = false;
        let agree = self.scales.iter().zip(self.zero_points()).zip(extremes).all(|((&scale, zero_point), ends)| {
            if scale <= LEAST {
                return true;
            }
            told = true;
            let (scale, steps) = (f64::from(scale), f64::from(q_max - q_min));
            let (least, largest) = (f64::from(ends.0.min(0.0)), f64::from(ends.1.max(0.0)));
            let is_near = |expected: f64| (expected / scale - 1.0).abs() < TOLERANCE;
            let affine = is_near((largest - least) / steps)
                && i64::from(zero_point - q_min) == (-least / scale).round_ties_even() as i64;
            let middle = if q_min < 0 { 0 } else { i32::midpoint(q_min, q_max + 1) };
            affine || is_near(2.0 * largest.max(-least) / steps) && zero_point == middle
        });
        agree && told
    }

    /// As the parameters of a layer's input; `None` where it has none.
    fn input(&self) -> Option<Result<ActivationParams, ParamsError>> {
        let zero_point = self.zero_points().next().filter(|_| self.channels() == Some(1))?;
        Some(self.range(false).and_then(|range| ActivationParams::new(self.scales[0], zero_point, range)))
    }

    /// As the parameters of a weight of so many output channels; `None` where it is of others.
    fn weight(&self, outputs: usize) -> Option<Result<WeightParams, ParamsError>> {
        self.channels().filter(|&channels| channels == 1 || channels == outputs)?;
        let zero_points = self.zero_points().collect();
        Some(self.range(true).and_then(|range| WeightParams::new(self.scales.clone(), zero_points, range)))
    }
}

/// The fake quantizers of a checkpoint: of weights and of outputs, by module.
#[derive(Debug, Default)]
struct FakeQuantizers {
    weights: BTreeMap<String, FakeQuantizer>,
    outputs: BTreeMap<String, FakeQuantizer>,
    /// FX's, which have no module's name.
    numbered: BTreeSet<String>,
}

impl FakeQuantizers {
    fn new(state: &BTreeMap<String, Tensor>) -> Self {
        let mut all = FakeQuantizers::default();
        for (name, tensor) in state {
            let parts: Vec<&str> = name.split('.').collect();
            let Some(at) = parts.iter().position(|part| *part == OF_WEIGHT || *part == OF_OUTPUT) else {
                all.numbered.extend(parts.into_iter().find(|part| part.starts_with(OF_OUTPUT)).map(str::to_owned));
                continue;
            };
            let of = if parts[at] == OF_WEIGHT { &mut all.weights } else { &mut all.outputs };
            let quantizer = of.entry(parts[..at].join(".")).or_default();
            let part = match parts[at + 1..] {
                ["scale"] => &mut quantizer.scales,
                ["zero_point"] => &mut quantizer.zero_points,
                [OF_OUTPUT, "min_val" | "min_vals"] => &mut quantizer.least,
                [OF_OUTPUT, "max_val" | "max_vals"] => &mut quantizer.largest,
                _ => continue,
            };
            *part = tensor.flatten_all().and_then(|flat| flat.to_dtype(DType::F32)?.to_vec1()).unwrap_or_default();
        }
        all
    }
}

/// The parameters that fake quantizers give the layers of `graph`, of those that have both.
///
/// # Errors
/// When one of these cannot be used: it names the file and the layer.
pub(super) fn params(
    graph: &Graph,
    state: &BTreeMap<String, Tensor>,
    path: &Path,
    blake3: &str,
) -> Result<Option<(ParamsFile, String)>, ModelError> {
    if state.is_empty() {
        return Ok(None);
    }
    let quantizers = FakeQuantizers::new(state);
    let network = Network::new(graph, &quantizers.outputs);
    let mut layers = BTreeMap::new();
    let mut count = 0;
    for node in graph.nodes().iter().filter(|node| node.op().as_layer().is_some()) {
        count += 1;
        let (module, outputs) = (network.module(node), node.inputs()[1..].first().map(|&id| graph.ty(id).sizes(1)));
        let weight = quantizers.weights.get(module).zip(outputs);
        let weight = weight.and_then(|(quantizer, sizes)| quantizer.weight(*sizes.first()?));
        let input = network.quantizer_of(node.inputs()[0]).and_then(FakeQuantizer::input);
        if let Some((input, weight)) = input.zip(weight) {
            let failed =
                |source| ModelError::FakeQuantizer { path: path.to_owned(), layer: node.name().to_owned(), source };
            let params = LayerParams::new(input.map_err(failed)?, weight.map_err(failed)?);
            layers.insert(node.name().to_owned(), params);
        }
    }
    let mut note = format!("fake quantizers of the checkpoint give {} of {count} layers their scales", layers.len());
    if !quantizers.numbered.is_empty() {
        note += ", those that FX numbers (activation_post_process_0, ...) none: their modules are not known";
    }
    let file = ParamsFile { layers, blake3: blake3.to_owned(), ..ParamsFile::default() };
    Ok(Some((file, note)))
}

/// A graph by what makes its values, beside the fake quantizers of outputs.
struct Network<'a> {
    graph: &'a Graph,
    outputs: &'a BTreeMap<String, FakeQuantizer>,
    makers: HashMap<ValueId, &'a Node>,
    /// Names of nodes, and modules of layers.
    names: BTreeSet<&'a str>,
}

impl<'a> Network<'a> {
    fn new(graph: &'a Graph, outputs: &'a BTreeMap<String, FakeQuantizer>) -> Self {
        let nodes = graph.nodes().iter();
        let makers = nodes.flat_map(|node| node.outputs().iter().map(move |&output| (output, node))).collect();
        let mut network = Network { graph, outputs, makers, names: BTreeSet::new() };
        network.names = graph.nodes().iter().flat_map(|node| [node.name(), network.module(node)]).collect();
        network
    }

    /// The module that a node is: the one whose weight it takes, where it has one.
    fn module(&self, node: &'a Node) -> &'a str {
        let weight = node.inputs().get(1).map(|&id| self.graph.value_name(id));
        weight.and_then(|name| name.strip_suffix(".weight")).unwrap_or(node.name())
    }

    /// The fake quantizer that `value` has passed last.
    fn quantizer_of(&self, mut value: ValueId) -> Option<&'a FakeQuantizer> {
        loop {
            if self.graph.inputs().contains(&value) {
                return self.outputs.get("quant");
            }
            let node = *self.makers.get(&value)?;
            let own = self.outputs.get(node.name()).or_else(|| self.outputs.get(self.module(node)));
            if own.is_some() {
                return own;
            }
            if !keeps_scale(node) {
                return self.functional(node);
            }
            value = node.inputs()[0];
        }
    }

    /// That of a `FloatFunctional`, which the graph does not know by its name: the only one in the module of the
    /// operator that no node is.
    fn functional(&self, node: &Node) -> Option<&'a FakeQuantizer> {
        let scope = |name: &'a str| name.rsplit_once('.').map_or("", |(scope, _)| scope);
        let of_node = node.name().rsplit_once('.').map_or("", |(scope, _)| scope);
        let is_other = |name: &str| !self.names.contains(name) && name != "quant";
        let mut here = self.outputs.iter().filter(|(name, _)| scope(name) == of_node && is_other(name));
        let only = here.next().filter(|_| node.op().as_layer().is_none())?;
        here.next().is_none().then_some(only.1)
    }
}

/// Whether PyTorch's modules of this kind leave their input's scale as it is: those that move, select or clip values,
/// means of them, and batch normalizations, which are part of the layer before.
fn keeps_scale(node: &Node) -> bool {
    matches!(node.op().kept_inputs(), KeptInputs::First)
        || node.op().as_clip().is_some()
        || matches!(
            node.op().kind(),
            "relu" | "relu6" | "average_pool" | "global_average_pool" | "adaptive_average_pool" | "batch_norm"
        )
}

/// Gives batch normalizations the names that they have in `architecture`: modules that are fused with a convolution
/// have them as `NAME.bn`.
pub(super) fn rename_fused_norms(tensors: &mut BTreeMap<String, Tensor>, architecture: &Architecture) {
    let Ok(graph) = architecture.build(architecture.input, architecture.num_classes, None) else { return };
    let parameter = |node: &Node| {
        let name = graph.value_name(*node.inputs().get(1)?);
        name.strip_suffix(".weight").map(str::to_owned)
    };
    let layers: HashMap<ValueId, &Node> = graph.nodes().iter().map(|node| (node.outputs()[0], node)).collect();
    for norm in graph.nodes().iter().filter(|node| node.op().kind() == "batch_norm") {
        let layer = layers.get(&norm.inputs()[0]).and_then(|layer| parameter(layer));
        let Some((layer, norm)) = layer.zip(parameter(norm)) else { continue };
        for part in ["weight", "bias", "running_mean", "running_var"] {
            if let Some(tensor) = tensors.remove(&format!("{layer}.bn.{part}")) {
                tensors.insert(format!("{norm}.{part}"), tensor);
            }
        }
    }
}
