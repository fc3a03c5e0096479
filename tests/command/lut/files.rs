//! `lut gen`, `lut convert` and `lut plot`.

use crate::common::cases::for_each_case;
use crate::common::files::Table;
use crate::common::{Folder, number, text};

fn read_by(folder: &Folder, args: &str, input: &[u8]) -> serde_json::Value {
    let output = folder.command(&format!("{args} --format json")).write_stdin(input).output().unwrap();
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Wrong in a way that tells operands, signs and orders apart.
fn odd(a: i32, b: i32) -> i32 {
    a * (b & !3) - (a & 1)
}

#[test]
fn tables_are_written_to_the_byte() {
    let folder = Folder::new();
    let (signed, unsigned) = (Table::signed(odd), Table::unsigned(|a, b| a * (b & !3) + (a & 1)));
    folder.write("s.csv", signed.csv());
    folder.write("s.npy", signed.npy());
    folder.write("u.npy", unsigned.npy());
    let cases = [
        ("s.csv", "one.bin", "", signed.i16_bin()),
        ("s.csv", "two.bin", "--output-format i16-twos-complement", signed.i16_bin_by_pattern()),
        ("s.csv", "three.bin", "--output-format i32", signed.i32_bin()),
        ("s.npy", "four.csv", "", signed.csv().into_bytes()),
        ("u.npy", "six.bin", "", unsigned.u16_bin()),
        ("u.npy", "seven.dat", "--output-format csv", unsigned.csv().into_bytes()),
        ("u.npy", "eight.bin", "--swap-operands", unsigned.transposed().u16_bin()),
    ];
    for_each_case(cases, |(from, to, format, expected)| {
        folder.run_to(0, &format!("lut convert {from} {to} {format}"));
        assert!(folder.read(to) == expected, "{from} to {to} {format}");
    });
    // An array's header may be padded to taste.
    folder.run_to(0, "lut convert s.csv five.npy");
    assert!(folder.read("five.npy").starts_with(b"\x93NUMPY") && folder.read("five.npy").ends_with(&signed.i32_bin()));
}

#[test]
fn every_format_leads_back() {
    let folder = Folder::new();
    for (start, table, signed) in
        [("s.csv", Table::signed(odd), true), ("u.csv", Table::unsigned(|a, b| a * (b & !3) + (a & 1)), false)]
    {
        folder.write(start, table.csv());
        let mut last = start.to_owned();
        for extension in ["h", "safetensors", "txt", "bin", "npy", "c", "raw", "csv"] {
            let next = format!("{}.{extension}", if signed { "round-s" } else { "round-u" });
            let written = folder.json(&format!("lut convert {last} {next}"));
            assert_eq!(written["files"][0]["luts"][0]["signed"], signed, "{last}");
            assert_eq!(text(&written, "/files/0/path"), next);
            last = next;
        }
        assert!(folder.read(&last) == table.csv().into_bytes(), "{last}");
    }
}

#[test]
fn products_come_from_standard_input() {
    let folder = Folder::new();
    let products = |table: &Table| table.products.iter().map(|product| format!("{product}\n")).collect::<String>();
    let (signed, unsigned) = (Table::signed(odd), Table::unsigned(|a, b| a * (b & !3)));
    for (table, name) in [(&signed, "s.bin"), (&unsigned, "u.bin")] {
        let written = read_by(&folder, &format!("lut convert - {name}"), products(table).as_bytes());
        assert_eq!(written["files"][0]["luts"][0]["signed"], table.signed);
    }
    assert!(folder.read("s.bin") == signed.i16_bin() && folder.read("u.bin") == unsigned.u16_bin());
    // Any other format does too, wherever a multiplier is named.
    let info = read_by(&folder, "lut info -", &unsigned.npy());
    assert_eq!((text(&info, "/reading/format"), &info["path"]), ("npy", &serde_json::Value::Null));
    let report = read_by(&folder, "--lut - --limit 32", &unsigned.u16_bin());
    assert_eq!(text(&report, "/lut/blake3"), blake3::hash(&unsigned.u16_bin()).to_hex().as_str());
    let short = folder.command("lut convert - t.bin").write_stdin("1 2 3").output().unwrap();
    assert_eq!(short.status.code(), Some(2));
    let message = String::from_utf8(short.stderr).unwrap();
    assert!(message.contains("stdin") && message.contains("256 x 256"), "{message}");
    assert!(!folder.path("t.bin").exists());
}

#[test]
fn converted_tables_keep_their_names_and_say_whence_they_came() {
    let folder = Folder::new();
    folder.write("mine.csv", Table::unsigned(|a, b| a * b + 1).csv());
    folder.run_to(0, "lut convert mine.csv one.safetensors");
    folder.run_to(0, "lut convert one.safetensors two.h --name other");
    let [one, two] = ["one.safetensors", "two.h"].map(|name| folder.json(&format!("lut info {name}")));
    assert_eq!([text(&one, "/name"), text(&two, "/name")], ["mine", "other"]);
    assert_eq!([text(&one, "/source"), text(&two, "/source")], ["converted from mine.csv"; 2]);
    // Its errors go with it as claims.
    let claims = two["claims"].as_array().unwrap();
    assert!(claims.iter().any(|claim| claim["metric"] == "mae" && claim["measured"] == 1.0 && claim["holds"] == true));
}

#[test]
fn designs_are_written_by_name() {
    let folder = Folder::new();
    folder.run_to(0, "lut gen drum 4 signed");
    folder.run_to(0, "lut gen drum-4-signed -o same.safetensors");
    assert!(folder.read("drum-4-signed.safetensors") == folder.read("same.safetensors"));
    // Truncation keeps the columns of weight 2^2 and up; the three below it hold five partial products.
    folder.run_to(0, "lut gen truncated 2 -o t.bin");
    let dropped = |a: i32, b: i32| (a & b & 1) + 2 * ((a >> 1 & b & 1) + (a & b >> 1 & 1));
    assert!(folder.read("t.bin") == Table::unsigned(|a, b| a * b - dropped(a, b)).u16_bin());
}

#[test]
fn pictures_are_svg() {
    let folder = Folder::new();
    folder.run_to(0, "lut plot drum-4 broken-array-h0-v8 -o two.svg");
    let picture = String::from_utf8(folder.read("two.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"));
    for text in ["drum-4", "broken-array-h0-v8", "first operand", "second operand", "exact product", "product units"] {
        assert!(picture.contains(text), "{text}");
    }
}

#[test]
fn pictures_are_png_and_pdf_too() {
    let folder = Folder::new();
    for (name, luts, width) in [("one.png", "drum-4", 640), ("two.PNG", "drum-4 udm", 1280)] {
        folder.run_to(0, &format!("lut plot {luts} -o {name}"));
        let picture = image::load_from_memory(&folder.read(name)).unwrap().to_rgb8();
        // Three pixels for one, and all of the colors of a heat map: too small, too large.
        assert_eq!((picture.width(), picture.height()), (3 * width, 3 * (64 + 576 + 330 + 330)));
        let has = |wanted: fn(&image::Rgb<u8>) -> bool| picture.pixels().filter(|&pixel| wanted(pixel)).count() > 100;
        assert!(
            has(|p| p[2] > p[0].saturating_add(60)) && has(|p| p[0] > p[2].saturating_add(60)) && has(|p| p[0] < 64)
        );
    }
    folder.run_to(0, "lut plot drum-4 udm mitchell exact -o four.pdf");
    let page = folder.read("four.pdf");
    assert!(page.starts_with(b"%PDF-") && page.trim_ascii_end().ends_with(b"%%EOF"));
    let page = String::from_utf8_lossy(&page);
    assert!(page.contains(&format!("/MediaBox [0 0 {} {}]", 4 * 640 * 3 / 4, (64 + 576 + 330 + 330) * 3 / 4)));
}

#[test]
fn what_cannot_be_written_is_refused() {
    let folder = Folder::new();
    let cases = [
        ("lut convert exact", &["<OUTPUT>"][..]),
        ("lut convert nowhere.bin t.npy", &["nowhere.bin"]),
        ("lut convert exact t.xls", &["t.xls", "safetensors", "npy"]),
        ("lut convert exact t.bin --output-format i16", &["t.bin", "i16"]),
        ("lut convert exact t.bin --output-format i16-twos-complement", &["t.bin", "unsigned"]),
        ("lut convert exact missing/t.bin", &["missing/t.bin"]),
        ("lut convert exact t.bin --output-format u17", &["--output-format", "u17"]),
        ("lut gen", &["<NAME>"]),
        ("lut gen drum", &["drum", "drum-<3..7>"]),
        ("lut gen dram 4", &["dram-4", "drum-4"]),
        ("lut gen drum 4 -o t", &["t"]),
        ("lut gen drum 4 --shipped luts", &["--shipped"]),
        ("lut plot exact", &["--output"]),
        ("lut plot -o t.svg", &["<LUTS>"]),
        ("lut plot exact -o missing/t.svg", &["--output", "missing/t.svg"]),
    ];
    for_each_case(cases, |(args, needles)| {
        let run = folder.refuses(args, &[]);
        needles.iter().for_each(|needle| assert!(run.stderr.contains(needle), "{args}: no '{needle}': {}", run.stderr));
    });
    assert!(number(&folder.json("lut info exact"), "/mae") == 0.0);
}
