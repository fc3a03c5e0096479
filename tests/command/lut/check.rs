//! `lut info --check`: what is wrong with a table fails a script.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::{Table, safetensors_with, stored};
use safetensors::Dtype;
use serde_json::Value;

/// The same table without its minus signs.
fn without_signs(table: &Table) -> Table {
    Table { signed: table.signed, products: table.products.iter().map(|product| product.abs()).collect() }
}

fn findings(audit: &Value) -> Vec<&str> {
    audit["findings"].as_array().unwrap().iter().map(|finding| finding["kind"].as_str().unwrap()).collect()
}

#[test]
fn a_table_that_has_lost_its_minus_signs_fails() {
    let folder = Folder::new();
    // Truncated toward zero, as a magnitude multiplier does; DRUM's table has its own claims beside that.
    let table = Table::signed(|a, b| (a * b) / 8 * 8);
    let lost = without_signs(&table);
    folder.write("good.bin", table.i16_bin());
    folder.write("good.csv", table.csv());
    for name in ["good.bin", "good.csv"] {
        assert_eq!(findings(&folder.json(&format!("lut info {name} --check"))), [""; 0], "{name}");
    }
    let cases = [
        ("lost.bin", lost.i16_bin()),
        ("lost-pattern.bin", lost.i16_bin_by_pattern()),
        ("lost-wide.bin", lost.i32_bin()),
        ("lost.csv", lost.csv().into_bytes()),
        ("lost.npy", lost.npy()),
        ("mul8s_lost.csv", lost.csv().into_bytes()),
        ("lost.safetensors", lost.native("lost")),
    ];
    for_each_case(cases, |(name, bytes)| {
        folder.write(name, bytes);
        let audit = folder.run_to(1, &format!("lut info {name} --check --format json"));
        assert_eq!(findings(&audit.json()), ["signs-lost", "signs-lost"], "{name}");
        assert!(audit.stderr.contains("minus signs"), "{name}: {}", audit.stderr);
        // Said without the option too, and not only to scripts.
        let table = folder.run_to(0, &format!("lut info {name}")).stdout;
        assert!(table.contains("FAILED") && table.contains("minus signs"), "{table}");
    });
    let report = folder.run_to(0, "--lut lost.bin --limit 16 --format json");
    assert!(
        report.stderr.contains("minus signs") && report.json()["lut"]["warnings"].to_string().contains("minus signs")
    );
}

#[test]
fn the_conversion_of_a_design_without_its_signs_fails_its_name_and_claims() {
    let folder = Folder::new();
    folder.run_to(0, "lut gen drum 4 signed -o drum.csv");
    let text = String::from_utf8(folder.read("drum.csv")).unwrap();
    folder.write("lost.csv", text.replace('-', ""));
    folder.run_to(0, "lut convert lost.csv drum-4-signed.npy");
    let audit = folder.run_to(1, "lut info drum-4-signed.npy --check --format json").json();
    assert_eq!(findings(&audit), ["signs-lost", "signs-lost", "not-the-design"]);
    // In the native format with the design's own figures, these fail too.
    folder.run_to(0, "lut gen drum 4 signed");
    let bytes = folder.read("drum-4-signed.safetensors");
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let products = bytes[header..].chunks_exact(4).map(|bytes| i32::from_le_bytes(bytes.try_into().unwrap()));
    let lost: Vec<u8> = bytes[..header].iter().copied().chain(products.flat_map(|p| p.abs().to_le_bytes())).collect();
    folder.write("drum-4-signed.safetensors", lost);
    let audit = folder.run_to(1, "lut info drum-4-signed.safetensors --check --format json").json();
    assert!(
        ["signs-lost", "claim-fails", "not-the-design"].iter().all(|kind| findings(&audit).contains(kind)),
        "{audit}"
    );
}

#[test]
fn quadrants_are_compared() {
    let folder = Folder::new();
    let quadrants = |name: &str, table: Table| {
        folder.write(name, table.i32_bin());
        let audit = folder.json(&format!("lut info {name} --lut-format i32-signed-numeric"));
        let field = |quadrant: &Value, key: &str| quadrant[key].as_str().unwrap().to_owned();
        let quadrants = audit["quadrants"].as_array().unwrap();
        quadrants.iter().map(|quadrant| field(quadrant, "relation")).collect::<Vec<_>>()
    };
    assert_eq!(quadrants("signed.bin", Table::signed(|a, b| a * b)), ["signed"; 4]);
    let mirrored = quadrants("mirrored.bin", Table::signed(|a, b| (a * b).abs()));
    assert_eq!(mirrored, ["signed", "mirrored", "mirrored", "signed"]);
    // Rounded down whatever the sign.
    let different = quadrants("different.bin", Table::signed(|a, b| (a * b) & !7));
    assert_eq!(different, ["signed", "different", "different", "signed"]);
    assert_eq!(folder.json("lut info drum-4")["quadrants"], serde_json::json!([]));
}

#[test]
fn claims_are_held_against_the_table() {
    let folder = Folder::new();
    // Half of the products are 2 too large.
    let table = Table::unsigned(|a, b| a * b + 2 * (a % 2));
    let tensor = || stored("lut", Dtype::I32, &[256, 256], table.i32_bin());
    let cases = [
        ("good", &[("mae", "1.0"), ("wce", "2"), ("ep", "0.5"), ("bias", "1")][..], 0),
        ("rounded", &[("rmse", "1.41")], 0),
        ("bad-mae", &[("mae", "1.5")], 1),
        ("bad-wce", &[("mae", "1.0"), ("wce", "4")], 1),
        ("no-psnr", &[("psnr", "12")], 1),
    ];
    for_each_case(cases, |(name, claims, code)| {
        let metadata: Vec<_> =
            [("name", name), ("signed", "false")].into_iter().chain(claims.iter().copied()).collect();
        folder.write("lut.safetensors", safetensors_with(&[tensor()], &metadata));
        let audit = folder.run_to(code, "lut info lut.safetensors --check --format json").json();
        assert_eq!(audit["claims"].as_array().unwrap().len(), claims.len(), "{name}");
        assert_eq!(findings(&audit).len(), usize::from(code == 1), "{name}");
    });
    // A sidecar's count as well, and those of a C table's comments as EvoApproxLib writes them.
    folder.write("lut.bin", table.u16_bin());
    folder.write("lut.json", r#"{"mae": 1.25}"#);
    folder.run_to(1, "lut info lut.bin --check");
    folder.write("lut.json", r#"{"mae": 1.0}"#);
    folder.run_to(0, "lut info lut.bin --check");
    let source =
        |figures: &str| format!("{figures}\nint lut[256][256] = {{{}}};", table.csv().trim_end().replace('\n', ",\n"));
    folder.write("lut.c", source("// MAE = 1.0\n// WCE = 2\n// EP% = 50.00 %"));
    folder.run_to(0, "lut info lut.c --check");
    folder.write("lut.c", source("// MAE = 1.0\n// WCE = 2\n// EP% = 49.00 %"));
    assert!(folder.run_to(1, "lut info lut.c --check").stdout.contains("FAILS"));
}

#[test]
fn a_report_beside_a_table_is_no_sidecar() {
    let folder = Folder::new();
    let table = Table::unsigned(|a, b| (a * b) & !3);
    folder.write("mul8.bin", table.u16_bin());
    folder.run_to(0, "--lut mul8.bin --limit 16 -o mul8.json");
    let info = folder.json("lut info mul8.bin");
    assert_eq!((info["name"].as_str(), &info["warnings"]), (Some("mul8"), &serde_json::json!([])));
    folder.run_to(0, "--mode quant --coding sign-magnitude --limit 16 --save-qparams mul8.json");
    assert_eq!(folder.json("lut info mul8.bin")["warnings"], serde_json::json!([]));
    folder.write("mul8.json", r#"{"name": "mine", "signed": fal"#);
    folder.refuses("lut info mul8.bin", &["mul8.json", "JSON"]);
}

/// Who says what, what the entries are, and an option that settles it.
#[test]
fn a_reading_that_only_a_statement_excludes_is_offered() {
    let folder = Folder::new();
    let (signed, unsigned) = (Table::signed(|a, b| a * b).i16_bin(), Table::unsigned(|a, b| a * b).u16_bin());
    for name in ["mul8u_bad.bin", "b.bin"] {
        folder.write(name, &signed);
    }
    for name in ["u.bin", "a.bin"] {
        folder.write(name, &unsigned);
    }
    folder.write("u.json", r#"{"signed": true}"#);
    let cases = [
        ("mul8u_bad.bin", "its name says unsigned", "i16-signed-numeric"),
        ("u.bin", "its sidecar says signed", "u16-unsigned"),
        ("b.bin --lut-format unsigned", "the stated LUT format says unsigned", "i16-signed-numeric"),
        ("a.bin --lut-format i16-signed", "the stated LUT format says i16-signed", "u16-unsigned"),
    ];
    for_each_case(cases, |(args, who, better)| {
        let file = args.split(' ').next().unwrap();
        let run = folder.refuses(
            &format!("lut info {args}"),
            &[file, who, &format!("state the LUT format {better}"), "--lut-format"],
        );
        assert!(!run.stderr.contains("no interpretation"), "{run:?}");
        let info = folder.json(&format!("lut info {file} --lut-format {better}"));
        assert_eq!(info["mae"], 0.0, "{args}");
    });
    // One reading is left: it is taken, with a warning that names the better one.
    folder.write("mul8u_bad.csv", Table::signed(|a, b| a * b).csv());
    let run = folder.run_to(0, "lut info mul8u_bad.csv");
    assert!(run.stderr.contains("signed-numeric it would be 0.0"), "{run:?}");
}

#[test]
fn noise_is_refused_with_the_choices_named() {
    let folder = Folder::new();
    let noise = crate::common::random::Random::new(5).bytes(131_072);
    folder.write("noise.bin", &noise);
    let choices = ["noise.bin", "u16-unsigned", "i16-signed-numeric", "i16-signed-twos-complement", "--lut-format"];
    folder.refuses("lut info noise.bin", &choices);
    folder.refuses("--lut noise.bin", &choices);
    let text: String =
        noise.chunks_exact(2).map(|pair| format!("{} ", u16::from_le_bytes([pair[0], pair[1]]))).collect();
    folder.write("noise.txt", text);
    folder.refuses("lut info noise.txt", &["noise.txt", "unsigned", "signed-numeric", "--lut-format"]);
}
