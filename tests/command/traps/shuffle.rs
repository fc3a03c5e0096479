//! `--shuffle`: which samples are drawn, in every format, and that they are the same whatever reads them.

use crate::common::cases::for_each_case;
use crate::common::files::{byte_set, cifar, gzip, idx, safetensors};
use crate::common::network::StateDict;
use crate::common::pictures::gray_png;
use crate::common::random::Random;
use crate::common::{Folder, csv_rows, integer};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SAMPLES: usize = 40;
const GRAY: &str = "--arch lenet5 --weights w.safetensors --mode base";

/// The documented draw, over all indices: a Fisher-Yates shuffle that stops after `count`, its generator's stream 0 for
/// what is evaluated and 1 for what is calibrated on.
fn drawn(count: usize, all: usize, seed: u64, stream: u64) -> Vec<usize> {
    let mut words = ChaCha8Rng::seed_from_u64(seed);
    words.set_stream(stream);
    let mut indices: Vec<usize> = (0..all).collect();
    for i in 0..count {
        let place = i + (words.next_u64() % (all - i) as u64) as usize;
        indices.swap(i, place);
    }
    indices.truncate(count);
    indices.sort_unstable();
    indices
}

/// Images of bytes, and labels sorted by class.
fn images() -> (Vec<u8>, Vec<u8>) {
    (Random::new(340).bytes(SAMPLES * 784), (0..SAMPLES).map(|i| (i / 4) as u8).collect())
}

fn gray_folder() -> Folder {
    let folder = Folder::new();
    folder.write("w.safetensors", safetensors(&StateDict::lenet5(8, 1, 28, 10).stored()));
    let (bytes, labels) = images();
    folder.write("set.safetensors", byte_set([SAMPLES, 1, 28, 28], &bytes, &labels));
    folder
}

/// Indices and labels of a predictions file.
fn predicted(folder: &Folder, args: &str) -> Vec<(usize, u8)> {
    folder.run_to(0, &format!("{args} --predictions p.csv"));
    let rows = csv_rows(&folder.read("p.csv"));
    rows[1..].iter().map(|row| (row[0].parse().unwrap(), row[1].parse().unwrap())).collect()
}

/// The drawn samples of each format are those of the whole set: index, label and logits.
#[test]
fn every_format_reads_the_samples_that_were_drawn() {
    let folder = gray_folder();
    let (bytes, labels) = images();
    folder.write("idx/t10k-images-idx3-ubyte.gz", gzip(&idx(&[SAMPLES, 28, 28], &bytes)));
    folder.write("idx/t10k-labels-idx1-ubyte", idx(&[SAMPLES], &labels));
    let row = |i: usize| {
        let numbers = std::iter::once(&labels[i]).chain(&bytes[i * 784..][..784]).map(u8::to_string);
        numbers.collect::<Vec<_>>().join(",") + "\n"
    };
    folder.write("set.csv", (0..SAMPLES).map(row).collect::<String>());
    let mut list = Vec::new();
    for i in 0..SAMPLES {
        let picture = gray_png(28, &bytes[i * 784..][..784]);
        folder.write(&format!("classes/{}/{i:02}.png", labels[i]), &picture);
        list.push(format!("classes/{}/{i:02}.png {}\n", labels[i], labels[i]));
    }
    folder.write("list.txt", list.concat());
    let color: Vec<u8> = Random::new(341).bytes(SAMPLES * 3072);
    folder.write("cifar.bin", cifar(&color, |i| vec![labels[i]]));
    folder.write("r.safetensors", safetensors(&StateDict::resnet20(9, 10).stored()));
    let color = "--arch resnet20 --weights r.safetensors --mode base --data cifar.bin";
    let gray = ["set.safetensors", "idx", "set.csv", "classes", "list.txt"].map(|data| format!("{GRAY} --data {data}"));
    for_each_case(gray.iter().map(String::as_str).chain([color]), |args| {
        let whole = folder.logits(args);
        for (limit, seed) in [(7, 0), (13, 1), (39, u64::MAX), (40, 5), (400, 5)] {
            let expected = drawn(limit.min(SAMPLES), SAMPLES, seed, 0);
            let drawn = format!("{args} -n {limit} --shuffle {seed}");
            let found = predicted(&folder, &drawn);
            assert_eq!(found, expected.iter().map(|&i| (i, labels[i])).collect::<Vec<_>>(), "{drawn}");
            let logits = folder.logits(&format!("{drawn} -b 5"));
            assert_eq!(logits, expected.iter().map(|&i| whole[i].clone()).collect::<Vec<_>>(), "{drawn}");
        }
    });
}

/// Calibration on drawn samples finds the scale of these: the first layer's input is the image.
#[test]
fn calibration_samples_are_drawn_too() {
    let folder = gray_folder();
    let (bytes, _) = images();
    // Only sample i has a pixel of i + 1, its largest: the scale says which sample was the last one.
    let bytes: Vec<u8> = bytes.iter().enumerate().map(|(i, byte)| byte % (i / 784 + 2) as u8).collect();
    folder.write("rising.safetensors", byte_set([SAMPLES, 1, 28, 28], &bytes, &[0; SAMPLES]));
    let quant = GRAY.replace("base", "quant");
    for (count, seed) in [(3, 1), (5, 2), (1, 3)] {
        let args = format!("{quant} --data set.safetensors --calib-data rising.safetensors --calib-samples {count}");
        let report = folder.json(&format!("{args} --shuffle {seed} --save-qparams q.json"));
        let last = *drawn(count, SAMPLES, seed, 1).last().unwrap();
        let largest = bytes[last * 784..][..784].iter().max().copied().unwrap();
        let scale = folder.read_json("q.json")["layers"]["conv1"]["input"]["scale"].as_f64().unwrap() as f32;
        assert_eq!(scale, f32::from(largest) / 255.0 / 127.0, "{count} {seed}");
        assert_eq!(integer(&report, "/config/quantization/samples"), count as u64);
        // All are evaluated: only the calibration set was limited.
        assert_eq!(integer(&report, "/dataset/samples"), SAMPLES as u64);
    }
}

#[test]
fn reports_say_the_seed_and_can_be_run_again() {
    let folder = gray_folder();
    let args = format!("{GRAY} --data set.safetensors -n 20");
    let report = folder.json(&format!("{args} --shuffle 11 --predictions p.csv"));
    assert_eq!(report["config"]["shuffle"], 11);
    assert_eq!(folder.json(&args)["config"]["shuffle"], serde_json::Value::Null);
    let table = folder.run_to(0, &format!("{args} --shuffle 11")).stdout;
    assert!(table.contains("drawn by seed 11"), "{table}");
    // Where all samples are used, none are drawn.
    let all = args.replace("-n 20", "-n 400") + " --shuffle 11";
    let quant = all.replace("base", "quant") + " --calib-data set.safetensors --calib-samples";
    for (args, expected) in [(all, None), (format!("{quant} 40"), None), (format!("{quant} 39"), Some(11))] {
        let report = folder.json(&args);
        assert_eq!(report["config"]["shuffle"].as_u64(), expected, "{args}");
        let table = folder.run_to(0, &args).stdout;
        assert_eq!(table.contains("drawn by seed"), expected.is_some(), "{args}: {table}");
    }
    let before = folder.read("p.csv");
    let seed = &report["config"]["shuffle"];
    let samples = &report["dataset"]["samples"];
    for more in ["", "-b 3", "-j 1", "-j 2 -b 7"] {
        let again = format!("{GRAY} --data set.safetensors -n {samples} --shuffle {seed} {more} --predictions p.csv");
        assert_eq!(folder.json(&again)["accuracy"]["correct"], report["accuracy"]["correct"]);
        assert_eq!(folder.read("p.csv"), before, "{more}");
    }
}

/// Runs are paired by the index of their samples.
#[test]
fn only_runs_over_the_same_samples_are_compared() {
    let folder = gray_folder();
    let args = format!("{GRAY} --data set.safetensors");
    let run = |options: &str, name: &str| {
        folder.run_to(0, &format!("{args} {options} -o {name}.json --predictions {name}.csv"));
    };
    run("-n 20 --shuffle 1", "a");
    run("-n 20 --shuffle 1 -b 3", "b");
    run("-n 20 --shuffle 2", "c");
    run("-n 20", "d");
    let compared = folder.json("compare a.json b.json");
    assert_eq!(compared["runs"][0]["comparison"]["agreement"], 1.0);
    for other in ["c", "d"] {
        folder.refuses(&format!("compare a.json {other}.json"), &[other, "takes the place of sample", "seed"]);
    }
    let gates = "--baseline a.json --max-drop 1 --format json";
    let notes =
        |options: &str| folder.run_to(0, &format!("{args} -n 20 {options} {gates}")).json()["notes"].to_string();
    assert!(!notes("--shuffle 1").contains("other data"), "{}", notes("--shuffle 1"));
    for options in ["--shuffle 2", ""] {
        assert!(notes(options).contains("evaluated on other data"), "{}", notes(options));
        assert!(notes(options).contains("were not compared"), "{}", notes(options));
    }
    folder.refuses(&format!("{args} -n 20 --shuffle 2 --baseline a.json --alpha 0.05"), &["a.json", "--alpha"]);
}

#[test]
fn a_seed_alone_draws_nothing() {
    let folder = gray_folder();
    let args = format!("{GRAY} --data set.safetensors");
    let run = folder.refuses(&format!("{args} --shuffle 1"), &[]);
    assert!(run.stderr.contains("--limit") && run.stderr.contains("--calib-samples"), "{}", run.stderr);
    for seed in ["-1", "x", "1.5"] {
        folder.refuses(&format!("{args} -n 3 --shuffle {seed}"), &["--shuffle", seed]);
    }
    // Both limits at once.
    let both = args.replace("base", "quant") + " --calib-data set.safetensors --calib-samples 9 -n 8 --shuffle 1";
    folder.run_to(0, &both);
}
