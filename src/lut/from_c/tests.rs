//! Models in C, compiled and run. Without a C compiler these tests say so and pass.

use super::*;
use crate::cases::for_each_case;
use crate::lut::design;
use std::process::{Command, Stdio};

fn has_compiler() -> bool {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let found = Command::new(compiler).arg("--version").stdout(Stdio::null()).status().is_ok();
    if !found {
        println!("skipped: there is no C compiler");
    }
    found
}

fn tabulate(source: &str, options: &FromCOptions) -> Result<Lut, FromCError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.c");
    fs::write(&path, source).unwrap();
    from_c(&path, options)
}

/// A multiplier whose operands cannot be mistaken for each other: drops the first one's lowest bit.
fn odd(a: i32, b: i32) -> i32 {
    (a & !1) * b
}

#[test]
fn models_give_their_tables() {
    if !has_compiler() {
        return;
    }
    let (signed, unsigned) = (Signedness::Signed, Signedness::Unsigned);
    let cases = [
        // Either order of arguments' names.
        ("#include <stdint.h>\nuint16_t f(uint8_t a, uint8_t b) { return (a & ~1) * b; }", unsigned),
        ("#include <stdint.h>\nuint16_t f(uint8_t B, uint8_t A) { return (A & ~1) * B; }", unsigned),
        // 64-bit signatures, unsigned, and signed by bit patterns in and out.
        (
            "#include <stdint.h>\nuint64_t mul8u_X(const uint64_t B,const uint64_t A) { return (A & ~1ull) * B; }",
            unsigned,
        ),
        (
            "#include <stdint.h>\nuint64_t f(uint64_t a, uint64_t b) { return (uint16_t)(((int8_t)a & ~1) * (int8_t)b); }",
            signed,
        ),
        ("#include <stdint.h>\nint64_t mul8s_X(int64_t a, int64_t b) { return (a & ~1) * b; }", signed),
        // A helper of the same form.
        (
            "#include <stdint.h>\nstatic int bit(int a, int i) { return a >> i & 1; }\nuint16_t f(uint8_t a, uint8_t b) { return (a - bit(a, 0)) * b; }",
            unsigned,
        ),
        // 16-bit results of signed products.
        ("#include <stdint.h>\nuint16_t f(int8_t a, int8_t b) { return (a & ~1) * b; }", signed),
        ("#include <stdint.h>\nint16_t f(int8_t a, int8_t b) { return (a & ~1) * b; }", signed),
        (
            "#include <stdint.h>\nuint16_t mul8s_Y(uint8_t a, uint8_t b) { return ((int8_t)a & ~1) * (int8_t)b; }",
            signed,
        ),
        // A model with a program of its own, which talks.
        (
            "#include <stdio.h>\nint f(int x, int y) { puts(\"!\"); return (x & ~1) * y; }\nint main(void) { return 1; }",
            signed,
        ),
    ];
    for_each_case(cases, |(source, signedness)| {
        let lut = tabulate(source, &FromCOptions::default()).unwrap_or_else(|error| panic!("{source}: {error}"));
        assert_eq!(lut.signedness(), signedness, "{source}");
        assert!(lut.products().all(|(a, b, product)| product == odd(a, b)), "{source}");
    });
}

#[test]
fn narrow_operands_are_named_or_stated() {
    if !has_compiler() {
        return;
    }
    let source = "unsigned int mul4x3u_Z(unsigned int a, unsigned int b) { return a * b & ~3; }";
    let by_name = tabulate(source, &FromCOptions::default()).unwrap();
    assert_eq!(by_name.bits().map(Bits::get), [4, 3]);
    assert_eq!(by_name.product(15, 7), 104);
    let bits = Some([Bits::try_from(5).unwrap(); 2]);
    let stated = tabulate(&source.replace("mul4x3u_Z", "f"), &FromCOptions { bits, ..FromCOptions::default() });
    assert_eq!(stated.unwrap().product(31, 31), 960);
}

#[test]
fn headers_come_with_the_table() {
    if !has_compiler() {
        return;
    }
    let source = "// MAE = 448.25\n// MRE% = 9.78 %\n// PDK45_PWR = 0.100 mW\n#include <stdint.h>\n\
                  uint16_t mul8u_T8(uint8_t A, uint8_t B) { int p = 0; for (int i = 0; i < 8; i++) if (B >> i & 1) p += A << i >> 8 << 8; return p; }";
    let lut = tabulate(source, &FromCOptions::default()).unwrap();
    assert!(lut.products().eq(design::resolve("truncated-8", None).unwrap().products()));
    assert_eq!((lut.name(), lut.metadata().power), ("mul8u_T8", Some(0.1)));
    assert!(crate::lut::Audit::new(&lut).holds());
}

#[test]
fn what_goes_wrong_is_told() {
    let two = "int f(int a, int b) { return a; }\nint g(int a, int b) { return b; }";
    let helpers = "static int bit(int a, int b) { return a; }\nstatic int low(int a, int b) { return b; }";
    let function = |name: &str| FromCOptions { function: Some(name.to_owned()), ..FromCOptions::default() };
    let quick = FromCOptions { timeout: Duration::from_millis(800), ..FromCOptions::default() };
    let absent = FromCOptions { compiler: Some("no-such-compiler".into()), ..FromCOptions::default() };
    let mut cases = vec![
        ("int x;", FromCOptions::default(), "no function of two integers"),
        (two, FromCOptions::default(), "several functions of two integers: f, g"),
        (helpers, FromCOptions::default(), "several functions of two integers: bit, low"),
        ("uint32_t mul12u_X(uint16_t A, uint16_t B) { return A * B; }", FromCOptions::default(), "mul12u_X"),
        (two, function("h"), "no function 'h' of two integers, but f, g"),
        ("int f(int a, int b) { return a * b; }", absent, "no-such-compiler"),
    ];
    if has_compiler() {
        cases.extend([
            ("int f(int a, int b) { return a * c; }", FromCOptions::default(), "does not compile"),
            ("#include <stdlib.h>\nint f(int a, int b) { exit(7); }", FromCOptions::default(), "ended with"),
            ("int f(int a, int b) { for (volatile int i = 0;;) i++; }", quick, "did not end within"),
            ("unsigned f(unsigned a, unsigned b) { return 3; }", FromCOptions::default(), "cannot tell how to read"),
        ]);
    }
    for_each_case(cases, |(source, options, expected)| {
        let error = tabulate(source, &options).unwrap_err().to_string();
        assert!(error.contains(expected), "{source}: {error}");
    });
}
