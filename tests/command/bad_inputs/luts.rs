//! Files of multipliers in every format.

use super::{damaged, each_content_is_refused};
use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::{Table, stored};
use crate::common::pictures::npy;
use safetensors::Dtype;

#[test]
fn damaged_tables_of_every_format() {
    let folder = Folder::new();
    let table = Table::unsigned(|a, b| a * b);
    let hex: String = table.products.iter().map(|product| format!("{product:04x}\n")).collect();
    let files = [
        ("t.bin", table.u16_bin()),
        ("t.npy", table.npy()),
        ("t.safetensors", table.native("t")),
        ("t.mem", hex.into_bytes()),
    ];
    for (name, whole) in files {
        // Other products in the first eight bytes of raw entries are products, and the last byte of a text is its end.
        let is_damage = |(file, _): &(Vec<u8>, _)| match name {
            "t.bin" => file.len() != whole.len(),
            "t.mem" => file.len() + 1 != whole.len(),
            _ => true,
        };
        let files = damaged(&whole).into_iter().filter(is_damage);
        each_content_is_refused(&folder, name, &format!("lut info {name}"), files);
    }
}

#[test]
fn names_without_an_extension() {
    let folder = Folder::new();
    folder.write("mine.csv", Table::unsigned(|a, b| a * b).csv());
    folder.write("mine.txt.bak", "");
    folder.refuses("--lut mine", &["no file and no multiplier 'mine'", "did you mean 'mine.csv'?"]);
}

#[test]
fn tables_of_numbers() {
    let folder = Folder::new();
    let csv = Table::unsigned(|a, b| a * b).csv();
    let lines: Vec<&str> = csv.lines().collect();
    let triples: Vec<String> =
        (0..65_536).map(|at| format!("{} {} {}", at / 256, at % 256, at / 256 * (at % 256))).collect();
    let cases = [
        (String::new(), "t.csv"),
        ("\n\n\n".to_owned(), ""),
        ("# nothing but a comment\n".to_owned(), ""),
        (lines[..255].join("\n"), ""),
        (lines.join("\n") + "\n1,2,3\n", ""),
        (csv.replacen("0,255", "0", 1), ""),
        (csv.replacen("255", "many", 1), "many"),
        (csv.replacen("255", "2.5", 1), "2.5"),
        (csv.replacen("255", "1e400", 1), "1e400"),
        (csv.replacen("255", "nan", 1), "nan"),
        (csv.replacen("255", "0x", 1), "0x"),
        (csv.replacen("255", "99999999999999999999", 1), ""),
        ("x".repeat(1 << 20), ""),
        ("1,".repeat(300_000), "65536"),
        ("1\n".repeat(300_000), "65536"),
        (format!("{csv}\n{csv}"), ""),
        ("\u{1b}[2J".repeat(100), "\\u{1b}[2J"),
        (triples[..65_535].join("\n"), "65535 lines"),
        ([&triples[..65_535], &triples[..1]].concat().join("\n"), "once"),
        (triples.join("\n") + "\n7 7 7\n", "65536"),
        (triples.join("\n").replacen("0 1 0", "0 1 x", 1), "x"),
        ("a,b,product\n".to_owned(), ""),
        ("a,b,a\n1,2,2\n2,1,2\n".to_owned(), ""),
    ];
    each_content_is_refused(&folder, "t.csv", "lut info t.csv", cases);
    folder.write("t.csv", [0xff, 0xfe, b'1', b'\n']);
    folder.refuses_in_bounds("lut info t.csv", &["t.csv", "not a text"]);
}

#[test]
fn words_in_hexadecimal() {
    let folder = Folder::new();
    let cases = [
        ("0000\n000g\n", "000g"),
        ("0000 zzzz", "zzzz"),
        ("@0 00\n@0 00\n", "two address"),
        ("@100 00\n", "address"),
        ("@10000 00\n", "65536"),
        ("@ffffffffffffffff 00\n", "65536"),
        ("@zz 00\n", "@zz"),
        ("@\n", "@"),
        (":10010000214601360121470136007EFE09D2190140\n", "Intel HEX"),
        ("11223344556677889900\n", "80 bits"),
        ("00 01 02 03", "4"),
        ("/* no end\n00 00\n", ""),
        ("// only a remark", ""),
        ("memory_initialization_radix=16;\n", "memory_initializati"),
    ];
    each_content_is_refused(&folder, "t.hex", "lut info t.hex", cases);
}

#[test]
fn numpy_arrays() {
    let folder = Folder::new();
    let zeros = |bytes: usize| vec![0; bytes];
    let cases = [
        (npy("<c8", "(256, 256)", &zeros(1 << 19)), "c8"),
        (npy("|b1", "(256, 256)", &zeros(1 << 16)), "b1"),
        (npy("|O", "(256, 256)", &zeros(1 << 16)), ""),
        (npy("<U9", "(256, 256)", &zeros(1 << 16)), ""),
        (npy("<f8", "(256, 256)", &[&0.5f64.to_le_bytes()[..], &zeros(524_280)].concat()), "0.5 whole"),
        (npy("<f8", "(256, 256)", &[&f64::INFINITY.to_le_bytes()[..], &zeros(524_280)].concat()), "inf whole"),
        (npy("<f4", "(65536,)", &[&f32::NAN.to_le_bytes()[..], &zeros(262_140)].concat()), "NaN whole"),
        (npy("<i4", "(256, 255)", &zeros(4 * 256 * 255)), "255"),
        (npy("<i4", "(65535,)", &zeros(4 * 65_535)), "65535"),
        (npy("<i4", "(1, 256, 256)", &zeros(1 << 18)), "shape"),
        (npy("<i4", "()", &zeros(4)), "shape"),
        (npy("<i4", "(0, 256)", &[]), "0"),
        (npy("<i4", "(4294967296, 4294967296)", &[]), ""),
        (npy("<i4", "(999999999999999999, 2)", &[]), ""),
        (npy("<i4", "((((((((1", &[]), ""),
        (npy("<i4", "(256, 256)", &zeros((1 << 18) + 4)), "4 bytes after"),
        (b"\x93NUMPY\x01\x00\xff\xff{".to_vec(), "cut off"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec(), "cut off"),
        (b"\x93NUMPY\x09\x00\x00\x00".to_vec(), ""),
    ];
    each_content_is_refused(&folder, "t.npy", "lut info t.npy", cases);
}

#[test]
fn tensors() {
    let folder = Folder::new();
    let native = |name: &str, dtype, shape: &[usize], bytes: usize, metadata: &[(&str, &str)]| {
        crate::common::files::safetensors_with(&[stored(name, dtype, shape, vec![0; bytes])], metadata)
    };
    let side = |pairs: &[(&'static str, &'static str)]| {
        let table = Table::unsigned(|a, b| a * b);
        let tensor = stored("lut", Dtype::I32, &[256, 256], table.i32_bin());
        crate::common::files::safetensors_with(&[tensor], pairs)
    };
    let cases = [
        (native("table", Dtype::I32, &[256, 256], 1 << 18, &[]), "table lut"),
        (native("lut", Dtype::F32, &[256, 256], 1 << 18, &[]), "F32"),
        (native("lut", Dtype::I32, &[65_536], 1 << 18, &[]), "shape"),
        (native("lut", Dtype::I32, &[256, 255], 4 * 256 * 255, &[]), "255"),
        (native("lut", Dtype::I32, &[0, 256], 0, &[]), "0"),
        (side(&[("bits", "9")]), "bits 9"),
        (side(&[("bits", "-1x8")]), "bits"),
        (side(&[("signed", "maybe")]), "signed maybe"),
        (side(&[("index", "gray")]), "index gray"),
        (side(&[("energy", "-1")]), "energy -1"),
        (side(&[("energy", "nan")]), "energy nan"),
        (side(&[("mae", "much")]), "mae much"),
        (side(&[("entry", "u128")]), "entry u128"),
    ];
    each_content_is_refused(&folder, "t.safetensors", "lut info t.safetensors", cases);
}

#[test]
fn c_sources() {
    let folder = Folder::new();
    let cases = [
        ("", "array"),
        ("int f(int a, int b) { return a * b; }", "function"),
        ("int t[] = {", "brace"),
        ("int t[] = { 1, 2, 3 };", "3"),
        ("int t[] = { 1, two };", "two"),
        ("int t[] = { 09, 1 };", "09"),
        ("int t[] = { 0xfffffffffffffffffffffff };", "0xffff"),
        ("const char *names[] = { \"a\", \"b\" };", "\"a\""),
        ("/* int t[] = { 0 }; ", "array"),
    ];
    each_content_is_refused(&folder, "t.h", "lut info t.h", cases);
    let deep = format!("int t[] = {}", "{".repeat(1 << 20));
    each_content_is_refused(&folder, "t.h", "lut info t.h", [(deep, "brace"), ("int t[] = {".repeat(1 << 16), "")]);
}

#[test]
fn circuits_are_named_with_the_mend() {
    let folder = Folder::new();
    let verilog = "module mul8(input [7:0] a, input [7:0] b, output [15:0] o);\n  assign o = a * b;\nendmodule\n";
    let blif = ".model mul8\n.inputs a0\n.outputs o0\n.end\n";
    let cases = [
        ("mul8.v", verilog, "Verilog"),
        ("mul8.sv", verilog, "Verilog"),
        ("mul8.txt", verilog, "Verilog"),
        ("mul8.vhd", "entity mul8 is end;", "VHDL"),
        ("mul8.blif", blif, "BLIF"),
        ("mul8.net", blif, "BLIF"),
    ];
    for_each_case(cases, |(name, text, what)| {
        folder.write(name, text);
        folder.refuses_in_bounds(&format!("lut info {name}"), &[name, what, "simulate", "a b product", "from-c"]);
    });
}

#[test]
fn sidecars() {
    let folder = Folder::new();
    folder.write("t.bin", Table::unsigned(|a, b| a * b).u16_bin());
    let cases = [
        ("", ""),
        ("[]", ""),
        ("{", ""),
        ("null", ""),
        (r#"{"signed":"perhaps"}"#, "signed"),
        (r#"{"bits":99}"#, "bits"),
        (r#"{"bits":[8,8,8]}"#, "bits"),
        (r#"{"energy":-1}"#, "energy"),
        (r#"{"energy":1e999}"#, ""),
        (r#"{"index":"backwards"}"#, "index"),
    ];
    each_content_is_refused(&folder, "t.json", "lut info t.bin", cases);
    let deep = "[".repeat(100_000);
    each_content_is_refused(&folder, "t.json", "lut info t.bin", [(deep, "")]);
}
