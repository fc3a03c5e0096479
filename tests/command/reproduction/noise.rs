//! The published noise model beside this program's, both held against what is measured: from the integers of a dump,
//! one product after the other.

use super::{assert_rounds_to, rows};
use crate::common::{Folder, number, text};
use crate::dump::array;
use serde_json::Value;
use std::path::Path;

/// A convolution's integers, patch by patch: a row of activations for each output position, as bytes, and a row of weights
/// for each output channel.
struct Operands {
    patches: Vec<Vec<u8>>,
    weights: Vec<Vec<i8>>,
    /// Whether activations are in two's complement.
    is_signed: bool,
}

fn sizes(value: &Value) -> Vec<usize> {
    serde_json::from_value(value.clone()).unwrap()
}

/// Bytes of an array of a dump.
fn bytes(folder: &Folder, array_of: &Value) -> Vec<u8> {
    array(folder, &format!("dump/{}", text(array_of, "/files/npy")), 1).into_iter().map(|byte| byte as u8).collect()
}

impl Operands {
    fn read(folder: &Folder, layer: &Value) -> Self {
        assert_eq!(layer["input"]["zero_point"], 0);
        let is_signed = text(layer, "/input/dtype") == "int8";
        let (input, weight) = (bytes(folder, &layer["input"]), bytes(folder, &layer["weight"]));
        let geometry = &layer["geometry"];
        let [channels, height, width] = sizes(&layer["input"]["shape"])[1..] else { panic!("{layer}") };
        let [kernel, output, stride, padding] =
            ["kernel", "output", "stride", "padding"].map(|key| sizes(&geometry[key]));
        let mut patches = Vec::new();
        for image in input.chunks(channels * height * width) {
            for y in 0..output[0] {
                for x in 0..output[1] {
                    let taps = (0..channels * kernel[0] * kernel[1]).map(|tap| {
                        let (channel, place) = (tap / (kernel[0] * kernel[1]), tap % (kernel[0] * kernel[1]));
                        let row = (y * stride[0] + place / kernel[1]).checked_sub(padding[0]);
                        let column = (x * stride[1] + place % kernel[1]).checked_sub(padding[1]);
                        let inside = row.zip(column).filter(|&(row, column)| row < height && column < width);
                        inside.map_or(0, |(row, column)| image[(channel * height + row) * width + column])
                    });
                    patches.push(taps.collect());
                }
            }
        }
        let fan_in = channels * kernel[0] * kernel[1];
        let weights = weight.chunks(fan_in).map(|row| row.iter().map(|byte| byte.cast_signed()).collect()).collect();
        Operands { patches, weights, is_signed }
    }
}

/// Standard deviation of a population.
fn deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    (values.map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()
}

/// Of a layer's errors, relative to the deviation of its exact sums: what is measured, what follows from one histogram of
/// all activations, and what follows from those of single patches.
fn deviations(operands: &Operands, term: impl Fn(u8, i8) -> i64) -> [f64; 3] {
    let (patches, weights) = (&operands.patches, &operands.weights);
    let activation = |a: u8| if operands.is_signed { i64::from(a.cast_signed()) } else { i64::from(a) };
    let exact_product = |a: u8, w: i8| activation(a) * i64::from(w);
    let error = |a: u8, w: i8| (term(a, w) - exact_product(a, w)) as f64;
    let mut histogram = [0f64; 256];
    weights.iter().flatten().for_each(|&w| histogram[usize::from(w.cast_unsigned())] += 1.0);
    let all: f64 = histogram.iter().sum();
    // The mean error, and the mean squared one, of each activation over all weights.
    let expected: Vec<[f64; 2]> = (0..=255u8)
        .map(|a| {
            let errors = (0..=255u8).map(|w| (histogram[usize::from(w)] / all, error(a, w.cast_signed())));
            errors
                .fold([0.0; 2], |[mean, square], (share, error)| [mean + share * error, square + share * error * error])
        })
        .collect();
    let fan_in = patches[0].len() as f64;
    // Sums over a patch, then over all of them.
    let of_patches: Vec<[f64; 2]> = patches
        .iter()
        .map(|patch| {
            patch
                .iter()
                .map(|&a| expected[usize::from(a)])
                .fold([0.0; 2], |sums, of| [sums[0] + of[0], sums[1] + of[1]])
        })
        .collect();
    let count = of_patches.len() as f64;
    let [mean, square] = [0, 1].map(|at| of_patches.iter().map(|of| of[at]).sum::<f64>() / count / fan_in);
    let global = (fan_in * (square - mean * mean)).sqrt();
    // Within patches, and between them.
    let within = of_patches.iter().map(|[mean, square]| square - mean * mean / fan_in).sum::<f64>() / count;
    let between = deviation(of_patches.iter().map(|of| of[0]));
    let local = (within + between * between).sqrt();
    let sums = |term: &dyn Fn(u8, i8) -> i64| -> Vec<f64> {
        let pairs = patches.iter().flat_map(|patch| weights.iter().map(move |row| patch.iter().zip(row)));
        pairs.map(|pairs| pairs.map(|(&a, &w)| term(a, w)).sum::<i64>() as f64).collect()
    };
    let (exact, found) = (sums(&exact_product), sums(&term));
    let measured = deviation(found.iter().zip(&exact).map(|(found, exact)| found - exact));
    let scale = deviation(exact.iter().copied());
    [measured / scale, global / scale, local / scale]
}

#[test]
fn the_published_noise_model_stands_beside_this_one() {
    let folder = Folder::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/resnet8/calibration.safetensors");
    let args = format!(
        "--model resnet8 --data {} --limit 16 --calib-samples 16 --weight-scheme per-tensor --lut drum-4 --layer-errors",
        data.display()
    );
    let report = folder.json(&format!("{args} --dump dump --dump-samples 16"));
    let index = folder.read_json("dump/index.json");
    let rows = rows("layer");
    assert_eq!(rows.len(), 9);
    for row in rows {
        let [name, measured, predicted, global, local] = row.as_slice() else { panic!("{row:?}") };
        let named = |layers: &Value| -> Value {
            layers.as_array().unwrap().iter().find(|layer| text(layer, "/name") == name).unwrap().clone()
        };
        let (reported, layer) = (named(&report["layers"]), named(&index["layers"]));
        let terms = array(&folder, &format!("dump/{}", text(&layer, "/lut/files/npy")), 4);
        let term = |a: u8, w: i8| {
            i64::from((terms[usize::from(a) * 256 + usize::from(w.cast_unsigned())] as u32).cast_signed())
        };
        let found = deviations(&Operands::read(&folder, &layer), term);
        [measured, global, local].iter().zip(found).for_each(|(stated, found)| assert_rounds_to(found, stated, name));
        let [own, ours] = ["/error/relative_std", "/predicted/stdev"].map(|key| number(&reported, key));
        assert!((own / found[0] - 1.0).abs() < 1e-3, "{name}: {own} is reported, {} computed", found[0]);
        assert_rounds_to(ours, predicted, name);
        let within = |found: f64, by: f64| (found / own - 1.0).abs() < by;
        assert!(within(ours, 0.1), "{name}: {ours}, measured {own}");
        assert!(name != "layer1.0.conv1" || !within(found[1], 0.3), "{name}: {found:?}");
    }
}
