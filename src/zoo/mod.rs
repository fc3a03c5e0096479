//! Known architectures.
//!
//! An [`Architecture`] builds a [`Graph`] whose parameters are named as
//! torchvision, timm or the architecture's own reference implementation name them, so that a state
//! dict from there binds as it is. [`ARCHITECTURES`] is the registry: one file a family, one line a
//! network. With weights, one of them is a [`Model`](crate::model::Model).

mod alexnet;
mod autoencoder;
mod builder;
mod cifar_resnet;
mod convnext;
mod densenet;
mod ds_cnn;
mod efficientnet;
mod inverted_residual;
mod lenet;
mod mnasnet;
mod mobilenet_v1;
mod mobilenet_v2;
mod mobilenet_v3;
mod random;
mod resnet;
mod resnet8;
mod shufflenet_v2;
mod squeezenet;
#[cfg(test)]
mod tests;
mod vgg;
mod vit;

pub use builder::{Activation, Builder, Conv2d};
pub use random::random_weights;

use crate::graph::{Graph, GraphError, ValueId, ValueType};
use crate::registry::{Named, Registry, UnknownName};
use candle_core::Tensor;
use std::collections::BTreeMap;

/// Tensors by the names that a graph's parameters have.
pub type StateDict = BTreeMap<String, Tensor>;

/// A network that can be built by name.
pub struct Architecture {
    /// Its name, as torchvision, timm or the paper has it.
    pub name: &'static str,
    /// Other libraries' names for it.
    pub aliases: &'static [&'static str],
    /// What it is and where it comes from, in a line.
    pub summary: &'static str,
    /// Channels, height and width of an image, unless asked for otherwise.
    pub input: [usize; 3],
    /// Classes, unless asked for otherwise.
    pub num_classes: usize,
    build: fn(&mut Builder, ValueId) -> Result<ValueId, GraphError>,
}

/// Every architecture, by name.
pub static ARCHITECTURES: Registry<Architecture> = Registry::new(
    "architecture",
    &[
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
        alexnet::ALEXNET,
        vgg::VGG11,
        vgg::VGG13,
        vgg::VGG16,
        vgg::VGG19,
        vgg::VGG11_BN,
        vgg::VGG13_BN,
        vgg::VGG16_BN,
        vgg::VGG19_BN,
        squeezenet::SQUEEZENET1_0,
        squeezenet::SQUEEZENET1_1,
        densenet::DENSENET121,
        mobilenet_v1::MOBILENET_V1,
        mobilenet_v2::MOBILENET_V2,
        mobilenet_v3::MOBILENET_V3_SMALL,
        mobilenet_v3::MOBILENET_V3_LARGE,
        mnasnet::MNASNET1_0,
        efficientnet::EFFICIENTNET_B0,
        shufflenet_v2::SHUFFLENET_V2_X1_0,
        convnext::CONVNEXT_TINY,
        vit::VIT_B_16,
        vit::DEIT_TINY,
        vit::VIT_MICRO,
        mobilenet_v1::MOBILENET_V1_025,
        ds_cnn::DS_CNN,
        autoencoder::AUTOENCODER,
    ],
);

impl Named for Architecture {
    fn name(&self) -> &'static str {
        self.name
    }

    fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    fn summary(&self) -> &'static str {
        self.summary
    }
}

impl Architecture {
    /// A classifier of ImageNet's 1,000 classes by images of 224 x 224.
    const fn imagenet(
        name: &'static str,
        summary: &'static str,
        build: fn(&mut Builder, ValueId) -> Result<ValueId, GraphError>,
    ) -> Self {
        Architecture { name, aliases: &[], summary, input: [3, 224, 224], num_classes: 1000, build }
    }

    /// The same architecture with other libraries' names for it.
    const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Architecture { aliases, ..self }
    }

    /// The architecture of that name, its own or another library's.
    ///
    /// # Errors
    /// Lists the names that exist, and those most similar to `name`.
    pub fn find(name: &str) -> Result<&'static Architecture, UnknownName> {
        ARCHITECTURES.find(name)
    }

    /// Its graph for images of `input` (channels, height, width) and `num_classes` outputs. Where
    /// implementations name or build a part differently, the names of `state_dict` decide; without, the reference.
    ///
    /// # Errors
    /// When the network cannot take such images.
    pub fn build(
        &self,
        input: [usize; 3],
        num_classes: usize,
        state_dict: Option<&StateDict>,
    ) -> Result<Graph, GraphError> {
        let mut graph = Graph::new();
        let images = graph.input("input", ValueType::batch_of(&input))?;
        let mut builder = Builder::new(&mut graph, num_classes, state_dict);
        let logits = (self.build)(&mut builder, images)?;
        graph.set_outputs(&[logits]);
        Ok(graph)
    }
}
