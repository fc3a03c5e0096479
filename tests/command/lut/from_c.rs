//! `lut from-c`: models in C become tables. Without a C compiler these tests say so and pass.

use crate::common::cases::for_each_case;
use crate::common::files::Table;
use crate::common::{Folder, has_compiler, number, text};

/// Drops the first operand's lowest bit, so that the operands cannot be mistaken for each other.
fn odd(a: i32, b: i32) -> i32 {
    (a & !1) * b
}

const UNSIGNED: &str = "/* MAE = 63.75\n   WCE = 255\n   MRE% = 1.34 %\n   PDK45_PWR = 0.40 mW\n   PDK45_AREA = 650.1 um2\n   \
                        PDK45_DELAY = 1.50 ns */\n#include <stdint.h>\n";

#[test]
fn models_of_every_signature_give_their_tables() {
    if !has_compiler() {
        return;
    }
    let folder = Folder::new();
    let (signed, unsigned) = (Table::signed(odd).i16_bin(), Table::unsigned(odd).u16_bin());
    let cases = [
        ("uint16_t f(uint8_t A, uint8_t B) { return (A & ~1) * B; }", &unsigned),
        // Arguments' names in the other order.
        ("uint16_t f(uint8_t B, uint8_t A) { return (A & ~1) * B; }", &unsigned),
        // 64-bit signatures.
        ("uint64_t f(const uint64_t B, const uint64_t A) { return (A & ~1ull) * B; }", &unsigned),
        ("int64_t mul8s_X(int64_t a, int64_t b) { return (a & ~1) * b; }", &signed),
        // 16 bits, unsigned, for a signed product; operands by value, or as bit patterns.
        ("uint16_t f(int8_t a, int8_t b) { return (a & ~1) * b; }", &signed),
        ("uint16_t mul8s_Y(uint8_t a, uint8_t b) { return ((int8_t)a & ~1) * (int8_t)b; }", &signed),
    ];
    for_each_case(cases, |(model, expected)| {
        folder.write("model.c", format!("#include <stdint.h>\n{model}"));
        folder.run_to(0, "lut from-c model.c --yes -o table.bin");
        assert!(folder.read("table.bin") == *expected, "{model}");
    });
}

#[test]
fn headers_go_with_the_table() {
    if !has_compiler() {
        return;
    }
    let folder = Folder::new();
    folder.write("model.c", format!("{UNSIGNED}uint16_t mul8u_ODD(uint8_t A, uint8_t B) {{ return (A & ~1) * B; }}"));
    let written = folder.json("lut from-c model.c --yes");
    assert_eq!(text(&written, "/files/0/path"), "mul8u_ODD.safetensors");
    let info = folder.json("lut info mul8u_ODD.safetensors --check");
    assert_eq!((number(&info, "/power"), number(&info, "/area"), number(&info, "/delay")), (0.4, 650.1, 1.5));
    // Half of the first operands lose 1, so half of the 127.5 that second ones are on average; relative to
    // the product that is one over each odd operand, 3.41 in all, over 255 operands.
    assert_eq!((number(&info, "/mae"), number(&info, "/wce")), (63.75, 255.0));
    assert_eq!(info["claims"].as_array().unwrap().len(), 3);
    assert!((number(&info, "/cost/energy") - 0.6).abs() < 1e-12);
    // Another name is that of the table, of its file, and what costs are found by.
    let named = folder.json("lut from-c model.c --yes --name mine");
    assert_eq!((text(&named, "/files/0/path"), text(&named, "/files/0/luts/0/name")), ("mine.safetensors", "mine"));
    assert_eq!(text(&folder.json("lut info mine.safetensors"), "/name"), "mine");
    // A header that says too little fails.
    let wrong = String::from_utf8(folder.read("model.c")).unwrap().replace("WCE = 255", "WCE = 254.0");
    folder.write("wrong.c", wrong);
    folder.run_to(0, "lut from-c wrong.c --yes -o wrong.safetensors");
    folder.run_to(1, "lut info wrong.safetensors --check");
}

#[test]
fn code_is_run_only_when_the_user_agrees() {
    let folder = Folder::new();
    let mark = folder.path("ran");
    folder.write(
        "model.c",
        format!(
            "#include <stdio.h>\nint f(int a, int b) {{ fclose(fopen(\"{}\", \"w\")); return a * b; }}",
            mark.display()
        ),
    );
    // Standard input is no terminal here, and a 'y' on it no agreement.
    let output = folder.command("lut from-c model.c").write_stdin("y\n").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("model.c") && message.contains("run") && message.contains("--yes"), "{message}");
    assert!(!mark.exists());
    if has_compiler() {
        folder.run_to(0, "lut from-c model.c --yes --bits 3x3 --unsigned -o t.csv");
        assert!(mark.exists());
        let rows = (0..8).map(|a| (0..8).map(|b| (a * b).to_string()).collect::<Vec<_>>().join(",") + "\n");
        assert_eq!(String::from_utf8(folder.read("t.csv")).unwrap(), rows.collect::<String>());
    }
}

#[test]
fn what_cannot_be_tabulated_is_refused() {
    let folder = Folder::new();
    folder.write("two.c", "int f(int a, int b) { return a; }\nint g(int a, int b) { return a * b; }");
    folder.write("none.c", "int x;");
    folder.refuses("lut from-c two.c --yes", &["two.c", "f, g", "--function"]);
    folder.refuses("lut from-c two.c --yes --function h", &["two.c", "h", "f, g"]);
    folder.refuses("lut from-c none.c --yes", &["none.c", "uint16_t f(uint8_t a, uint8_t b)"]);
    folder.refuses("lut from-c nowhere.c --yes", &["nowhere.c"]);
    folder.refuses("lut from-c two.c --yes --function g -o missing/t.bin", &["missing/t.bin"]);
    folder.refuses("lut from-c two.c --yes --bits 9x9", &["--bits", "9x9"]);
    if has_compiler() {
        folder.write("broken.c", "int f(int a, int b) { return a * c; }");
        // The compiler's own lines follow.
        let run = folder.run_to(2, "lut from-c broken.c --yes");
        assert!(run.stderr.contains("broken.c does not compile"), "{}", run.stderr);
        folder.run_to(0, "lut from-c two.c --yes --function g -o t.bin");
    }
}

/// EvoApproxLib's coarsest 8 x 3 bit multiplier, `mul8x3u_242`, whose outputs are all 0, with the figures of
/// its header.
#[test]
fn a_published_oblong_multiplier_has_its_published_figures() {
    if !has_compiler() {
        return;
    }
    let folder = Folder::new();
    let figures = [
        "MAE% = 21.79 %",
        "MAE = 446",
        "WCE% = 87.16 %",
        "WCE = 1785",
        "WCRE% = 100.00 %",
        "EP% = 87.16 %",
        "MRE% = 100.00 %",
        "MSE = 380056",
    ];
    let header: String = figures.iter().map(|figure| format!("// {figure}\n")).collect();
    let model = "uint64_t mul8x3u_242(const uint64_t A,const uint64_t B) { return 0 & A & B; }";
    folder.write("model.c", format!("{header}#include <stdint.h>\n{model}"));
    folder.run_to(0, "lut from-c model.c --yes -o table.safetensors");
    let audit = folder.json("lut info table.safetensors --check");
    assert_eq!((&audit["bits"], &audit["signed"]), (&serde_json::json!([8, 3]), &false.into()));
    assert_eq!(audit["claims"].as_array().unwrap().len(), 6);
}
