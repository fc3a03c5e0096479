//! Observers, scales that are powers of two and fake quantizers, from the command: what `docs/observers.md` says.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::float_set;
use crate::common::markdown::{blocks, of_the_project, table};
use crate::common::network::{TINY, Tiny};
use crate::common::number;

const NETWORKS: [&str; 4] = ["lenet5", "resnet8", "ds_cnn", "vit_micro"];
const OBSERVERS: [&str; 5] = ["minmax", "percentile", "moving-average", "mse", "entropy"];

fn top1(folder: &Folder, network: &str, bits: &str, observer: &str, limit: usize) -> f64 {
    let bits = format!("--act-bits {bits} --weight-bits {bits}");
    let report = folder.json(&format!("--model {network} --mode quant {bits} --calib {observer} --limit {limit}"));
    number(&report, "/accuracy/top1")
}

#[cfg(unix)]
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn the_script_prints_what_single_runs_say() {
    let scripts = blocks(&of_the_project("docs/observers.md"), "bash");
    let [script] = scripts.as_slice() else { panic!("expected one script: {scripts:?}") };
    let folder = Folder::new();
    let output = folder.shell(script).env("LIMIT", "25").env("BITS", "3").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    for network in NETWORKS {
        let rows = table(&printed, network);
        let [row] = rows.as_slice() else { panic!("{printed}") };
        assert_eq!((row.len(), row[0].as_str()), (6, "3 bits"), "{network}");
        assert_eq!(row[4], format!("{:.4}", top1(&folder, network, "3", "mse", 25)), "{network}");
    }
}

/// Every cell is there; a few are computed anew.
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn the_documented_tables_are_complete_and_true() {
    let document = of_the_project("docs/observers.md");
    let folder = Folder::new();
    for network in NETWORKS {
        let rows = table(&document, network);
        assert!(rows.iter().map(|row| row[0].as_str()).eq(["8 bits", "6 bits", "4 bits", "3 bits"]), "{network}");
        assert!(rows.iter().flat_map(|row| &row[1..]).all(|cell| cell.parse::<f64>().is_ok_and(|x| x < 1.0)));
    }
    let cells = [("lenet5", 3, "mse"), ("lenet5", 2, "entropy"), ("ds_cnn", 0, "moving-average")];
    for_each_case(cells, |(network, row, observer)| {
        let row = &table(&document, network)[row];
        let column = 1 + OBSERVERS.iter().position(|name| *name == observer).unwrap();
        let found = top1(&folder, network, row[0].split_once(' ').unwrap().0, observer, 10_000);
        let documented: f64 = row[column].parse().unwrap();
        assert!((documented - found).abs() < 1e-3, "{network} {row:?} {observer}: {found}");
    });
}

/// Scale, zero point and lowest integer of the first layer's input, whose inputs are the images.
fn first_input(folder: &Folder, args: &str) -> (f32, i64, i64) {
    folder.run_to(0, &format!("{args} --save-qparams q.json"));
    let input = folder.read_json("q.json")["layers"]["conv1"]["input"].clone();
    let [zero_point, q_min] = ["zero_point", "q_min"].map(|key| input[key].as_i64().unwrap());
    (input["scale"].as_f64().unwrap() as f32, zero_point, q_min)
}

/// 130 images, of which the last two are a batch of their own, in 13 copies of a set with its own scale each.
#[test]
fn moving_averages_go_by_batches_of_64() {
    let (tiny, folder) = Tiny::folder(120);
    let [_, channels, height, width] = Tiny::SHAPE;
    let image = channels * height * width;
    let images: Vec<f32> = (0..130)
        .flat_map(|i| {
            let own = &tiny.images[i % Tiny::SAMPLES * image..][..image];
            own.iter().map(move |x| x * (1.0 + i as f32 / 8.0))
        })
        .collect();
    let labels: Vec<u8> = (0..130).map(|i| tiny.labels[i % Tiny::SAMPLES]).collect();
    folder.write("many.safetensors", float_set([130, channels, height, width], &images, &labels));
    let ends = |c: f32| {
        let batches = images
            .chunks(64 * image)
            .map(|batch| [f32::min, f32::max].map(|end| batch.iter().copied().reduce(end).unwrap()));
        batches.reduce(|ends, batch| [0, 1].map(|i| ends[i] + c * (batch[i] - ends[i]))).unwrap()
    };
    for_each_case(
        [("moving-average", 0.01), ("moving-average:0.25", 0.25), ("moving-average:1", 1.0)],
        |(option, c)| {
            let [low, high] = ends(c);
            for extra in ["-b 7", "-j 1", "-j 3"] {
                let args = format!("{TINY} --mode quant --calib-data many.safetensors --calib {option} {extra}");
                assert_eq!(first_input(&folder, &args).0, low.abs().max(high.abs()) / 127.0, "{option} {extra}");
            }
        },
    );
}

/// Over all values, every 500th of the largest magnitude as threshold: none is better by more than a bin.
#[test]
fn mse_is_the_least_error() {
    let (tiny, folder) = Tiny::folder(121);
    let max_abs = tiny.images.iter().fold(0f32, |max, x| x.abs().max(max));
    for_each_case([8, 6, 4, 3, 2], |bits: u32| {
        let largest = f64::from((1 << (bits - 1)) - 1);
        let error = |scale: f64| {
            let squares = tiny.images.iter().map(|&x| {
                let x = f64::from(x);
                ((x / scale).round_ties_even().clamp(-largest, largest) * scale - x).powi(2)
            });
            (squares.sum::<f64>() / tiny.images.len() as f64).sqrt()
        };
        let thresholds = (1..=500).map(|i| f64::from(max_abs) * f64::from(i) / 500.0);
        let best = thresholds.map(|threshold| error(threshold / largest)).fold(f64::INFINITY, f64::min);
        let (scale, ..) = first_input(&folder, &format!("{TINY} --mode quant --act-bits {bits} --calib mse"));
        let found = error(scale.into());
        assert!(found <= best + f64::from(max_abs) / 1024.0, "{bits}: {found}, best {best}");
    });
}

#[test]
fn powers_of_two_in_files_reports_and_experiments() {
    let (_, folder) = Tiny::folder(122);
    for_each_case(["signed", "affine"], |coding| {
        let args = format!("{TINY} --mode quant --coding {coding}");
        let (real, ..) = first_input(&folder, &args);
        let (scale, zero_point, q_min) = first_input(&folder, &format!("{args} --scale pow2"));
        assert!(scale.log2().fract() == 0.0 && scale >= real && scale < 2.0 * real, "{real} {scale}");
        assert!(zero_point >= q_min);
        let saved = folder.read_json("q.json");
        let layers = saved["layers"].as_object().unwrap().values();
        let mut scales = layers.flat_map(|layer| layer["weight"]["scale"].as_array().unwrap());
        assert!(scales.all(|scale| scale.as_f64().unwrap().log2().fract() == 0.0));
    });
    folder.write("run.toml", "scale = 'pow2'\ncalib = 'mse'\n");
    let report = folder.json(&format!("-f run.toml {TINY} --mode quant"));
    let quantization = &report["config"]["quantization"];
    assert_eq!((&quantization["scale"], &quantization["observer"]), (&"pow2".into(), &"mse".into()));
    let again = folder.json(&format!("{TINY} --mode quant --calib mse --scale pow2"));
    assert_eq!(report["accuracy"], again["accuracy"]);
    let real = folder.json(&format!("{TINY} --mode quant"));
    assert_eq!(real["config"]["quantization"]["scale"], "real");
    folder.refuses(&format!("{TINY} --mode quant --scale pow3"), &["--scale", "pow3"]);
}
