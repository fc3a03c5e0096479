//! What quantizing a layer again keeps, seen by a kernel that counts what it packs.

use super::numbers;
use crate::kernel::{
    EffectiveTable, IntegerDot, Kernel, PackedWeights, PreparedTable, Rates, Scalar, Signedness, WeightMatrix,
};
use crate::layer::{ApproxLayer, ApproxLinear, InferenceMode};
use crate::lut::{Coding, Lut};
use crate::quant::{ActivationParams, IntRange, LayerParams, WeightParams};
use candle_core::{Device, Module, Tensor};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The scalar kernel, where it looks up, with a record of the tables that weights were packed for.
struct Counting {
    packed: Mutex<Vec<bool>>,
    /// How often weights were laid out as integers, or that was considered.
    laid_out: AtomicUsize,
    /// Addresses of the weights: bytes that are kept stay in their place.
    weights: Mutex<Vec<usize>>,
}

impl Kernel for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn is_supported(&self) -> bool {
        true
    }

    fn plane_bits(&self) -> u32 {
        Scalar.plane_bits()
    }

    fn integers(&self) -> IntegerDot {
        self.laid_out.fetch_add(1, Ordering::Relaxed);
        Scalar.integers()
    }

    fn rates(&self) -> Rates {
        // No sum of products is worth it.
        Rates { product: 1e9, ..Scalar.rates() }
    }

    fn pack(&self, table: &EffectiveTable, weights: WeightMatrix) -> Box<dyn PackedWeights> {
        self.packed.lock().unwrap().push(table.is_exact());
        self.weights.lock().unwrap().push(weights.row(0).as_ptr().addr());
        Scalar.pack(table, weights)
    }

    fn prepare(&self, table: &EffectiveTable) -> Box<dyn PreparedTable> {
        Scalar.prepare(table)
    }
}

fn counting() -> &'static Counting {
    Box::leak(Box::new(Counting { packed: Mutex::default(), laid_out: AtomicUsize::new(0), weights: Mutex::default() }))
}

impl Counting {
    /// How often weights were laid out as integers since the last call, or that was considered.
    fn laid_out(&self) -> usize {
        self.laid_out.swap(0, Ordering::Relaxed)
    }

    /// What was packed since the last call.
    fn take(&self) -> Vec<bool> {
        std::mem::take(&mut self.packed.lock().unwrap())
    }
}

fn layer() -> ApproxLinear {
    let weight = Tensor::from_vec(numbers(1, 5 * 7), (5, 7), &Device::Cpu).unwrap();
    ApproxLinear::new("fc", &weight, None).unwrap()
}

fn params(weight_scale: f32) -> LayerParams {
    let range = IntRange::new(-127, 127).unwrap();
    LayerParams::new(
        ActivationParams::new(0.02, 0, range).unwrap(),
        WeightParams::new(vec![weight_scale; 5], vec![0; 5], range).unwrap(),
    )
}

fn lut(mask: i32) -> Lut {
    Lut::from_fn("masked", Signedness::Signed, |a, b| (a & mask) * b)
}

fn output(layer: &ApproxLinear) -> Vec<Vec<f32>> {
    let input = Tensor::from_vec(numbers(2, 3 * 7), (3, 7), &Device::Cpu).unwrap();
    layer.forward(&input).unwrap().to_vec2().unwrap()
}

/// Of thirty multipliers in one process, each costs the packing of its own table and nothing else.
#[test]
fn a_multiplier_costs_the_packing_of_its_table() {
    let (kernel, mut layer) = (counting(), layer());
    let quantize = |layer: &mut ApproxLinear, lut: &Lut| {
        layer.quantize(params(0.02), Coding::Signed, Some(lut), kernel).unwrap();
    };
    quantize(&mut layer, &lut(!1));
    assert!(kernel.take().is_empty(), "nothing was computed");
    layer.set_mode(InferenceMode::Approximate);
    for i in 0..30 {
        let lut = lut(!(i + 1));
        quantize(&mut layer, &lut);
        let found = [output(&layer), output(&layer)];
        assert_eq!(kernel.take(), [false], "multiplier {i}");
        // The same bits as a layer that is quantized for the first time.
        let mut fresh = self::layer();
        fresh.quantize(params(0.02), Coding::Signed, Some(&lut), &Scalar).unwrap();
        fresh.set_mode(InferenceMode::Approximate);
        assert_eq!(found, [output(&fresh), output(&fresh)], "multiplier {i}");
        // The same table again, as where another layer's multiplier changes.
        quantize(&mut layer, &lut);
        output(&layer);
        assert!(kernel.take().is_empty(), "multiplier {i} again");
    }
    let weights = std::mem::take(&mut *kernel.weights.lock().unwrap());
    assert!(weights.iter().all(|&address| address == weights[0]), "bytes are made once");
}

#[test]
fn exact_products_are_packed_where_they_are_used() {
    let (kernel, mut layer) = (counting(), layer());
    for mask in [!1, !2] {
        layer.quantize(params(0.02), Coding::Signed, Some(&lut(mask)), kernel).unwrap();
        for mode in [InferenceMode::Baseline, InferenceMode::Quantized, InferenceMode::Noise] {
            layer.set_mode(mode);
            output(&layer);
        }
    }
    assert_eq!((kernel.laid_out(), kernel.take()), (1, vec![]), "once for all modes and multipliers");
    layer.set_mode(InferenceMode::Approximate);
    output(&layer);
    assert_eq!(kernel.take(), [false]);
    kernel.laid_out();
    // Other parameters are other bytes.
    layer.set_mode(InferenceMode::Quantized);
    layer.quantize(params(0.03), Coding::Signed, Some(&lut(!2)), kernel).unwrap();
    let found = output(&layer);
    assert_eq!((kernel.laid_out(), kernel.take()), (1, vec![]));
    let mut fresh = self::layer();
    fresh.quantize(params(0.03), Coding::Signed, None, &Scalar).unwrap();
    fresh.set_mode(InferenceMode::Quantized);
    assert_eq!(found, output(&fresh));
}
