//! Published multipliers, from the folder of outside cases.

use crate::common::files::Table;
use crate::common::{Folder, integer, number, text};
use crate::outside_cases::cases;

const NAMES: [&str; 6] = ["1JFF", "2AC", "17KS", "2HH", "DM1", "JV3"];

/// The unsigned table of a file of `u16`.
fn unsigned(name: &str) -> Option<Table> {
    let bytes = std::fs::read(cases()?.join(format!("luts/mul8u_{name}.bin"))).unwrap();
    let products = bytes.chunks_exact(2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]).into()).collect();
    Some(Table { signed: false, products })
}

/// The same multiplier over magnitudes, the signs put back, as signed 16-bit entries in a file whose
/// name says nothing.
#[test]
fn as_nameless_signed_tables_they_are_recognised() {
    let folder = Folder::new();
    for name in NAMES {
        let Some(magnitudes) = unsigned(name) else { return };
        let signed = Table::signed(|a, b| {
            let product = magnitudes.product(a.abs(), b.abs());
            if (a < 0) == (b < 0) { product } else { -product }
        });
        let errors = (-128..=127).flat_map(|a| (-128..=127).map(move |b| (a, b)));
        let errors: u64 = errors.map(|(a, b)| u64::from(signed.product(a, b).abs_diff(a * b))).sum();
        for (bytes, index) in [(signed.i16_bin(), "numeric"), (signed.i16_bin_by_pattern(), "twos-complement")] {
            folder.write("table", bytes);
            let info = folder.json("lut info table");
            assert_eq!((&info["signed"], text(&info, "/reading/entry")), (&true.into(), "i16"), "{name}");
            assert_eq!((text(&info, "/reading/index"), text(&info, "/reading/from")), (index, "detected"), "{name}");
            assert_eq!(number(&info, "/mae"), errors as f64 / 65_536.0, "{name}");
        }
    }
}

/// MAE, WCE and MRE as published, under every format and without a name.
#[test]
fn their_figures_survive_conversion() {
    let folder = Folder::new();
    for (name, mae, wce, mre) in [("1JFF", 0.0, 0, 0.0), ("2AC", 24.5, 79, 0.0125), ("17KS", 370.0, 1577, 0.1085)] {
        let Some(table) = unsigned(name) else { return };
        folder.write("table", table.u16_bin());
        for to in ["a.npy", "b.csv", "c.txt", "d.h", "e.safetensors", "f.bin"] {
            folder.run_to(0, &format!("lut convert table {to}"));
            let info = folder.json(&format!("lut info {to} --check"));
            assert!((number(&info, "/mae") - mae).abs() <= 0.5, "{name} {to}");
            assert_eq!(integer(&info, "/wce"), wce, "{name} {to}");
            assert!((number(&info, "/mre") - mre).abs() < 5e-5, "{name} {to}");
        }
    }
}

/// The header of EvoApproxLib's `mul8u_2AC.c`, as a sidecar: every metric there is measured as there.
#[test]
fn a_published_header_holds() {
    let Some(table) = unsigned("2AC") else { return };
    let folder = Folder::new();
    folder.write("mul8u_2AC.bin", table.u16_bin());
    let sidecar = |mse: &str| {
        format!(
            r#"{{"mae": 25, "wce": 79, "wcre": 31.0000, "ep": 0.9812, "mre": 0.0125, "mse": {mse}, "power": 0.311, "area": 508.3, "delay": 1.39}}"#
        )
    };
    folder.write("mul8u_2AC.json", sidecar("892"));
    let audit = folder.json("lut info mul8u_2AC.bin --check");
    assert_eq!(audit["claims"].as_array().unwrap().len(), 6);
    assert!((number(&audit, "/cost/energy") - 0.311 * 1.39).abs() < 1e-12);
    folder.write("mul8u_2AC.json", sidecar("894"));
    folder.run_to(1, "lut info mul8u_2AC.bin --check");
}
