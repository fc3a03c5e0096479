//! What is checked: a session's network, on its first samples, under the assignments that matter.

use super::SelfcheckError;
use crate::eval::{Arithmetic, Assignment, LayerConfig, Session};
use crate::graph::{Graph, Node, OpError, RunContext};
use crate::kernel::{Clip, KERNELS, Kernel};
use crate::layer::ApproxLayer;
use crate::lut::{Coding, Lut};
use crate::printable::with_causes;
use candle_core::{Device, Tensor};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// A network, opened as its user has it.
pub struct Subject<'s> {
    pub session: &'s mut Session,
    /// The samples, in one batch.
    pub images: Tensor,
    /// The assignment that was asked for.
    pub asked: Assignment,
    /// Every layer that can be on integers: those that look up do so, all others multiply exactly.
    pub integers: Assignment,
    /// Every layer on the same integers, with exact products.
    pub quant: Assignment,
    /// Every layer in floating point.
    pub base: Assignment,
    /// Why layers cannot be quantized, where they cannot and need not.
    pub not_quantized: Option<String>,
    /// Whether some layers have no integers and stay in floating point.
    pub has_floats: bool,
}

/// A quantized layer on its way through the network, with what it reads.
pub struct Visit<'a> {
    pub layer: &'a dyn ApproxLayer,
    pub config: &'a LayerConfig,
    /// The layer's index in the network.
    pub index: usize,
    pub inputs: &'a [&'a Tensor],
    /// What the outputs are clamped to.
    pub clip: Clip,
    /// Samples of the batch.
    pub samples: usize,
}

impl<'s> Subject<'s> {
    /// The network of `session`, on its first `samples` samples.
    ///
    /// # Errors
    /// When the samples cannot be read, or layers that are to be quantized cannot be.
    pub fn new(session: &'s mut Session, samples: NonZeroUsize) -> Result<Self, SelfcheckError> {
        let images = session.first_images(samples)?;
        let asked = session.assignment().clone();
        let base = asked.with_arithmetic(&Arithmetic::Base);
        let mut quant = asked.with_arithmetic(&Arithmetic::Quant);
        let (mut not_quantized, mut has_floats) = (None, false);
        if let Some(error) = session.network(&quant).err() {
            if asked.is_quantized() {
                // Layers that are to stay in floating point may have no integers.
                has_floats = true;
                for (layer, asked) in quant.layers_mut().iter_mut().zip(asked.layers()) {
                    if !asked.mode().is_quantized() {
                        *layer = asked.clone();
                    }
                }
                session.network(&quant)?;
            } else {
                not_quantized = Some(with_causes(&error));
            }
        }
        let mut integers = quant.clone();
        for (layer, asked) in integers.layers_mut().iter_mut().zip(asked.layers()) {
            if matches!(asked.arithmetic, Arithmetic::Approx(_)) {
                *layer = asked.clone();
            }
        }
        Ok(Subject { session, images, asked, integers, quant, base, not_quantized, has_floats })
    }

    /// Samples in all.
    pub fn samples(&self) -> usize {
        self.images.dims().first().copied().unwrap_or(0)
    }

    /// The outputs of the network under `assignment`.
    ///
    /// # Errors
    /// When layers cannot be quantized, or the network fails.
    pub fn outputs(&mut self, assignment: &Assignment) -> Result<Outputs, SelfcheckError> {
        let (graph, _) = self.session.network(assignment)?;
        outputs(graph, &self.images, 0)
    }

    /// Goes through the network node by node, on integers, and shows `see` each layer that is quantized.
    ///
    /// # Errors
    /// As [`outputs`](Self::outputs), and as `see`.
    pub fn visit(&mut self, mut see: impl FnMut(&Visit) -> Result<(), OpError>) -> Result<(), SelfcheckError> {
        let (graph, _) = self.session.network(&self.integers)?;
        let mut configs = self.integers.layers().iter().enumerate();
        graph.walk(std::slice::from_ref(&self.images), |node, inputs, context| {
            if let Some(layer) = node.op().as_approximate() {
                let (index, config) = configs.next().expect("an assignment has every layer");
                let (clip, samples) = (node.op().output_clip(), context.samples);
                if layer.mode().is_quantized() {
                    see(&Visit { layer, config, index, inputs, clip, samples })?;
                }
            }
            node.op().run(inputs, context)
        })?;
        Ok(())
    }
}

/// What a network returned, all outputs one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs {
    pub values: Vec<f32>,
    /// Samples of the batch.
    samples: usize,
}

impl Outputs {
    /// The outputs of a network of these tensors.
    ///
    /// # Errors
    /// When a tensor cannot be read.
    pub fn of(tensors: &[Tensor], samples: usize) -> candle_core::Result<Self> {
        let values = tensors.iter().map(|tensor| tensor.flatten_all()?.to_vec1::<f32>());
        Ok(Outputs { values: values.collect::<candle_core::Result<Vec<_>>>()?.concat(), samples })
    }

    /// Where value `i` stands.
    pub fn place(&self, i: usize) -> String {
        let each = (self.values.len() / self.samples.max(1)).max(1);
        format!("sample {}, output {}", i / each, i % each)
    }
}

/// The outputs of a network as it is for `images`, the first being sample `first`.
///
/// # Errors
/// When the network fails.
pub fn outputs(graph: &Graph, images: &Tensor, first: u64) -> Result<Outputs, SelfcheckError> {
    let tensors = graph.run(std::slice::from_ref(images), first)?;
    Ok(Outputs::of(&tensors, images.dims().first().copied().unwrap_or(0))?)
}

/// The outputs of a network whose nodes run one after the other over tensors.
///
/// # Errors
/// When the network fails.
pub fn outputs_of_walk(
    graph: &Graph,
    images: &Tensor,
    compute: impl FnMut(&Node, &[&Tensor], &RunContext) -> Result<Vec<Tensor>, OpError>,
) -> Result<Outputs, SelfcheckError> {
    let tensors = graph.walk(std::slice::from_ref(images), compute)?;
    Ok(Outputs::of(&tensors, images.dims().first().copied().unwrap_or(0))?)
}

/// The kernels that this processor can run, best first.
pub fn kernels() -> Vec<&'static dyn Kernel> {
    KERNELS.iter().copied().filter(|kernel| kernel.is_supported()).collect()
}

/// The multiplier of exact products that takes the place of a layer's own.
pub fn exact_lut(config: &LayerConfig) -> Arc<Lut> {
    let signedness = config.quantization.coding.table_signedness();
    let exact = |a: i32, b: i32| a * b;
    Arc::new(match config.operand_lut() {
        Some(lut) => Lut::from_fn_sized("exact", signedness, lut.bits(), exact),
        None => Lut::from_fn("exact", signedness, exact),
    })
}

/// The coding of a layer's operands.
pub fn coding(config: &LayerConfig) -> Coding {
    config.quantization.coding
}

/// The values of a tensor.
///
/// # Errors
/// When it does not hold `f32`.
pub fn values(tensor: &Tensor) -> candle_core::Result<Vec<f32>> {
    tensor.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()
}
