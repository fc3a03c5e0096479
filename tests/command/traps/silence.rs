//! Honest runs have no note: the shipped networks in all modes, trained networks and published models from outside.

use super::notes_of;
use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::outside_cases::resnet20;

/// Runs what has no notes, and nothing on standard error.
fn says_nothing(folder: &Folder, args: &str) {
    let run = folder.run_to(0, &format!("{args} --format json"));
    assert_eq!(notes_of(&run.json()), [""; 0], "{args}");
    assert_eq!(run.stderr, "", "{args}");
}

const MODES: [&str; 9] = [
    "--mode base",
    "--mode quant",
    "--mode quant --lut drum-4",
    "--lut exact",
    "--lut drum-6",
    "--lut exact --coding affine",
    "--lut mitchell --act-bits 4 --calib percentile",
    "--mode noise --noise-std 0.05",
    "--mode noise --noise-from-lut drum-6 --calib-samples 64",
];

#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn shipped_networks() {
    let folder = Folder::new();
    for_each_case(["lenet5", "resnet8", "ds_cnn"], |network| {
        for mode in MODES {
            for limit in ["-n 1", "-n 5", "-n 60"] {
                says_nothing(&folder, &format!("--model {network} {mode} {limit}"));
            }
        }
        says_nothing(&folder, &format!("--model {network} --lut drum-6 -n 100 --calib-samples 50 --shuffle 3"));
        says_nothing(&folder, &format!("--model {network} --lut drum-6 --set *1:mode=base --compare base -n 30"));
    });
    // The whole set, of which accuracy, duplicates and ranges are.
    says_nothing(&folder, "--lut drum-6");
    folder.run_to(0, "--mode base -o base.json --predictions base.csv");
    says_nothing(&folder, "--mode quant --baseline base.json --max-drop 0.5");
}

#[test]
fn resnet20_from_outside() {
    let Some(network) = resnet20() else { return };
    let folder = Folder::new();
    for mode in MODES {
        for limit in ["-n 5", ""] {
            says_nothing(&folder, &format!("{network} {mode} {limit}"));
        }
    }
    says_nothing(&folder, &format!("{network} --lut drum-6 --calib-samples 64 -n 100 --shuffle 1"));
}
