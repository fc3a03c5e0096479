//! Reports are read as they are written.

use super::*;
use crate::data::Interpolation;
use crate::eval::{LayerNoise, OutputError, ParamsSource, Rules};
use crate::import::Layout;
use crate::layer::AccumulatorFindings;
use crate::lut::design::Design;
use crate::lut::{Coding, Cost, CostSource, Costs, LutInfo};
use crate::quant::{ActScheme, ScaleKind, WeightScheme};
use crate::task::{Confusion, Outputs, Predictions};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Numbers with all bits in use.
fn fraction() -> impl Strategy<Value = f64> {
    0.0f64..1.0
}

/// The metrics of predictions by their task's own evaluator, classes of which there are seven.
fn evaluated(task: Task, labels: &[u32], outputs: &[f32]) -> (Metrics, Predictions) {
    let mut evaluator = task.evaluator(Outputs { count: outputs.len() / labels.len(), threshold: 0.25 });
    let inputs = candle_core::Tensor::zeros(outputs.len(), candle_core::DType::F32, &candle_core::Device::Cpu).unwrap();
    let predictions = evaluator.predict(outputs, &inputs, labels).unwrap();
    (evaluator.metrics(&predictions).unwrap(), predictions)
}

fn layer(name: &str, mode: InferenceMode, scale: f32, number: f64) -> LayerReport {
    LayerReport {
        name: name.to_owned(),
        kind: "conv2d".to_owned(),
        mode,
        lut: (mode == InferenceMode::Approximate).then(|| "drum-4".to_owned()),
        coding: mode.is_quantized().then_some(Coding::SignMagnitude),
        noise: (mode == InferenceMode::Noise).then_some(LayerNoise { stdev: number, mean: -number }),
        opcount: 1 << 40,
        fan_in: 27,
        output_shape: vec![4, 8, 8],
        weight_shape: vec![4, 3, 3, 3],
        scales: mode.is_quantized().then_some(ParamsSource::ModelFile),
        input_scale: mode.is_quantized().then_some(scale),
        input_zero_point: mode.is_quantized().then_some(-3),
        input_range: mode.is_quantized().then_some([-128, 127]),
        weight_range: mode.is_quantized().then_some([-127, 127]),
        weight_zero_points: mode.is_quantized().then_some([-1, 3]),
        second_scale: None,
        second_zero_point: None,
        shifted: true,
        input_shift: -128,
        weight_shift: 0,
        predicted: Some(LayerNoise { stdev: number, mean: -number }),
        operands: None,
        accumulator: mode.is_quantized().then(accumulator),
        sums: None,
        error: Some(OutputError { snr_db: None, relative_std: Some(number), mean: -number, saturation: 0.25 }),
    }
}

fn accumulator() -> AccumulatorFindings {
    let json = r#"{"bits_needed":16,"bits_worst_case":24,"overflows":3,"overflowed_additions":9,"outputs":256,
        "range":[-32768,9007199254740993]}"#;
    serde_json::from_str(json).unwrap()
}

fn cost_report(number: f64) -> CostReport {
    let cost = Costs::default().get(&"drum-4".parse::<Design>().unwrap().lut()).unwrap();
    let cost = Cost { coverage: Some(number), ..cost };
    CostReport {
        power_mw: Some(number),
        relative_power: None,
        energy_pj: Some(-number),
        relative_energy: Some(number),
        energy_uj_per_sample: None,
        area_um2: Some(709.6),
        relative_area: Some(number),
        delay_ns: None,
        source: CostSource::Catalogue,
        basis: "somewhere".to_owned(),
        coverage: 0.75,
        opcount: 1 << 40,
        by_multiplier: BTreeMap::from([("drum-4".to_owned(), cost)]),
    }
}

fn report(task: Task, scale: f32, number: f64) -> Report {
    // Seven outputs a sample, of which the input has as many.
    let labels = [0, 1, 1, 0, 1];
    let outputs: Vec<f32> = (0..7 * labels.len()).map(|i| ((i * 37) % 11) as f32 * scale).collect();
    let (metrics, predictions) = evaluated(task, &labels, &outputs);
    let comparison = Comparison::new(&predictions, &predictions).unwrap();
    let design: Design = "drum-4".parse().unwrap();
    let mut lut = LutInfo::new(&design.lut());
    // Reports leave out what a table's file claims of its errors.
    lut.metadata.stated_metrics = crate::lut::StatedMetrics::default();
    let rules =
        r#"{"rules":[{"layers":"*","lut":"drum-4","act_bits":5},{"layers":"{a,b}","mode":"noise","noise_std":0.1}]}"#;
    let modes = [InferenceMode::Baseline, InferenceMode::Quantized, InferenceMode::Approximate, InferenceMode::Noise];
    let classes = Confusion::new(&predictions, 7).map(|confusion| confusion.by_class()).unwrap_or_default();
    let source = EnergySource { relative: number, source: CostSource::UnitGates, note: "note".to_owned() };
    Report {
        schema: SCHEMA,
        tool: ToolReport::default(),
        model: ModelReport {
            name: "net".to_owned(),
            path: Some("net.onnx".to_owned()),
            architecture: "onnx".to_owned(),
            parameters: 1234,
            blake3: "0".repeat(64),
            task,
            weights: Some(WeightsFile { path: "w.safetensors".into(), blake3: "1".repeat(64) }),
        },
        dataset: DatasetReport { name: "set".to_owned(), path: None, samples: 5, blake3: "2".repeat(64) },
        config: ConfigReport {
            mode: InferenceMode::Approximate,
            seed: u64::MAX,
            shuffle: Some(7),
            batch_size: 64,
            acc_bits: Some("auto".parse().unwrap()),
            acc_overflow: Some("saturate".parse().unwrap()),
            coding: Some(Coding::Affine),
            quantization: Some(QuantizationReport {
                source: ParamsSource::CalibData,
                path: Some("c.npz".to_owned()),
                blake3: "3".repeat(64),
                calibrated: Some(CalibrationReport { source: ParamsSource::Model, path: None, blake3: "4".repeat(64) }),
                samples: Some(64),
                act_bits: Some("5".parse().unwrap()),
                weight_bits: None,
                act_scheme: Some(ActScheme::Affine),
                weight_scheme: Some(WeightScheme::PerTensor),
                scale: Some(ScaleKind::PowerOfTwo),
                observer: Some("percentile:99.9".to_owned()),
                requantize: Some(crate::kernel::Rounding::Twice),
            }),
            noise: Some(NoiseReport { stdev: Some(number), mean: None, from_lut: None }),
            assignment: serde_json::from_str::<Rules>(rules).unwrap(),
            fold_bn: true,
            layout: Some(Layout::Nhwc),
            output_name: Some("logits".to_owned()),
            data_format: Some("npz".to_owned()),
            mean: vec![scale; 3],
            std: vec![1.0 - scale; 3],
            resize: Some(256),
            interpolation: Some(Interpolation::Bicubic),
            crop: Some(224),
            channels: Some("rgb".to_owned()),
        },
        lut: Some(lut.clone()),
        luts: vec![lut],
        metrics: metrics.clone(),
        classes: classes.into_iter().map(|accuracy| ClassReport { label: Some("cat".to_owned()), accuracy }).collect(),
        predictions: Some(PredictionsReport { path: "p.csv".into(), blake3: "4".repeat(64) }),
        comparisons: vec![ComparisonReport { reference: "quant".to_owned(), metric: metrics.metric(), comparison }],
        opcount: OpcountReport {
            per_sample: 1 << 40,
            total: 5 << 40,
            by_multiplier: BTreeMap::from([("drum-4".to_owned(), 5 << 40)]),
            energy: Some(EnergyReport {
                relative: number,
                opcount: 7,
                sources: BTreeMap::from([("drum-4".to_owned(), source)]),
            }),
        },
        cost: Some(cost_report(number)),
        layers: modes.map(|mode| layer(&mode.to_string(), mode, scale, number)).to_vec(),
        timing: TimingReport {
            seconds: number,
            images_per_second: 1.0 / (1.0 + number),
            lookups_per_second: Some(number * 1e9),
            threads: 2,
            kernel: Some("avx512".to_owned()),
        },
        gates: vec![
            Gate::min_accuracy(metrics.metric(), number),
            Gate::no_significant_drop(&Comparison::new(&predictions, &predictions).unwrap(), number),
        ],
        notes: vec!["a note".to_owned()],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Every field, of every task, to the bit.
    #[test]
    fn reports_are_read_as_they_are_written(number in fraction(), scale in 1e-6f32..1.0) {
        for &task in &crate::task::TASKS {
            let report = report(task, scale, number);
            let json = serde_json::to_vec(&report).unwrap();
            prop_assert_eq!(&Report::from_json(&json).unwrap(), &report);
            // In the order of keys that files have.
            let sorted = serde_json::to_vec_pretty(&serde_json::to_value(&report).unwrap()).unwrap();
            prop_assert_eq!(&Report::from_json(&sorted).unwrap(), &report);
        }
    }
}

#[test]
fn later_and_earlier_fields_are_tolerated() {
    let report = report(Task::Classification, 0.5, 0.25);
    let mut json = serde_json::to_value(&report).unwrap();
    json["comparisons"][0]["wilcoxon_p"] = 0.5.into();
    json["accuracy"]["top10"] = 1.into();
    json["layers"][0]["sparsity"] = 0.into();
    json["weather"] = "fair".into();
    assert_eq!(Report::from_json(json.to_string().as_bytes()).unwrap(), report);
    for field in ["luts", "classes", "comparisons", "gates", "notes", "predictions", "lut", "cost"] {
        json.as_object_mut().unwrap().remove(field);
    }
    let read = Report::from_json(json.to_string().as_bytes()).unwrap();
    assert!(read.luts.is_empty() && read.gates.is_empty() && read.predictions.is_none());
}

#[test]
fn what_is_no_report_is_refused() {
    let mut json = serde_json::to_value(report(Task::Classification, 0.5, 0.25)).unwrap();
    json["schema"] = 2.into();
    let message = |json: &serde_json::Value| {
        let error = Report::from_json(json.to_string().as_bytes()).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error}: {source}")
    };
    assert!(message(&json).starts_with("schema 2, expected 1"), "{}", message(&json));
    json["schema"] = 1.into();
    json["accuracy"] = serde_json::Value::Null;
    assert!(message(&json).starts_with("not a report"), "{}", message(&json));
    assert!(message(&"text".into()).starts_with("not a report"));
}
