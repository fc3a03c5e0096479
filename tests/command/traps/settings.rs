//! Options that decide nothing, or compare what cannot be compared.

use super::{fires, is_silent, notes_of};
use crate::common::Folder;
use crate::common::files::{byte_set, safetensors};
use crate::common::network::{StateDict, TINY, Tiny};

#[test]
fn a_multiplier_that_no_layer_uses() {
    let (_, folder) = Tiny::folder(320);
    fires(&folder, &format!("{TINY} --mode base --lut drum-4"), &["multiplier 'drum-4' is not used", "mode base"]);
    let rules = "--lut drum-4 --set *:lut=mitchell";
    fires(&folder, &format!("{TINY} {rules}"), &["multiplier 'drum-4' is not used", "rules"]);
    fires(&folder, &format!("{TINY} --lut drum-4 --set *:mode=base"), &["'drum-4' is not used", "mode base"]);
    // Of two rules for the same layers, the later one decides.
    let rules = "--set conv1:lut=drum-4 --set conv*:lut=mitchell";
    fires(&folder, &format!("{TINY} {rules}"), &["multiplier 'drum-4' is not used"]);
    let both = "--mode base --lut drum-4 --set fc1:lut=udm,mode=base";
    fires(&folder, &format!("{TINY} {both}"), &["'drum-4', 'udm' are not used"]);
    // Exact products and noise keep to the multiplier's operands.
    for used in [
        "--lut drum-4",
        "--lut drum-4 --mode quant",
        "--lut drum-4 --mode noise --noise-std 0.1",
        "--mode noise --noise-from-lut drum-4",
        "--mode base --set fc1:lut=drum-4",
        "--lut drum-4 --set conv*:lut=mitchell",
        "--lut drum-4 --set conv1:mode=base",
        "--lut drum-4 --set *:coding=signed",
        "--mode base",
    ] {
        is_silent(&folder, &format!("{TINY} {used}"), "not used");
    }
}

#[test]
fn noise_that_no_layer_has() {
    let (_, folder) = Tiny::folder(322);
    for unused in ["--noise-std 0.05", "--noise-mean 1 --lut drum-4", "--mode quant --noise-std 0.1"] {
        fires(&folder, &format!("{TINY} {unused}"), &["no noise is added", "mode noise"]);
    }
    for used in ["--mode noise --noise-std 0.05", "--mode base --noise-std 0.1 --set fc1:mode=noise", "--mode base"] {
        is_silent(&folder, &format!("{TINY} {used}"), "no noise is added");
    }
}

/// Products of two activations take a multiplier, or another one, while layers with weights stay in fp32.
#[test]
fn a_multiplier_of_attention_alone() {
    let folder = Folder::new();
    let base = "--model vit_micro -n 2 --calib-samples 8 --mode base --lut drum-4";
    for used in ["--attention approx", "--attention quant", "--set blocks.0.attn*:mode=approx"] {
        is_silent(&folder, &format!("{base} {used}"), "not used");
    }
    fires(&folder, base, &["multiplier 'drum-4' is not used", "all layers compute in fp32"]);
    let rules = "--attention approx --set *:lut=mitchell";
    let note = fires(&folder, &format!("{base} {rules}"), &["multiplier 'drum-4' is not used", "rules"]);
    assert!(!note.contains("all layers"), "{note}");
}

/// The same labels and file names, another network.
#[test]
fn a_baseline_of_another_network() {
    let (tiny, folder) = Tiny::folder(321);
    folder.run_to(0, &format!("{TINY} --mode base -o base.json --predictions base.csv"));
    let gates = "--mode base --baseline base.json --max-drop 1";
    is_silent(&folder, &format!("{TINY} {gates}"), "base.json is a run");
    // Weights of another training.
    let other = StateDict::lenet5(5, Tiny::CHANNELS, Tiny::SIDE, Tiny::CLASSES);
    folder.write("tiny/model.safetensors", safetensors(&other.stored()));
    fires(&folder, &format!("{TINY} {gates}"), &["base.json is a run of tiny with other weights"]);
    folder.run_to(0, &format!("{TINY} --mode base -o other.json --predictions other.csv"));
    // Another name.
    folder.write("second/config.json", folder.read("tiny/config.json"));
    folder.write("second/model.safetensors", safetensors(&other.stored()));
    let second = format!("--model second --data tiny.safetensors {gates}");
    fires(&folder, &second, &["base.json is a run of another network, tiny instead of second"]);
    tiny.write(&folder);
    is_silent(&folder, &format!("{TINY} {gates}"), "base.json is a run");
    // Saved reports.
    let run = folder.run_to(0, "compare base.json other.json --format json");
    let notes = notes_of(&run.json());
    assert!(notes.len() == 1 && notes[0].contains("other.json is a run of tiny with other weights"), "{notes:?}");
    assert!(run.stderr.contains(&notes[0]), "{}", run.stderr);
    for format in ["table", "markdown"] {
        let run = folder.run_to(0, &format!("compare base.json other.json --quiet --format {format}"));
        assert!(run.stdout.contains("is a run of") && run.stderr.is_empty(), "{run:?}");
    }
    let run = folder.run_to(0, "compare base.json base.json --format json");
    assert!(notes_of(&run.json()).is_empty() && run.stderr.is_empty(), "{run:?}");
}

/// A set sorted by class, as class folders are.
#[test]
fn first_samples_of_a_sorted_set() {
    let folder = Folder::new();
    folder.write("w.safetensors", safetensors(&StateDict::lenet5(6, 1, 28, 10).stored()));
    let write = |name: &str, labels: &[u8]| {
        let bytes = crate::common::random::Random::new(322).bytes(labels.len() * 784);
        folder.write(name, byte_set([labels.len(), 1, 28, 28], &bytes, labels));
    };
    let sorted: Vec<u8> = (0..60).map(|i| i / 6).collect();
    write("sorted.safetensors", &sorted);
    write("mixed.safetensors", &(0..60).map(|i| i % 10).collect::<Vec<u8>>());
    let network = "--arch lenet5 --weights w.safetensors";
    let base = format!("{network} --data sorted.safetensors --mode base");
    let needles = ["the 12 evaluated samples are the first of a set sorted by class", "2 of its 10 classes", "shuffle"];
    fires(&folder, &format!("{base} -n 12"), &needles);
    for silent in ["", "-n 60", "-n 55", "-n 12 --shuffle 1"] {
        is_silent(&folder, &format!("{base} {silent}"), "sorted");
    }
    is_silent(&folder, &format!("{network} --data mixed.safetensors --mode base -n 3"), "sorted");
    // One sample a class, in whatever order, is always grouped.
    write("single.safetensors", &[3, 7, 0, 9, 1, 5, 8, 2, 6, 4]);
    write("three.safetensors", &[0, 1, 2]);
    is_silent(&folder, &format!("{network} --data single.safetensors --mode base --limit 5"), "sorted");
    for calibration in ["single.safetensors --calib-samples 8", "three.safetensors --calib-samples 2"] {
        let args = format!("{network} --data mixed.safetensors --mode quant --calib-data {calibration}");
        is_silent(&folder, &args, "sorted");
    }
    let quant = format!("{network} --data mixed.safetensors --calib-data sorted.safetensors --mode quant");
    fires(&folder, &format!("{quant} --calib-samples 6"), &["the 6 calibration samples are the first", "1 of its 10"]);
    is_silent(&folder, &format!("{quant} --calib-samples 6 --shuffle 2"), "sorted");
    is_silent(&folder, &quant, "sorted");
    is_silent(&folder, &format!("{quant} --mode base --calib-samples 6").replacen("--mode quant ", "", 1), "sorted");
}
