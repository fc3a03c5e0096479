//! Transformers of the zoo with their attention on a multiplier.

use crate::graph::Graph;
use crate::graph::pass::swap_layers;
use crate::kernel::{self, Signedness};
use crate::layer::InferenceMode;
use crate::lut::{Coding, Lut};
use crate::quant::{Observer, QuantConfig};
use crate::zoo::{Architecture, random_weights};
use candle_core::{Device, Tensor};

/// The network `name` for small images, quantized for `lut` by two of them, which are returned too.
fn quantized(name: &str, coding: Coding, lut: &Lut) -> (Graph, Tensor) {
    let mut graph = Architecture::find(name).unwrap().build([3, 48, 48], 7, None).unwrap();
    graph.bind(random_weights(&graph, 5)).unwrap();
    swap_layers(&mut graph).unwrap();
    let pixels = (0..2 * 3 * 48 * 48).map(|i| (1e-3 * f64::from(i * i)).sin() as f32);
    let images = Tensor::from_iter(pixels, &Device::Cpu).unwrap().reshape((2, 3, 48, 48)).unwrap();
    let elements = graph.layer_input_elements();
    for (layer, elements) in graph.layers_mut().zip(elements) {
        layer.begin_calibration(elements.map(|elements| Observer::MinMax.start(2 * elements)));
    }
    graph.run(std::slice::from_ref(&images), 0).unwrap();
    for layer in graph.layers_mut() {
        layer.finish_calibration(&QuantConfig::new(coding), Some(lut), kernel::best()).unwrap();
    }
    (graph, images)
}

fn logits(graph: &mut Graph, images: &Tensor, mode: InferenceMode) -> Vec<Vec<f32>> {
    graph.layers_mut().for_each(|layer| layer.set_mode(mode));
    graph.run(std::slice::from_ref(images), 0).unwrap()[0].to_vec2().unwrap()
}

#[test]
fn exact_tables_equal_quant_in_every_layer() {
    for coding in [Coding::Signed, Coding::SignMagnitude, Coding::Affine] {
        let exact = Lut::from_fn("exact", coding.table_signedness(), |a, b| a * b);
        let (mut graph, images) = quantized("deit_tiny", coding, &exact);
        assert_eq!(graph.layers().filter(|layer| layer.as_weighted().is_none()).count(), 24, "two a block");
        let quant = logits(&mut graph, &images, InferenceMode::Quantized);
        assert_eq!(logits(&mut graph, &images, InferenceMode::Approximate), quant, "{coding}");
        // Samples one by one are the same.
        let one = logits(&mut graph, &images.narrow(0, 1, 1).unwrap(), InferenceMode::Approximate);
        assert_eq!(one[0], quant[1], "{coding}");
        let base = logits(&mut graph, &images, InferenceMode::Baseline);
        let (largest, worst) = quant
            .iter()
            .flatten()
            .zip(base.iter().flatten())
            .fold((0f32, 0f32), |(y, d), (a, b)| (y.max(b.abs()), d.max((a - b).abs())));
        assert!(worst > 0.0 && worst < 0.2 * largest, "{coding}: {worst} of {largest}");
    }
}

/// A multiplier changes what attention makes of an image, and nothing before it.
#[test]
fn attention_alone_takes_a_multiplier() {
    let rough = Lut::from_fn("rough", Signedness::Unsigned, |a, b| (a & !31) * (b & !31));
    let (mut graph, images) = quantized("deit_tiny", Coding::SignMagnitude, &rough);
    let quant = logits(&mut graph, &images, InferenceMode::Quantized);
    for layer in graph.layers_mut().filter(|layer| layer.as_weighted().is_none()) {
        layer.set_mode(InferenceMode::Approximate);
    }
    let attention = graph.run(std::slice::from_ref(&images), 0).unwrap()[0].to_vec2::<f32>().unwrap();
    assert!(attention != quant && attention.iter().flatten().all(|y| y.is_finite()));
}
