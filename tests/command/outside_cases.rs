//! Real cases from outside the project: a folder that `APPROX_EVAL_CASES` names, with published
//! multipliers of EvoApproxLib in `luts/` and a trained ResNet-20 in `cifar10-resnet20/`.

use crate::common::cases::for_each_case;
use crate::common::{Folder, integer, number, text};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Once;

pub fn cases() -> Option<PathBuf> {
    static SKIPPED: Once = Once::new();
    let folder = std::env::var_os("APPROX_EVAL_CASES").map(PathBuf::from);
    if folder.is_none() {
        // Past the test harness, which keeps what `eprintln` says to itself.
        SKIPPED.call_once(|| {
            let _ = writeln!(std::io::stderr(), "skipped: APPROX_EVAL_CASES names no folder of outside cases");
        });
    }
    folder
}

/// MAE, where the publication rounds, WCE and MRE as EvoApproxLib has them, and `lut[0][0]`.
#[test]
fn published_errors() {
    let Some(cases) = cases() else { return };
    let folder = Folder::new();
    let info = |name: &str| folder.json(&format!("lut info {}", cases.join("luts").join(name).display()));
    for (name, mae, wce) in [("mul8u_1JFF.bin", 0.0, 0), ("mul8u_2AC.bin", 24.5, 79), ("mul8u_17KS.bin", 370.0, 1577)] {
        let info = info(name);
        assert!((number(&info, "/mae") - mae).abs() <= 0.5, "{name}: {}", info["mae"]);
        assert_eq!(integer(&info, "/wce"), wce, "{name}");
        assert_eq!(info["signed"], false);
    }
    let relative = |name: &str| number(&info(name), "/mre");
    assert!((relative("mul8u_2AC.bin") - 0.0125).abs() < 5e-5);
    assert!((relative("mul8u_17KS.bin") - 0.1085).abs() < 5e-5);
    assert_eq!(info("mul8u_2HH.bin")["zero_product"], 64);
}

/// The arguments for a trained ResNet-20, its test set and its calibration set.
pub fn resnet20() -> Option<String> {
    let cases = cases()?;
    let case = |name: &str| cases.join("cifar10-resnet20").join(name).display().to_string();
    Some(format!(
        "--arch resnet20 --weights {} --data {} --calib-data {} --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225",
        case("resnet20.safetensors"),
        case("test200.bin"),
        case("calib256.bin")
    ))
}

/// Right answers of 200 as an independent implementation of the same arithmetic has them, within 2.
#[test]
fn resnet20_under_published_multipliers() {
    let Some((cases, network)) = cases().zip(resnet20()) else { return };
    let folder = Folder::new();
    let correct = |args: &str| integer(&folder.json(&format!("{network} {args}")), "/accuracy/correct");
    assert_eq!(correct("--mode base"), 180);
    folder.run_to(0, &format!("{network} --mode quant --coding sign-magnitude --save-qparams q.json"));
    let lut = |name: &str| cases.join("luts").join(format!("mul8u_{name}.bin")).display().to_string();
    for_each_case([("1JFF", 180), ("2AC", 178), ("2HH", 175), ("DM1", 175), ("17KS", 158)], |(name, expected)| {
        let found = correct(&format!("--mode approx --lut {} --qparams q.json", lut(name)));
        assert!(found.abs_diff(expected) <= 2, "{name}: {found}, expected about {expected}");
    });
    assert!(correct(&format!("--mode approx --lut {} --qparams q.json", lut("JV3"))) <= 40);
    let args = |mode: &str| format!("{network} --mode {mode} --lut {} --qparams q.json", lut("1JFF"));
    assert_eq!(folder.logits(&args("approx")), folder.logits(&args("quant")));
}

/// One wrong entry makes another table, which has the circuit's errors all the same.
#[test]
fn one_wrong_entry_of_a_published_table_is_said() {
    let Some(cases) = cases() else { return };
    let folder = Folder::new();
    let mut table = std::fs::read(cases.join("luts/mul8u_17KS.bin")).unwrap();
    table[2 * (200 * 256 + 100)] ^= 1;
    folder.write("mine.bin", &table);
    let info = folder.json("lut info mine.bin");
    assert!(info["catalogue"].is_null() && info["notes"].to_string().contains("mul8u_17KS"), "{info:#}");
    folder.write("mul8u_17KS.bin", &table);
    folder.run_to(1, "lut info mul8u_17KS.bin --check");
}

/// Published: 17KS takes 0.104 mW and 1.00 ns, the exact 1JFF 0.391 mW and 1.43 ns.
#[test]
fn published_costs_of_a_network() {
    let Some((cases, network)) = cases().zip(resnet20()) else { return };
    let folder = Folder::new();
    let args = format!("{network} -n 8 --calib-samples 16 --lut {}", cases.join("luts/mul8u_17KS.bin").display());
    let report = folder.json(&args);
    let cost = &report["cost"];
    assert_eq!((number(cost, "/power_mw"), text(cost, "/source")), (0.104, "catalogue"));
    assert!((number(cost, "/relative_power") - 0.104 / 0.391).abs() < 1e-12, "{cost}");
    assert!((number(cost, "/relative_energy") - 0.104 / (0.391 * 1.43)).abs() < 1e-12, "{cost}");
    let energy = integer(&report, "/opcount/per_sample") as f64 * 0.104 * 1e-6;
    assert!((number(cost, "/energy_uj_per_sample") / energy - 1.0).abs() < 1e-12, "{cost}");
    let swapped = folder.json(&format!("{args} --swap-operands"));
    assert_eq!(number(&swapped, "/cost/power_mw"), 0.104);
    let table = folder.run_to(0, &args).words();
    for part in ["0.104 mW", "26.60 % of exact", "uJ a sample", "EvoApproxLib", "mul8u_1JFF"] {
        assert!(table.contains(part), "{part}: {table}");
    }
    // Two published multipliers in one network: sum(opcount * power) / sum(opcount).
    let mixed = folder.json(&format!("{args} --set linear:lut={}", cases.join("luts/mul8u_2AC.bin").display()));
    let (all, linear) = (number(&mixed, "/opcount/per_sample"), 640.0);
    let power = (0.104 * (all - linear) + number(&mixed, "/cost/by_multiplier/mul8u_2AC/power_mw") * linear) / all;
    assert!((number(&mixed, "/cost/power_mw") - power).abs() < 1e-12, "{}", mixed["cost"]);
}

#[test]
fn lenet5_under_published_multipliers() {
    let Some(cases) = cases() else { return };
    let folder = Folder::new();
    let lut = |name: &str| cases.join("luts").join(format!("mul8u_{name}.bin")).display().to_string();
    let top1 = |args: String| number(&folder.json(&format!("-n 500 {args}")), "/accuracy/top1");
    let base = top1("--mode base".to_owned());
    assert!(top1(format!("--lut {}", lut("17KS"))) > base - 0.1);
    assert!(top1(format!("--lut {}", lut("JV3"))) < base - 0.2, "JV3 wrecks the network");
    let args = |mode: &str| format!("-n 500 --mode {mode} --lut {}", lut("1JFF"));
    assert_eq!(folder.logits(&args("approx")), folder.logits(&args("quant")));
}
