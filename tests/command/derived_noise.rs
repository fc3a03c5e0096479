//! Noise that stands for a multiplier.

use crate::common::cases::for_each_case;
use crate::common::files::Table;
use crate::common::network::{TINY, Tiny};
use crate::common::{number, text};
use serde_json::Value;

/// The tiny network calibrates on the set that it is evaluated on, so that what the multiplier is
/// measured to do there is what its noise must be.
#[test]
fn noise_is_what_the_multiplier_does() {
    let (_, folder) = Tiny::folder(170);
    folder.write("lut.safetensors", Table::unsigned(|a, b| a * b - (a % 16) * (b % 8)).native("rough"));
    for coding in ["sign-magnitude", "affine"] {
        let measured = folder.json(&format!("{TINY} --lut lut.safetensors --coding {coding} --layer-errors"));
        let args = format!("{TINY} --mode noise --noise-from-lut lut.safetensors --coding {coding} --seed 4");
        let report = folder.json(&args);
        let layers = report["layers"].as_array().unwrap().iter().zip(measured["layers"].as_array().unwrap());
        for (noisy, emulated) in layers {
            for (noise, error) in [("/noise/stdev", "/error/relative_std"), ("/noise/mean", "/error/mean")] {
                assert_eq!(number(noisy, noise), number(emulated, error), "{coding} {}", text(noisy, "/name"));
            }
            assert!(number(noisy, "/noise/stdev") > 0.0);
        }
        assert_eq!(report["config"]["noise"], serde_json::json!({ "from_lut": "lut.safetensors" }));
        // Scales from a file give the same, and so does a rule.
        let plain = folder.logits(&format!("{args} --save-qparams q.json"));
        assert_eq!(folder.logits(&format!("{args} --qparams q.json")), plain);
        let rule = format!("{TINY} --set *:mode=noise,noise_from_lut=lut.safetensors,coding={coding} --seed 4");
        assert_eq!(folder.logits(&rule), plain);
        folder.run_to(0, &format!("{args} --set fc1:mode=quant -o r.json"));
        let again = folder.logits(&format!("{TINY} --assign r.json --seed 4"));
        assert_eq!(again, folder.logits(&format!("{args} --set fc1:mode=quant")));
    }
}

#[test]
fn an_exact_multiplier_makes_no_noise() {
    let (_, folder) = Tiny::folder(171);
    let quant = folder.logits(&format!("{TINY} --mode quant --coding sign-magnitude"));
    assert_eq!(folder.logits(&format!("{TINY} --mode noise --noise-from-lut exact")), quant);
    // In other modes it is validated, then unused.
    let report = folder.json(&format!("{TINY} --mode base --noise-from-lut drum-4"));
    assert_eq!((text(&report, "/config/mode"), &report["layers"][0]["noise"]), ("base", &Value::Null));
}

#[test]
fn what_noise_cannot_stand_for() {
    let (_, folder) = Tiny::folder(172);
    let cases = [
        ("--noise-from-lut dram-4", &["--noise-from-lut", "drum-4"][..]),
        ("--mode noise --noise-from-lut udm --noise-std 0.1", &["--noise-std"]),
        ("--mode noise --noise-from-lut exact-signed --coding affine", &["--noise-from-lut", "exact-signed"]),
        ("--set conv1:mode=noise,noise_from_lut=udm,noise_mean=1", &["--set", "noise_from_lut"]),
    ];
    for_each_case(cases, |(args, needles)| {
        let run = folder.refuses(&format!("{TINY} {args}"), &[]);
        for needle in needles {
            assert!(run.stderr.contains(needle), "{args}: no '{needle}' in {}", run.stderr);
        }
    });
}
