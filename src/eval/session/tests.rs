//! Sessions against evaluations step by step: one calibration serves every assignment.

use super::*;
use crate::data::{Batches, Samples};
use crate::eval::{LayerConfig, LutSpec, NoiseLutSpec, Scheme, observe, quantize_observed};
use crate::graph::op::{Flatten, Linear, Relu};
use crate::graph::{Graph, ValueType};
use crate::kernel;
use crate::layer::InferenceMode;
use crate::lut::{Bits, Coding, LutFormat, OpenOptions};
use crate::quant::{
    ActScheme, ActivationParams, IntRange, LayerParams, Observer, ParamsFile, QuantConfig, WeightParams, WeightScheme,
};
use candle_core::{Device, Tensor};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// `fc2(relu(fc1(flatten(x))))` of images `[1, 2, 2]`, with the given weights (12 and 9 numbers).
fn model(fc1: &[f32], fc2: &[f32]) -> Model {
    let mut graph = Graph::new();
    let mut x = graph.input("input", ValueType::batch_of(&[1, 2, 2])).unwrap();
    x = graph.add_one("flatten", Flatten { axis: 1 }, &[x]).unwrap();
    let weight = graph.parameter("fc1.weight", &[3, 4], true).unwrap();
    x = graph.add_one("fc1", Linear, &[x, weight]).unwrap();
    x = graph.add_one("relu", Relu, &[x]).unwrap();
    let weight = graph.parameter("fc2.weight", &[3, 3], true).unwrap();
    x = graph.add_one("fc2", Linear, &[x, weight]).unwrap();
    graph.set_outputs(&[x]);
    let tensor =
        |values: &[f32], rows: usize| Tensor::from_slice(values, (rows, values.len() / rows), &Device::Cpu).unwrap();
    let tensors =
        BTreeMap::from([("fc1.weight".to_owned(), tensor(fc1, 3)), ("fc2.weight".to_owned(), tensor(fc2, 3))]);
    graph.bind(tensors).unwrap();
    Model::new("tiny", graph, [1, 2, 2], 3)
}

fn samples(pixels: &[f32]) -> Samples {
    let n = pixels.len() / 4;
    let images = Tensor::from_slice(pixels, (n, 1, 2, 2), &Device::Cpu).unwrap();
    let labels: Vec<u32> = (0..n as u32).map(|i| i % 3).collect();
    Samples::new("memory", &images, &labels).unwrap()
}

const FC1: [f32; 12] = [0.5, -1.0, 0.25, 2.0, 1.5, 0.0, -0.75, 1.0, -2.0, 0.5, 1.0, -0.5];
const FC2: [f32; 9] = [1.0, -0.5, 0.75, -1.25, 2.0, 0.5, 0.25, -1.0, 1.5];

fn pixels() -> Vec<f32> {
    (0..10 * 4).map(|i| ((i * 7 % 23) as f32 - 9.0) / 4.0).collect()
}

fn experiment() -> Experiment {
    let data = DatasetSpec::Memory(samples(&pixels()));
    let calibration = CalibrationOptions { data: Some(data.clone()), ..CalibrationOptions::default() };
    Experiment { data: Some(data), calibration, ..Experiment::new(model(&FC1, &FC2)) }
}

fn with_lut(lut: &str) -> LayerOptions {
    LayerOptions { lut: Some(LutSpec::new(lut)), ..LayerOptions::default() }
}

fn logits(session: &mut Session, assignment: &Assignment) -> Vec<f32> {
    let mut logits = Vec::new();
    let findings = session.evaluate(assignment, |batch| {
        logits.extend_from_slice(batch.logits);
        Ok(())
    });
    findings.unwrap();
    logits
}

/// Every combination of what decides scales, those that contradict themselves left out.
fn configs(observer: Observer) -> Vec<QuantConfig> {
    let mut configs = Vec::new();
    for coding in [Coding::Signed, Coding::SignMagnitude, Coding::Affine] {
        for act_scheme in [ActScheme::Symmetric, ActScheme::Affine] {
            for weight_scheme in [WeightScheme::PerChannel, WeightScheme::PerTensor] {
                for bits in (2..=8).map(|bits| Bits::try_from(bits).unwrap()) {
                    let config = QuantConfig {
                        act_bits: bits,
                        weight_bits: bits,
                        act_scheme,
                        weight_scheme,
                        observer,
                        ..QuantConfig::new(coding)
                    };
                    configs.extend(config.check().is_ok().then_some(config));
                }
            }
        }
    }
    configs
}

fn params(graph: &Graph) -> Vec<LayerParams> {
    graph.layers().map(|layer| layer.params().unwrap().clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Scales of any coding, scheme and width follow from one observation as from a calibration each.
    #[test]
    fn one_observation_serves_every_configuration(
        pixels in prop::collection::vec(-4f32..4.0, 4 * 5),
        fc1 in prop::collection::vec(-2f32..2.0, 12),
        fc2 in prop::collection::vec(-2f32..2.0, 9),
        shift in prop_oneof![Just(0f32), Just(4.0)],
        observer in prop_oneof![
            Just(Observer::MinMax),
            (60f64..100.0).prop_map(Observer::Percentile),
            Just(Observer::MovingAverage(0.1)),
            Just(Observer::Mse),
            Just(Observer::Entropy),
        ],
    ) {
        // Never negative, where shifted: sign-magnitude then has ranges of its own.
        let pixels: Vec<f32> = pixels.iter().map(|x| x + shift).collect();
        let set = samples(&pixels);
        let prepared = || {
            let mut model = model(&fc1, &fc2);
            prepare(&mut model, true).unwrap();
            model
        };
        let mut once = prepared();
        let (seen, _) = observe(&mut once, set.open().unwrap(), Preprocess::default(), None, observer, &Silent).unwrap();
        for config in configs(observer) {
            let layer = LayerConfig {
                arithmetic: crate::eval::Arithmetic::Quant,
                quantization: config.clone(),
                reference_lut: None,
            };
            let assignment = Assignment::uniform(&once.graph, &layer);
            quantize_observed(&mut once.graph, &seen, &assignment, kernel::best()).unwrap();
            // A pass of its own, by the layers themselves.
            let mut each = prepared();
            let elements = each.graph.layer_input_elements();
            for (layer, elements) in each.graph.layers_mut().zip(elements) {
                layer.begin_calibration(elements.map(|elements| observer.start(elements * 5)));
            }
            let images = Tensor::from_slice(&pixels, (5, 1, 2, 2), &Device::Cpu).unwrap();
            each.graph.run(&[images], 0).unwrap();
            for layer in each.graph.layers_mut() {
                layer.finish_calibration(&config, None, kernel::best()).unwrap();
            }
            prop_assert_eq!(params(&once.graph), params(&each.graph), "{:?}", config);
        }
    }
}

/// Assignments do not leave traces: in any order, each computes what a session of its own does.
#[test]
fn assignments_follow_one_another_without_a_trace() {
    let all = [
        LayerOptions::default(),
        with_lut("drum-4"),
        LayerOptions { coding: Some(Coding::Affine), ..with_lut("exact") },
        with_lut("mitchell"),
        LayerOptions { mode: Some(InferenceMode::Quantized), ..LayerOptions::default() },
        with_lut("drum-4"),
    ];
    let mut session = Session::open(experiment()).unwrap();
    for options in all {
        let assignment = session.assign(&options, &Rules::default()).unwrap();
        let found = logits(&mut session, &assignment);
        let mut alone = Session::open(Experiment { layers: options.clone(), ..experiment() }).unwrap();
        let assignment = alone.assignment().clone();
        assert_eq!(found, logits(&mut alone, &assignment), "{options:?}");
    }
}

#[test]
fn known_parameters_take_the_place_of_calibration() {
    let mut session = Session::open(experiment()).unwrap();
    let assignment = session.assign(&with_lut("drum-4"), &Rules::default()).unwrap();
    let (expected, file) = (logits(&mut session, &assignment), session.params(&assignment).unwrap());
    let calibration = CalibrationOptions { params: Some(ParamsSpec::Memory(file)), ..CalibrationOptions::default() };
    let mut session = Session::open(Experiment { calibration, ..experiment() }).unwrap();
    assert_eq!(session.calibrate().unwrap(), None, "nothing is observed");
    let assignment = session.assign(&with_lut("drum-4"), &Rules::default()).unwrap();
    assert_eq!(logits(&mut session, &assignment), expected);
    assert_eq!(session.params_source().unwrap().0, ParamsSource::Qparams);
}

/// Tensors in memory are evaluated as the dataset of the same samples is.
#[test]
fn batches_in_memory_are_data() {
    let mut session = Session::open(experiment()).unwrap();
    let assignment = session.assign(&with_lut("drum-4"), &Rules::default()).unwrap();
    let expected = session.evaluate(&assignment, |_| Ok(())).unwrap();
    let images = Tensor::from_slice(&pixels(), (10, 1, 2, 2), &Device::Cpu).unwrap();
    let labels: Vec<u32> = (0..10).map(|i| i % 3).collect();
    let batch = |start: usize, n: usize| (images.narrow(0, start, n).unwrap(), labels[start..start + n].to_vec());
    let batches = Batches::from_tensors([batch(0, 4), batch(4, 4), batch(8, 2)]).unwrap();
    let found = session.evaluate_batches(&assignment, batches, |_| Ok(())).unwrap();
    assert_eq!(
        (found.outcome.metrics, found.outcome.predictions),
        (expected.outcome.metrics, expected.outcome.predictions)
    );
    let wrong = Batches::from_tensors([batch(0, 4), (images.clone(), vec![0])]);
    assert!(wrong.unwrap_err().to_string().contains("10 images of [1, 2, 2] and 1 labels"));
}

#[test]
fn comparisons_leave_the_layers_as_they_are() {
    let options = LayerOptions { mode: Some(InferenceMode::Noise), noise_std: Some(0.3), ..LayerOptions::default() };
    let mut session = Session::open(Experiment { layers: options, ..experiment() }).unwrap();
    let assignment = session.assignment().clone();
    let before = logits(&mut session, &assignment);
    let findings = session.evaluate(&assignment, |_| Ok(())).unwrap();
    let comparison = session.compare(InferenceMode::Baseline, &findings).unwrap();
    assert_eq!((comparison.mode, comparison.comparison.samples), (InferenceMode::Baseline, 10));
    assert_eq!(logits(&mut session, &assignment), before);
}

/// Noise that models a multiplier is measured, in sessions that observe their layers.
#[test]
fn noise_is_derived_where_layers_are_observed() {
    let noise = LayerOptions {
        mode: Some(InferenceMode::Noise),
        noise_from_lut: Some(NoiseLutSpec::measured(LutSpec::new("drum-4"))),
        ..LayerOptions::default()
    };
    let mut session = Session::open(Experiment { layers: noise.clone(), ..experiment() }).unwrap();
    let assignment = session.assignment().clone();
    let derived = session.evaluate(&assignment, |_| Ok(())).unwrap().assignment;
    assert!(derived.layers().iter().all(|layer| layer.noise().stdev > 0.0 && layer.noise_lut().is_none()));
    let again = session.evaluate(&assignment, |_| Ok(())).unwrap().assignment;
    assert_eq!(derived.layers()[0].noise(), again.layers()[0].noise());

    let mut session = Session::open(experiment()).unwrap();
    let assignment = session.assign(&noise, &Rules::default()).unwrap();
    assert!(matches!(session.evaluate(&assignment, |_| Ok(())), Err(SessionError::NotObserved)));
}

/// A model's own parameters stay; what it has none for is calibrated, and only that.
#[test]
fn calibration_fills_the_gaps_of_a_model_s_own_parameters() {
    let range = IntRange::new(0, 255).unwrap();
    let input = ActivationParams::new(0.03, 100, range).unwrap();
    let own = LayerParams::new(input, WeightParams::new(vec![0.02], vec![128], range).unwrap());
    let quant = || LayerOptions { mode: Some(InferenceMode::Quantized), ..LayerOptions::default() };
    let with_own = |calibration: CalibrationOptions| {
        let layers = BTreeMap::from([("fc1".to_owned(), own.clone())]);
        let mut experiment = Experiment { layers: quant(), calibration, ..experiment() };
        experiment.model.params = Some(ParamsFile { layers, ..ParamsFile::default() });
        Session::open(experiment)
    };
    let mut session = with_own(experiment().calibration).unwrap();
    let observed = session.calibrate().unwrap().unwrap();
    assert!(observed.layers.keys().eq(["fc2"]));
    // No operand of the model's own is negative.
    let assignment = session.assign(&with_lut("drum-4"), &Rules::default()).unwrap();
    let findings = session.evaluate(&assignment, |_| Ok(())).unwrap();
    let sources = findings.layers.iter().map(|layer| layer.source);
    assert!(sources.eq([Some(ParamsSource::ModelFile), Some(ParamsSource::CalibData)]));
    assert_eq!((findings.layers[0].params.as_ref(), findings.layers[0].shifts), (Some(&own), [0, 0]));
    assert!(findings.layers.iter().all(|layer| layer.coding == Some(Coding::Affine)));
    assert_eq!(session.params_source().map(|(source, ..)| source), Some(ParamsSource::ModelFile));
    assert_eq!(session.calibration_source().map(|(source, ..)| source), Some(ParamsSource::CalibData));

    let error = with_own(CalibrationOptions::default()).unwrap_err();
    let OpenError::Scales { source, .. } = &error else { panic!("{error}") };
    assert!(source.to_string().contains("1 of 2 layers, 'fc2'") && source.to_string().contains("'fc2:mode=base'"));
    assert_eq!(error.keys(), ["calib_data", "qparams", "set"]);
}

#[test]
fn what_cannot_be_opened_says_which_settings_fix_it() {
    let open = |experiment: Experiment| Session::open(experiment).unwrap_err();
    let no_data = open(Experiment { data: None, ..experiment() });
    assert_eq!((no_data.to_string().contains("'tiny' has no test set"), no_data.keys()), (true, &["data"][..]));
    let approx = LayerOptions { mode: Some(InferenceMode::Approximate), ..LayerOptions::default() };
    assert_eq!(open(Experiment { layers: approx, ..experiment() }).keys(), ["lut"]);
    let affine = Scheme { act_scheme: Some(ActScheme::Affine), ..Scheme::default() };
    let error = open(Experiment { scheme: affine, layers: with_lut("drum-4"), ..experiment() });
    assert_eq!(error.keys(), ["act_scheme", "coding"]);
    let uncalibrated =
        Experiment { calibration: CalibrationOptions::default(), layers: with_lut("drum-4"), ..experiment() };
    assert_eq!(open(uncalibrated).keys(), ["calib_data", "qparams"]);
}

/// Evaluations that go on from what earlier ones have in common find what evaluations from the start do, whatever
/// differs from one to the next.
#[test]
fn shared_activations_change_nothing() {
    let limit = NonZeroUsize::new(150);
    let batch_size = NonZeroUsize::new(32).unwrap();
    let open = || Experiment { limit, batch_size, ..Experiment::new(Model::open("resnet8").unwrap()) };
    let mut shared = Session::open(open()).unwrap();
    let mut plain = Session::open(open()).unwrap();
    let names: Vec<String> = plain.model().graph.layers().map(|layer| layer.name().to_owned()).collect();
    let quant = |lut: &str| LayerOptions { mode: Some(InferenceMode::Quantized), ..with_lut(lut) };
    let rules = |layers: &[String], text: &str| {
        Rules::new(layers.iter().map(|layer| format!("{layer}:{text}").parse().unwrap()).collect())
    };
    let mut settings = Vec::new();
    for layer in [0, 1, 4, 4, 5, names.len() - 1] {
        let alone = &names[layer..=layer];
        settings.push((layer, quant("etm"), rules(alone, "mode=approx")));
        settings.push((layer, quant("drum-3"), rules(alone, "mode=approx")));
        settings.push((layer, quant("drum-3"), rules(alone, "mode=noise,noise_std=0.3")));
        settings.push((layer, quant("drum-3"), rules(alone, "act_bits=4")));
        settings.push((layer, quant("drum-3"), rules(alone, "mode=base")));
    }
    // What is shared has another coding, another multiplier, other widths; and comes from a layer further back.
    settings.push((
        5,
        LayerOptions { coding: Some(Coding::Affine), ..quant("etm") },
        rules(&names[5..6], "mode=approx"),
    ));
    for layer in [2, 6, 3] {
        settings.push((layer, with_lut("etm"), rules(&names[layer..=layer], "mode=quant")));
        settings.push((layer, with_lut("etm"), rules(&names[layer..=layer], "mode=base")));
    }
    for (layer, options, rules) in settings {
        let mut found = [Vec::new(), Vec::new()];
        shared.share_before(Some(layer));
        let run = |session: &mut Session, logits: &mut Vec<f32>| {
            let assignment = session.assign(&options, &rules).unwrap();
            let findings = session.evaluate(&assignment, |batch| {
                logits.extend_from_slice(batch.logits);
                Ok(())
            });
            let Findings { outcome, layers, notes, dataset_blake3, .. } = findings.unwrap();
            (outcome.predictions, layers, notes, dataset_blake3)
        };
        let findings = [run(&mut shared, &mut found[0]), run(&mut plain, &mut found[1])];
        let context = format!("layer {layer}, {options:?}, {rules:?}");
        assert_eq!(found[0], found[1], "{context}");
        assert_eq!(findings[0], findings[1], "{context}");
    }
}

/// A part of the samples is what a session of those alone evaluates.
#[test]
fn parts_are_evaluated_alone() {
    let mut session = Session::open(experiment()).unwrap();
    let assignment = session.assign(&with_lut("drum-4"), &Rules::default()).unwrap();
    let expected = logits(&mut session, &assignment);
    for share in [None, Some(1), Some(1)] {
        session.share_before(share);
        let mut found = Vec::new();
        for part in [0..4, 4..10, 0..4] {
            let findings = session.evaluate_part(&assignment, part.clone(), |batch| {
                found.extend_from_slice(batch.logits);
                Ok(())
            });
            assert_eq!(findings.unwrap().outcome.predictions.len(), part.len());
        }
        assert_eq!(found[..30], expected);
        assert_eq!(found[30..], expected[..12]);
    }
}

/// A table in memory, under a name that is no file's, is what it is as a file; another takes its place.
#[test]
fn multipliers_are_opened_from_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| -> Arc<[u8]> {
        let path = folder.path().join("table.npy");
        let lut = crate::lut::open(name, &OpenOptions::default()).unwrap();
        lut.write(&path, &LutFormat::default()).unwrap();
        std::fs::read(path).unwrap().into()
    };
    let files = |name| LutFiles::from([("table".to_owned(), file(name))]);
    let mut session = Session::open(Experiment { lut_files: files("drum-4"), ..experiment() }).unwrap();
    for name in ["drum-4", "drum-3", "exact"] {
        session.replace_lut_files(files(name));
        let [by_file, by_name] = ["table", name].map(|lut| session.assign(&with_lut(lut), &Rules::default()).unwrap());
        assert_eq!(by_file.luts_in_use()[0].name(), "table");
        assert_eq!(logits(&mut session, &by_file), logits(&mut session, &by_name), "{name}");
    }
    session.replace_lut_files(LutFiles::default());
    assert!(session.assign(&with_lut("table"), &Rules::default()).is_err());
}

/// Loops end where who follows them says so, and the session is then as before.
#[test]
fn loops_can_be_stopped() {
    /// Stops from the start on, while it is set.
    struct Stop(Arc<std::sync::atomic::AtomicBool>);

    impl Progress for Stop {
        fn start(&self, _: &'static str, _: usize) {}

        fn advance(&self, _: usize) {}

        fn finish(&self) {}

        fn is_stopped(&self) -> bool {
            self.0.load(std::sync::atomic::Ordering::Relaxed)
        }
    }

    let is_stopped = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let mut session = Session::open(experiment()).unwrap().with_progress(Stop(Arc::clone(&is_stopped)));
    let base = session.assignment().clone();
    let error = session.evaluate(&base, |_| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "the evaluation was stopped");
    let quant = session.assign(&with_lut("exact-signed"), &Rules::default()).unwrap();
    let error = session.evaluate(&quant, |_| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "the calibration was stopped");
    is_stopped.store(false, std::sync::atomic::Ordering::Relaxed);
    let mut other = Session::open(experiment()).unwrap();
    assert_eq!(logits(&mut session, &quant), logits(&mut other, &quant));
}
