//! A network small enough to work by hand: calibrated, quantized and evaluated.

use super::*;
use crate::cases::for_each_case;
use crate::data::{Batches, Dataset, Preprocess, Split};
use crate::graph::op::{Flatten, Linear, Relu};
use crate::graph::{Graph, ValueType};
use crate::kernel;
use crate::layer::InferenceMode;
use crate::lut::Coding;
use crate::model::Model;
use crate::printable::with_causes;
use crate::quant::{ActivationParams, IntRange, LayerParams, Observer, ParamsFile, QuantConfig, WeightParams};
use crate::task::{Metrics, Predictions, Task};
use candle_core::{Device, Tensor};
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::Mutex;

/// Of images `[a, b, c, d]`: `fc1` and a ReLU make `(max(a, 0), max(-b, 0))`, `fc2` the logits
/// `(first, second, first + second)`.
fn model() -> Model {
    let mut graph = Graph::new();
    let x = graph.input("input", ValueType::batch_of(&[1, 2, 2])).unwrap();
    let x = graph.add_one("flatten", Flatten { axis: 1 }, &[x]).unwrap();
    let weight = graph.parameter("fc1.weight", &[2, 4], true).unwrap();
    let x = graph.add_one("fc1", Linear, &[x, weight]).unwrap();
    let x = graph.add_one("relu", Relu, &[x]).unwrap();
    let weight = graph.parameter("fc2.weight", &[3, 2], true).unwrap();
    let x = graph.add_one("fc2", Linear, &[x, weight]).unwrap();
    graph.set_outputs(&[x]);
    let fc1 = Tensor::new(&[[1f32, 0., 0., 0.], [0., -1., 0., 0.]], &Device::Cpu).unwrap();
    let fc2 = Tensor::new(&[[1f32, 0.], [0., 1.], [1., 1.]], &Device::Cpu).unwrap();
    graph.bind(BTreeMap::from([("fc1.weight".to_owned(), fc1), ("fc2.weight".to_owned(), fc2)])).unwrap();
    let mut model = Model::new("tiny", graph, [1, 2, 2], 3);
    prepare(&mut model, true).unwrap();
    model
}

/// A set of `f32` images, and the folder that it is read from.
fn dataset(images: &[[f32; 4]], labels: &[i64]) -> (Dataset, tempfile::TempDir) {
    shaped(&images.concat(), &[images.len(), 1, 2, 2], labels)
}

fn shaped(pixels: &[f32], dims: &[usize], labels: &[i64]) -> (Dataset, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.safetensors");
    let tensors = HashMap::from([
        ("images", Tensor::from_slice(pixels, dims, &Device::Cpu).unwrap()),
        ("labels", Tensor::new(labels, &Device::Cpu).unwrap()),
    ]);
    candle_core::safetensors::save(&tensors, &path).unwrap();
    (crate::data::open(&path, None, Split::Test).unwrap(), folder)
}

/// The same for every layer.
fn uniform(model: &Model, mode: InferenceMode, config: &QuantConfig, stdev: f64) -> Assignment {
    let arithmetic = match mode {
        InferenceMode::Baseline => Arithmetic::Base,
        InferenceMode::Quantized => Arithmetic::Quant,
        InferenceMode::Noise => Arithmetic::Noise(NoiseSource::Given(LayerNoise { stdev, mean: 0.0 })),
        InferenceMode::Approximate => panic!("no multiplier here"),
    };
    Assignment::uniform(&model.graph, &LayerConfig { arithmetic, quantization: config.clone(), reference_lut: None })
}

/// The same for every layer, under the signed coding.
fn signed(model: &Model, mode: InferenceMode, stdev: f64) -> Assignment {
    uniform(model, mode, &QuantConfig::new(Coding::Signed), stdev)
}

fn calibrated(
    images: &[[f32; 4]],
    limit: Option<usize>,
    config: &QuantConfig,
) -> Result<(usize, Model), CalibrationError> {
    let (mut model, (set, _folder)) = (model(), dataset(images, &vec![0; images.len()]));
    let assignment = uniform(&model, InferenceMode::Quantized, config, 0.0);
    let (observed, samples) = observe(&mut model, set, Preprocess::default(), limit, config.observer, &Silent)?;
    quantize_observed(&mut model.graph, &observed, &assignment, kernel::best())?;
    Ok((samples, model))
}

/// Scale, zero point and range of each layer's input.
fn inputs(model: &Model) -> Vec<(f32, i32, i32, i32)> {
    let input = |layer: &dyn crate::layer::ApproxLayer| {
        let input = layer.params().unwrap().input;
        (input.scale(), input.zero_point(), input.range().q_min(), input.range().q_max())
    };
    model.graph.layers().map(input).collect()
}

/// More images than fit a batch of 64, the largest last: `fc1` sees -34.5 to 69, `fc2` 0 to 69.
#[test]
fn scales_are_those_of_the_whole_set() {
    let images: Vec<[f32; 4]> = (0..70).map(|i| [i as f32, -(i as f32) / 2.0, 0.5, -3.0]).collect();
    let signed = QuantConfig::new(Coding::Signed);
    let cases = [
        (signed.clone(), None, [(69.0 / 127.0, 0, -127, 127), (69.0 / 127.0, 0, -127, 127)]),
        // The first 64, and no more.
        (signed.clone(), Some(64), [(63.0 / 127.0, 0, -127, 127), (63.0 / 127.0, 0, -127, 127)]),
        // Fewer than a batch: -3 has the largest magnitude that fc1 sees.
        (signed, Some(3), [(3.0 / 127.0, 0, -127, 127), (2.0 / 127.0, 0, -127, 127)]),
        (QuantConfig::new(Coding::SignMagnitude), None, [(69.0 / 127.0, 0, -127, 127), (69.0 / 255.0, 0, 0, 255)]),
        // 34.5 / (103.5 / 255) is 85.
        (QuantConfig::new(Coding::Affine), None, [(103.5 / 255.0, 85, 0, 255), (69.0 / 255.0, 0, 0, 255)]),
    ];
    for_each_case(cases, |(config, limit, expected)| {
        let (samples, model) = calibrated(&images, limit, &config).unwrap();
        assert_eq!(samples, limit.unwrap_or(70));
        assert_eq!(inputs(&model), expected, "{} {limit:?}", config.coding);
    });
}

#[test]
fn percentiles_are_those_of_the_samples_seen() {
    // fc1 sees 0 to 19, fc2 0, 4, 8, 12, 16 and five zeros.
    let images: Vec<[f32; 4]> = (0..5u8).map(|i| [0, 1, 2, 3].map(|j| f32::from(4 * i + j))).collect();
    let config = QuantConfig { observer: Observer::Percentile(75.0), ..QuantConfig::new(Coding::SignMagnitude) };
    let cases = [
        // 0.75 * 19 is 14.25; 0.75 * 9 is 6.75, between 4 and 8.
        (None, [14.25 / 255.0, 7.0 / 255.0]),
        // 0.75 * 7 is 5.25; 0.75 * 3 is 2.25, between the third zero and 4.
        (Some(2), [5.25 / 255.0, 1.0 / 255.0]),
    ];
    for (limit, scales) in cases {
        let (_, model) = calibrated(&images, limit, &config).unwrap();
        assert_eq!(inputs(&model), scales.map(|scale| (scale, 0, 0, 255)), "{limit:?}");
    }
}

#[test]
fn weights_have_scales_by_channel() {
    let (_, model) = calibrated(&[[1.0; 4]], None, &QuantConfig::new(Coding::Signed)).unwrap();
    for layer in model.graph.layers() {
        let weight = &layer.params().unwrap().weight;
        assert_eq!(weight.scales(), vec![1.0 / 127.0; weight.scales().len()]);
        assert_eq!(weight.scales().len(), layer.as_weighted().unwrap().weight().dims()[0]);
    }
}

#[test]
fn sets_that_cannot_calibrate_are_refused() {
    let config = QuantConfig::new(Coding::Signed);
    let error = calibration_data(&model()).unwrap_err().to_string();
    for part in ["'tiny'", "calibration set", "quantization parameters"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(calibration_data(&model()).unwrap_err().keys(), ["calib_data", "qparams"]);
    let (set, _folder) = shaped(&[0.0; 9], &[1, 1, 3, 3], &[0]);
    let (mut tiny, plain) = (model(), Preprocess::default());
    let error = observe(&mut tiny, set, plain, None, config.observer, &Silent).unwrap_err();
    assert_eq!(
        error.to_string(),
        "calibration images are [1, 3, 3] (channels, height, width), but the network takes [1, 2, 2]"
    );
    let infinite = calibrated(&[[1.0; 4], [f32::INFINITY, 0.0, 0.0, 0.0]], None, &config).map(|_| ()).unwrap_err();
    let message = with_causes(&infinite);
    assert!(message.contains("layer 'fc1'") && message.contains("inf"), "{message}");
}

fn per_tensor(scale: f32) -> LayerParams {
    let range = IntRange::new(-127, 127).unwrap();
    LayerParams::new(
        ActivationParams::new(scale, 0, range).unwrap(),
        WeightParams::new(vec![1.0], vec![0], range).unwrap(),
    )
}

fn file<const N: usize>(scales: [(&str, f32); N]) -> ParamsFile {
    let layers = scales.map(|(name, scale)| (name.to_owned(), per_tensor(scale))).into();
    ParamsFile { layers, ..ParamsFile::default() }
}

#[test]
fn parameters_go_out_and_in_by_name() {
    let mut file = file([("fc1", 0.5), ("fc2", 0.25), ("fc9", 1.0)]);
    let mut model = model();
    assert!(params(&model.graph).layers.is_empty());
    let assignment = signed(&model, InferenceMode::Quantized, 0.0);
    let unused = quantize(&mut model.graph, &file, &assignment, kernel::best()).unwrap();
    assert_eq!(unused, ["fc9"]);
    file.layers.remove("fc9");
    assert_eq!(params(&model.graph).layers, file.layers);

    file.layers.remove("fc1");
    let error = quantize(&mut model.graph, &file, &assignment, kernel::best()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no quantization parameters for 1 of 2 layers, 'fc1': give calibration data or parameters, or keep it in base by a \
         rule such as 'fc1:mode=base'"
    );
    // A layer that needs none may be left out.
    let mut partly = assignment.clone();
    partly.layers_mut()[0].arithmetic = Arithmetic::Base;
    assert!(quantize(&mut model.graph, &file, &partly, kernel::best()).unwrap().is_empty());
    // One scale too many for fc1's two outputs.
    let mut wide = per_tensor(1.0);
    wide.weight = WeightParams::new(vec![1.0; 3], vec![0; 3], wide.weight.range()).unwrap();
    file.layers.insert("fc1".to_owned(), wide);
    let error = quantize(&mut model.graph, &file, &assignment, kernel::best()).unwrap_err();
    assert!(with_causes(&error).starts_with("layer 'fc1'"), "{}", with_causes(&error));
}

const IMAGES: [[f32; 4]; 4] = [[1., 0., 9., 9.], [0., -2., 9., 9.], [1., -2., 9., 9.], [-5., 5., 9., 9.]];

fn batches(images: &[[f32; 4]], labels: &[i64], size: usize) -> (Batches, tempfile::TempDir) {
    let (set, folder) = dataset(images, labels);
    (Batches::start(set, Preprocess::default(), NonZeroUsize::new(size).unwrap(), None).unwrap(), folder)
}

#[test]
fn answers_are_counted() {
    let logits = [[1f32, 0., 1.], [0., 2., 2.], [1., 2., 3.], [0., 0., 0.]];
    let labels = [0, 2, 2, 1];
    let loss: f64 = logits
        .iter()
        .zip(labels)
        .map(|(row, label)| {
            let row = row.map(f64::from);
            row.iter().map(|x| x.exp()).sum::<f64>().ln() - row[label as usize]
        })
        .sum();
    for size in [1, 3, 4, 64] {
        let (batches, _folder) = batches(&IMAGES, &labels, size);
        let (mut seen, mut firsts) = (Vec::new(), Vec::new());
        let outcome = evaluate(&model(), batches, &Silent, |batch| {
            firsts.push(batch.first);
            let predictions = batch.predictions.classes().expect("a classifier predicts classes");
            assert_eq!((batch.outputs, batch.predictions.labels().len()), (3, predictions.len()));
            seen.extend(batch.logits.chunks(3).map(<[f32]>::to_vec).zip(predictions));
            Ok(())
        })
        .unwrap();
        // Ties go to the lowest class.
        let expected: Vec<_> = logits.map(|row| row.to_vec()).into_iter().zip([0, 1, 2, 0]).collect();
        assert_eq!(seen, expected);
        assert_eq!(firsts, (0..4).step_by(size).collect::<Vec<_>>());
        let Metrics::Accuracy(accuracy) = &outcome.metrics else { panic!("{:?} of a classifier", outcome.metrics) };
        assert_eq!((accuracy.correct, accuracy.total, accuracy.top1, accuracy.top5), (2, 4, 0.5, None));
        assert!((accuracy.loss - loss / 4.0).abs() < 1e-12);
    }
}

#[test]
fn modes_reach_every_layer() {
    let mut model = model();
    let noisy = signed(&model, InferenceMode::Noise, -0.5);
    let error = set_modes(&mut model.graph, &noisy, 0).unwrap_err();
    assert!(with_causes(&error).contains("layer 'fc1': stdev is -0.5"), "{}", with_causes(&error));
    let two = file([("fc1", 1.0), ("fc2", 1.0)]);
    let quantized = signed(&model, InferenceMode::Quantized, 0.0);
    quantize(&mut model.graph, &two, &quantized, kernel::best()).unwrap();
    // 0.4 rounds to 0 and 1.6 to 2, in the one layer and then in the other.
    let (rounded, _folder) = batches(&[[0.4, -1.6, 0., 0.]], &[1], 1);
    set_modes(&mut model.graph, &quantized, 0).unwrap();
    let mut logits: Vec<f32> = Vec::new();
    evaluate(&model, rounded, &Silent, |batch| {
        logits.extend(batch.logits);
        Ok(())
    })
    .unwrap();
    assert_eq!(logits, [0.0, 2.0, 2.0]);
    assert!(model.graph.layers().all(|layer| layer.mode() == InferenceMode::Quantized));
}

#[test]
fn noise_depends_on_the_seed_alone() {
    let noisy = |seed| {
        let mut model = model();
        let two = file([("fc1", 0.1), ("fc2", 0.1)]);
        let assignment = signed(&model, InferenceMode::Noise, 0.5);
        quantize(&mut model.graph, &two, &assignment, kernel::best()).unwrap();
        set_modes(&mut model.graph, &assignment, seed).unwrap();
        let (batches, _folder) = batches(&IMAGES, &[0; 4], 4);
        let mut logits = Vec::new();
        evaluate(&model, batches, &Silent, |batch| {
            logits.extend(batch.logits.to_vec());
            Ok(())
        })
        .unwrap();
        logits
    };
    assert_eq!(noisy(1), noisy(1));
    assert_ne!(noisy(1), noisy(2));
}

#[test]
fn what_cannot_be_evaluated_is_an_error() {
    let evaluated = |model: &Model, images: &[[f32; 4]], labels: &[i64]| {
        let (batches, _folder) = batches(images, labels, 2);
        with_causes(&evaluate(model, batches, &Silent, |_| Ok(())).unwrap_err())
    };
    let plain = model();
    let four = Model { outputs: 4, ..model() };
    assert_eq!(evaluated(&four, &IMAGES, &[0; 4]), "the network's output has shape [2, 3], expected [2, 4]");
    assert_eq!(evaluated(&plain, &IMAGES, &[0, 1, 2, 3]), "sample 3 has label 3, but the network knows 3 classes");
    let cases = [
        (f32::NAN, "set.safetensors: sample 3 has NaN values, the input of layer 'fc1'"),
        (f32::INFINITY, "the outputs of sample 3 have NaN or infinite values"),
    ];
    for_each_case(cases, |(x, expected)| {
        let images = [IMAGES[0], IMAGES[1], IMAGES[2], [x, 0., 0., 0.]];
        assert_eq!(evaluated(&plain, &images, &[0; 4]), expected);
    });

    let mut silent = model();
    silent.graph.set_outputs(&[]);
    assert_eq!(evaluated(&silent, &IMAGES, &[0; 4]), "the network has 0 outputs, expected 1");

    let mut unquantized = model();
    let assignment = signed(&unquantized, InferenceMode::Quantized, 0.0);
    set_modes(&mut unquantized.graph, &assignment, 0).unwrap();
    let message = evaluated(&unquantized, &IMAGES, &[0; 4]);
    assert!(message.contains("layer 'fc1'") && message.contains("needs quantization parameters"), "{message}");

    let (set, _folder) = shaped(&[0.0; 9], &[1, 1, 3, 3], &[0]);
    let other = Batches::start(set, Preprocess::default(), NonZeroUsize::MIN, None).unwrap();
    let error = evaluate(&plain, other, &Silent, |_| Ok(())).unwrap_err();
    assert_eq!(with_causes(&error), "input 'input' is f32[1, 1, 3, 3], expected f32[N, 1, 2, 2]");

    let (full, _folder) = batches(&IMAGES, &[0; 4], 2);
    let error = evaluate(&plain, full, &Silent, |_| Err(std::io::Error::other("disk full"))).unwrap_err();
    assert_eq!(with_causes(&error), "cannot write the scores: disk full");
}

/// Everything that was said of the loop.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Progress for Heard {
    fn start(&self, what: &'static str, samples: usize) {
        self.0.lock().unwrap().push(format!("{what} {samples}"));
    }

    fn advance(&self, samples: usize) {
        self.0.lock().unwrap().push(format!("+{samples}"));
    }

    fn finish(&self) {
        self.0.lock().unwrap().push("done".to_owned());
    }
}

#[test]
fn progress_adds_up() {
    let heard = Heard::default();
    let (batches, _folder) = batches(&IMAGES, &[0; 4], 3);
    evaluate(&model(), batches, &heard, |_| Ok(())).unwrap();
    assert_eq!(*heard.0.lock().unwrap(), ["evaluating 4", "+3", "+1", "done"]);
}

/// Of batches that pass side by side, on however many threads.
#[test]
fn calibration_sees_every_sample_once() {
    let images: Vec<[f32; 4]> = (0..200).map(|i| [i as f32, -2.0 * i as f32, 0.5, 0.0]).collect();
    let labels = vec![0; images.len()];
    let observed = |observer: Observer, threads: usize| {
        let (set, _folder) = dataset(&images, &labels);
        let (heard, mut model) = (Heard::default(), model());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let observed = pool.install(|| observe(&mut model, set, Preprocess::default(), None, observer, &heard));
        let heard = heard.0.into_inner().unwrap();
        let (ends, mut parts) = ([&heard[0], &heard[heard.len() - 1]], heard[1..heard.len() - 1].to_vec());
        assert_eq!(ends, ["calibrating 200", "done"]);
        parts.sort();
        assert_eq!(parts, ["+64", "+64", "+64", "+8"]);
        observed.unwrap()
    };
    let observers =
        [Observer::MinMax, Observer::Percentile(90.0), Observer::MovingAverage(0.25), Observer::Mse, Observer::Entropy];
    for observer in observers {
        let (alone, samples) = observed(observer, 1);
        assert_eq!((samples, alone["fc1"].input.minimum), (200, -398.0));
        for_each_case([2, 3, 5], |threads| assert_eq!(observed(observer, threads).0, alone));
    }
    // Of several samples at fault, the first is named.
    let mut images = images.clone();
    [150, 70, 199].into_iter().for_each(|sample| images[sample][1] = f32::NAN);
    let (set, _folder) = dataset(&images, &labels);
    let error = observe(&mut model(), set, Preprocess::default(), None, Observer::MinMax, &Silent).unwrap_err();
    assert!(with_causes(&error).contains("sample 70 has NaN values"), "{}", with_causes(&error));
}

/// Gives half of what it is given: images `[a, 0, 0, 0]` are `a^2 / 16` off.
fn detector() -> Model {
    let mut graph = Graph::new();
    let x = graph.input("input", ValueType::batch_of(&[1, 2, 2])).unwrap();
    let x = graph.add_one("flatten", Flatten { axis: 1 }, &[x]).unwrap();
    let weight = graph.parameter("fc.weight", &[4, 4], true).unwrap();
    let x = graph.add_one("fc", Linear, &[x, weight]).unwrap();
    graph.set_outputs(&[x]);
    let half = (Tensor::eye(4, candle_core::DType::F32, &Device::Cpu).unwrap() * 0.5).unwrap();
    graph.bind(BTreeMap::from([("fc.weight".to_owned(), half)])).unwrap();
    Model { graph, outputs: 4, task: Task::suggested_by([1, 2, 2], 4), ..model() }
}

#[test]
fn an_autoencoder_is_judged_by_what_it_cannot_give_back() {
    let images = [1.0, 4.0, -2.0, 8.0, 6.0].map(|a| [a, 0., 0., 0.]);
    for size in [1, 2, 5] {
        let (batches, _folder) = batches(&images, &[0, 1, 0, 1, 0], size);
        let Outcome { metrics, predictions, .. } = evaluate(&detector(), batches, &Silent, |_| Ok(())).unwrap();
        let scores = [0.0625, 1.0, 0.25, 4.0, 2.25];
        assert_eq!(predictions, Predictions::from_anomaly_scores(&[0, 1, 0, 1, 0], &scores));
        // Of 6 pairs, only the second and the last sample are in the wrong order.
        let metric = metrics.metric();
        assert!(metric.task == Task::AnomalyDetection && (metric.value - 5.0 / 6.0).abs() < 1e-12);
        let Metrics::Detection(detection) = &metrics else { panic!("{metrics:?} of a detector") };
        assert_eq!((detection.normal, detection.anomalous, detection.anomalous_score), (3, 2, 2.5));
    }
    let refused = |labels: &[i64]| {
        let (batches, _folder) = batches(&images, labels, 2);
        with_causes(&evaluate(&detector(), batches, &Silent, |_| Ok(())).unwrap_err())
    };
    assert_eq!(refused(&[0, 1, 0, 1, 2]), "sample 4 has label 2, but the network knows 2 classes");
    assert!(refused(&[0, 1, 0, 0, 0]).starts_with("4 normal (label 0) and 1 anomalous (label 1)"));
}
