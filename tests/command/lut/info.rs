//! `lut info`: readings and errors.

use crate::common::cases::for_each_case;
use crate::common::files::Table;
use crate::common::{Folder, integer, number, text};

/// Two too much for odd first operands: errors that can be counted by hand.
fn two_too_much() -> Table {
    Table::unsigned(|a, b| a * b + 2 * (a % 2))
}

#[test]
fn errors_by_hand() {
    let folder = Folder::new();
    folder.write("lut.safetensors", two_too_much().native("two too much"));
    let info = folder.json("lut info lut.safetensors");
    assert_eq!((text(&info, "/name"), &info["signed"]), ("two too much", &false.into()));
    assert_eq!(text(&info, "/blake3"), blake3::hash(&folder.read("lut.safetensors")).to_hex().as_str());
    // Half of all pairs are wrong, by 2 each.
    for (metric, expected) in [("mae", 1.0), ("mse", 2.0), ("ep", 0.5), ("bias", 1.0), ("variance", 1.0)] {
        assert_eq!(number(&info, &format!("/{metric}")), expected, "{metric}");
    }
    assert_eq!(integer(&info, "/wce"), 2);
    assert!((number(&info, "/rmse") - 2f64.sqrt()).abs() < 1e-12);
    assert!((number(&info, "/nmed") - 1.0 / (255.0 * 255.0)).abs() < 1e-12);
    // The worst relative error is that of 1 * 1; the mean is a product of two sums.
    assert_eq!(number(&info, "/wcre"), 2.0);
    let odd: f64 = (1..=255).step_by(2).map(|a| 1.0 / f64::from(a)).sum();
    let all: f64 = (1..=255).map(|b| 1.0 / f64::from(b)).sum();
    assert!((number(&info, "/mre") - 2.0 * odd * all / (255.0 * 255.0)).abs() < 1e-12);
    assert_eq!((&info["zero_product"], &info["symmetric"]), (&0.into(), &false.into()));
}

#[test]
fn signed_errors_by_hand() {
    let folder = Folder::new();
    // One pair of 65,536 wrong, by 64 too little; the rest exact.
    let table = Table::signed(|a, b| a * b - if (a, b) == (-128, 127) { 64 } else { 0 });
    folder.write("lut.bin", table.i16_bin());
    let info = folder.json("lut info lut.bin");
    assert_eq!(info["signed"], true);
    assert_eq!(number(&info, "/mae"), 64.0 / 65_536.0);
    assert_eq!((integer(&info, "/wce"), number(&info, "/bias")), (64, -64.0 / 65_536.0));
    // The peak is (-128)^2.
    assert!((number(&info, "/nmed") - 64.0 / 65_536.0 / 16_384.0).abs() < 1e-15);
    let psnr = 10.0 * (16_384f64.powi(2) / (64.0 * 64.0 / 65_536.0)).log10();
    assert!((number(&info, "/psnr") - psnr).abs() < 1e-9);
}

#[test]
fn every_reading_is_recognised_and_said() {
    let folder = Folder::new();
    // Truncated, so that no reading is exact, and not symmetric.
    let (unsigned, signed) = (Table::unsigned(|a, b| a * (b & !3)), Table::signed(|a, b| a * (b & !3)));
    let mae = number(&json_of(&folder, "u.safetensors", &unsigned.native("u")), "/mae");
    let signed_mae = number(&json_of(&folder, "s.safetensors", &signed.native("s")), "/mae");
    let cases = [
        ("one.bin", unsigned.u16_bin(), false, "u16", "numeric", "detected"),
        ("two.bin", unsigned.i32_bin(), false, "", "numeric", "detected"),
        ("three.npy", unsigned.npy(), false, "i32", "numeric", "detected"),
        ("four.csv", unsigned.csv().into_bytes(), false, "", "numeric", "detected"),
        ("five.bin", signed.i16_bin(), true, "i16", "numeric", "detected"),
        ("six.bin", signed.i16_bin_by_pattern(), true, "i16", "twos-complement", "detected"),
        ("seven.npy", signed.npy(), true, "i32", "numeric", "detected"),
        ("eight.csv", signed.csv().into_bytes(), true, "", "numeric", "detected"),
        ("mul8u_nine.bin", unsigned.u16_bin(), false, "u16", "numeric", "file-name"),
        ("mul8s_ten.bin", signed.i16_bin(), true, "i16", "numeric", "file-name"),
        ("eleven.safetensors", signed.native("eleven"), true, "i32", "numeric", "metadata"),
    ];
    for_each_case(cases, |(name, bytes, is_signed, entry, index, from)| {
        let info = json_of(&folder, name, &bytes);
        assert_eq!(info["signed"], is_signed, "{name}");
        assert_eq!(number(&info, "/mae"), if is_signed { signed_mae } else { mae }, "{name}");
        let reading = &info["reading"];
        assert_eq!((text(reading, "/index"), text(reading, "/from")), (index, from), "{name}");
        if !entry.is_empty() {
            assert_eq!(text(reading, "/entry"), entry, "{name}");
        }
        assert_eq!(text(&info, "/path"), name);
    });
}

fn json_of(folder: &Folder, name: &str, bytes: &[u8]) -> serde_json::Value {
    folder.write(name, bytes);
    folder.json(&format!("lut info {name}"))
}

#[test]
fn a_stated_reading_wins_and_a_poor_one_warns() {
    let folder = Folder::new();
    folder.write("lut.bin", Table::signed(|a, b| a * b).i16_bin());
    let run = folder.run_to(0, "lut info lut.bin --lut-format i16-signed-twos-complement --format json");
    let info = run.json();
    assert_eq!(text(&info, "/reading/from"), "lut-format");
    assert!(number(&info, "/mae") > 100.0);
    assert_eq!(info["warnings"].as_array().unwrap().len(), 1, "{info}");
    assert!(!run.stderr.is_empty());
    folder.write("lut.json", r#"{"name":"mine","energy":0.5,"signed":true}"#);
    let info = folder.json("lut info lut.bin");
    assert_eq!((text(&info, "/name"), text(&info, "/reading/from")), ("mine", "sidecar"));
    assert_eq!((number(&info, "/energy"), number(&info, "/mae")), (0.5, 0.0));
    folder.write("lut.json", r#"{"color":"red"}"#);
    assert!(folder.run_to(0, "lut info lut.bin").stdout.contains("color"));
}

#[test]
fn swapped_operands_are_said() {
    let folder = Folder::new();
    folder.write("lut.safetensors", two_too_much().native("lut"));
    let info = folder.json("lut info lut.safetensors --swap-operands");
    assert_eq!((&info["reading"]["swapped"], number(&info, "/mae")), (&true.into(), 1.0));
}

#[test]
fn info_in_every_format() {
    let folder = Folder::new();
    folder.write("lut.safetensors", two_too_much().native("two too much"));
    let table = folder.run_to(0, "lut info lut.safetensors").stdout;
    for part in ["two too much", "unsigned", "MAE", "WCE", "metadata"] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let rows = folder.run_to(0, "lut info lut.safetensors --format csv").csv();
    let column = |name: &str| rows[0].iter().position(|column| column == name).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[1][column("mae")].as_str(), rows[1][column("wce")].as_str()), ("1", "2"));
}

/// Kulkarni, Gupta and Ercegovac (VLSI Design 2011): the 2 x 2 block is right but for 3 * 3 = 7, which
/// bounds the relative error by 2 / 9 (22.22 %), and errors only make products smaller.
#[test]
fn a_published_design() {
    let info = Folder::new().json("lut info udm");
    assert!((number(&info, "/wcre") - 2.0 / 9.0).abs() < 1e-12);
    assert!(number(&info, "/bias") < 0.0);
    // 255 * 255: every block is 3 * 3, so the error is 2 * (1 + 4 + 16 + 64)^2.
    assert_eq!(integer(&info, "/wce"), 2 * 85 * 85);
}

/// A native file says how it is read: nothing of it is taken for another type's bit patterns, however
/// far from a product it is.
#[test]
fn a_native_file_is_read_as_it_says() {
    let folder = Folder::new();
    let saturating = |a: i32, b: i32| if a * b == 0 { 65_535 } else { (a * b).min(32_767) };
    let cases = [
        // Wrong at zero by a wrapped subtraction.
        ("wrapped", Table::unsigned(saturating), 65_535, 65_535),
        ("largest", Table::unsigned(|_, _| 65_535), 65_535, 65_535),
        ("zero", Table::unsigned(|_, _| 0), 0, 65_025),
    ];
    for_each_case(cases, |(name, table, zero, wce)| {
        let info = json_of(&folder, "lut.safetensors", &table.native(name));
        assert_eq!((&info["zero_product"], integer(&info, "/wce")), (&zero.into(), wce), "{name}");
    });
}
