//! Activations that one evaluation after another has in common.
//!
//! Studies change one layer at a time, and all that comes before it computes the same again and again. What stands
//! before a layer is kept here, batch by batch, and evaluations whose earlier layers compute the same go on from there.
//! Bits are the same: batches, and what is run on each, are those of an evaluation from the start.

use super::input_watch::SeenInputs;
use super::{Arithmetic, Assignment, LayerNoise};
use crate::data::{Batch, Batches};
use crate::graph::{Graph, InputObserver, Midway, RunError};
use crate::layer::ApproxLayer;
use crate::lut::{Coding, Lut};
use crate::quant::LayerParams;
use candle_core::Tensor;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of activations that are kept; later batches run from the start.
const KEPT_BYTES: usize = 1 << 30;

/// Bytes of prepared images that are kept; larger sets are prepared again for each evaluation.
const IMAGE_BYTES: usize = 1 << 28;

/// What is kept between the evaluations of a session.
#[derive(Debug, Clone, Default)]
pub(super) struct Activations {
    /// The layer before which activations are to be kept; `None` keeps nothing.
    before: Option<usize>,
    images: Option<Prepared>,
    kept: Option<Kept>,
}

/// The batches of some samples, prepared.
#[derive(Debug, Clone)]
struct Prepared {
    part: Range<usize>,
    batches: Vec<Batch>,
}

/// The batches of some samples before a layer.
#[derive(Debug, Clone)]
struct Kept {
    part: Range<usize>,
    layer: usize,
    /// What the layers before it compute.
    computed: Vec<Computation>,
    /// `None` where memory does not suffice.
    batches: Vec<Option<Midway>>,
    /// What was seen of the inputs of the layers before it.
    seen: BTreeMap<String, SeenInputs>,
}

/// All that decides what a layer computes of its inputs, beside its weights.
#[derive(Debug, Clone)]
enum Computation {
    Base,
    Quant(LayerParams),
    Approx(LayerParams, Coding, Arc<Lut>),
    /// With the seed.
    Noise(LayerParams, LayerNoise, u64),
}

impl PartialEq for Computation {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Computation::Base, Computation::Base) => true,
            (Computation::Quant(a), Computation::Quant(b)) => a == b,
            (Computation::Approx(a, coding, lut), Computation::Approx(b, other_coding, other_lut)) => {
                Arc::ptr_eq(lut, other_lut) && coding == other_coding && a == b
            }
            (Computation::Noise(a, noise, seed), Computation::Noise(b, other_noise, other_seed)) => {
                noise == other_noise && seed == other_seed && a == b
            }
            _ => false,
        }
    }
}

impl Computation {
    /// What a layer computes that was made what `assignment` says; `None` where a layer lacks what it needs, so that
    /// its run fails.
    fn all(graph: &Graph, assignment: &Assignment, seed: u64) -> Option<Vec<Self>> {
        let of = |(layer, config): (&dyn ApproxLayer, &super::LayerConfig)| {
            let params = || layer.params().cloned();
            Some(match &config.arithmetic {
                Arithmetic::Base => Computation::Base,
                Arithmetic::Quant => Computation::Quant(params()?),
                Arithmetic::Approx(lut) => Computation::Approx(params()?, config.quantization.coding, Arc::clone(lut)),
                Arithmetic::Noise(_) => Computation::Noise(params()?, config.noise(), seed),
            })
        };
        graph.layers().zip(assignment.layers()).map(of).collect()
    }
}

impl Activations {
    /// Keeps what stands before the layer of this index from the next evaluation on; `None` keeps nothing, and gives the
    /// memory back.
    pub fn keep_before(&mut self, layer: Option<usize>) {
        self.before = layer;
        if layer.is_none() {
            *self = Activations::default();
        }
    }

    /// The prepared images alone.
    pub fn images(&self) -> Self {
        Activations { images: self.images.clone(), ..Self::default() }
    }

    /// The batches of `part` of the samples of the dataset called `name`, where they are prepared.
    pub fn prepared(&self, name: &str, part: &Range<usize>) -> Option<Batches> {
        let images = self.images.as_ref().filter(|images| images.part == *part)?;
        Some(Batches::from_prepared(name, images.batches.clone()))
    }

    /// Begins an evaluation of `part` of the samples by a network whose layers are what `assignment` says, their noise of
    /// this seed. The first `whole` samples pass all layers in any case.
    pub fn begin(
        &mut self,
        part: Range<usize>,
        graph: &Graph,
        (assignment, seed): (&Assignment, u64),
        whole: u64,
    ) -> Pass {
        let Some((before, computed)) = self.before.zip(Computation::all(graph, assignment, seed)) else {
            return Pass::default();
        };
        let is_of_this = |kept: &Kept| kept.part == part && computed[..kept.layer] == kept.computed;
        let from = self.kept.take().filter(is_of_this);
        let is_new = computed.len() > before && from.as_ref().is_none_or(|from| from.layer < before);
        let to = is_new.then(|| Kept {
            part: part.clone(),
            layer: before,
            computed: computed[..before].to_vec(),
            batches: Vec::new(),
            seen: BTreeMap::new(),
        });
        let has_images = self.images.as_ref().is_some_and(|images| images.part == part);
        let images = (!has_images).then_some(Prepared { part, batches: Vec::new() });
        let passed = from.as_ref().map_or(0, |from| from.layer);
        let counts = computed[..passed].iter().any(|computed| matches!(computed, Computation::Approx(..)));
        Pass { from, to, images, image_bytes: 0, kept_bytes: 0, whole: if counts { whole } else { 0 } }
    }
}

/// An evaluation that takes what is kept, and keeps what the next one can take.
#[derive(Debug, Default)]
pub(super) struct Pass {
    from: Option<Kept>,
    to: Option<Kept>,
    images: Option<Prepared>,
    image_bytes: usize,
    kept_bytes: usize,
    /// Samples that begin at the first layer.
    whole: u64,
}

impl Pass {
    /// The outputs for the next batch, which is number `at`.
    pub fn run(
        &mut self,
        at: usize,
        graph: &Graph,
        batch: &Batch,
        observers: &[&dyn InputObserver],
    ) -> Result<Vec<Tensor>, RunError> {
        let first = batch.first as u64;
        self.keep_images(batch);
        let kept = self.from.as_mut().and_then(|from| match self.to {
            // What is replaced is given back at once.
            Some(_) => from.batches.get_mut(at)?.take(),
            None => from.batches.get(at)?.clone(),
        });
        let start = match kept.filter(|_| first >= self.whole) {
            Some(kept) => kept,
            None => graph.enter(std::slice::from_ref(&batch.images))?,
        };
        let Some(to) = &mut self.to else { return graph.finish(&start, first, observers) };
        let midway = graph.advance(&start, to.layer, first, observers)?;
        drop(start);
        let outputs = graph.finish(&midway, first, observers)?;
        self.kept_bytes += midway.bytes();
        to.batches.push((self.kept_bytes <= KEPT_BYTES).then_some(midway));
        Ok(outputs)
    }

    fn keep_images(&mut self, batch: &Batch) {
        let Some(images) = &mut self.images else { return };
        self.image_bytes += batch.images.elem_count() * size_of::<f32>();
        if self.image_bytes <= IMAGE_BYTES {
            images.batches.push(batch.clone());
        } else {
            self.images = None;
        }
    }

    /// Ends the evaluation, which saw these inputs of layers. Returns what was seen of all.
    pub fn end(
        self,
        activations: &mut Activations,
        graph: &Graph,
        mut seen: BTreeMap<String, SeenInputs>,
    ) -> BTreeMap<String, SeenInputs> {
        let Pass { from, to, images, .. } = self;
        if let Some(from) = &from {
            seen.extend(from.seen.iter().map(|(name, seen)| (name.clone(), *seen)));
        }
        activations.images = images.or(activations.images.take());
        activations.kept = to.map_or(from, |mut to| {
            let names = graph.layers().take(to.layer).map(ApproxLayer::name);
            to.seen = names.filter_map(|name| Some((name.to_owned(), *seen.get(name)?))).collect();
            Some(to)
        });
        seen
    }
}
