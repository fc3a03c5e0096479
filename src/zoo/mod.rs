//! Known architectures, and models: an architecture with its weights and what its input looks like.
//!
//! An [`Architecture`] builds a [`Graph`] whose parameters are named as
//! torchvision, timm or the architecture's own reference implementation name them, so that a state
//! dict from there binds as it is. [`ARCHITECTURES`] is the registry: one file a family, one line a
//! network. A [`Model`] is one of them with weights: shipped with the crate, in a model directory, or
//! a bare safetensors file.

mod builder;
mod cifar_resnet;
mod config;
mod lenet;
mod mobilenet_v2;
mod model;
mod random;
mod resnet;
mod resnet8;
mod shipped;
#[cfg(test)]
mod tests;
mod weights;

pub use builder::{Activation, Builder, Conv2d};
pub use config::{InputConfig, ModelConfig};
pub use model::{Calibration, Model, ModelError};
pub use random::random_weights;
pub use shipped::{SHIPPED, Shipped};
pub use weights::{Weights, WeightsError};

use crate::graph::{Graph, GraphError, ValueId, ValueType};

/// A network that can be built by name.
pub struct Architecture {
    /// Its name, as torchvision, timm or the paper has it.
    pub name: &'static str,
    /// What it is and where it comes from, in a line.
    pub summary: &'static str,
    /// Channels, height and width of an image, unless asked for otherwise.
    pub input: [usize; 3],
    /// Classes, unless asked for otherwise.
    pub num_classes: usize,
    build: fn(&mut Builder, ValueId) -> Result<ValueId, GraphError>,
}

/// Every architecture, by name.
pub static ARCHITECTURES: &[Architecture] = &[
    lenet::LENET5,
    resnet8::RESNET8,
    cifar_resnet::RESNET20,
    cifar_resnet::RESNET32,
    cifar_resnet::RESNET44,
    cifar_resnet::RESNET56,
    resnet::RESNET18,
    resnet::RESNET34,
    resnet::RESNET50,
    resnet::RESNET101,
    resnet::RESNET152,
    resnet::RESNEXT50_32X4D,
    resnet::WIDE_RESNET50_2,
    mobilenet_v2::MOBILENET_V2,
];

/// An architecture that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown architecture '{found}', expected one of {}", names().join(", "))]
pub struct UnknownArchitecture {
    found: String,
}

fn names() -> Vec<&'static str> {
    ARCHITECTURES.iter().map(|architecture| architecture.name).collect()
}

impl Architecture {
    /// A classifier of ImageNet's 1,000 classes by images of 224 x 224.
    const fn imagenet(
        name: &'static str,
        summary: &'static str,
        build: fn(&mut Builder, ValueId) -> Result<ValueId, GraphError>,
    ) -> Self {
        Architecture { name, summary, input: [3, 224, 224], num_classes: 1000, build }
    }

    /// The architecture called `name`.
    ///
    /// # Errors
    /// Lists the names that exist.
    pub fn find(name: &str) -> Result<&'static Architecture, UnknownArchitecture> {
        let found = ARCHITECTURES.iter().find(|architecture| architecture.name == name);
        found.ok_or_else(|| UnknownArchitecture { found: name.to_owned() })
    }

    /// Its graph for images of `input` (channels, height, width) and `num_classes` outputs. Where
    /// implementations name or build a part differently, `weights` decides; without, the reference.
    ///
    /// # Errors
    /// When the network cannot take such images.
    pub fn build(&self, input: [usize; 3], num_classes: usize, weights: Option<&Weights>) -> Result<Graph, GraphError> {
        let mut graph = Graph::new();
        let images = graph.input("input", ValueType::batch_of(&input))?;
        let mut builder = Builder::new(&mut graph, num_classes, weights);
        let logits = (self.build)(&mut builder, images)?;
        graph.set_outputs(&[logits]);
        Ok(graph)
    }
}
