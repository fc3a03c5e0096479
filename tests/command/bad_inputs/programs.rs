//! Models in C: what they may be called, where they may lie, and what they may take. Without a C compiler these
//! tests pass.

use crate::common::cases::for_each_case;
use crate::common::files::Table;
use crate::common::{Folder, Run, has_compiler};

fn product(a: i32, b: i32) -> i32 {
    (a & !1) * b
}

#[test]
fn models_may_use_any_name() {
    if !has_compiler() {
        return;
    }
    let folder = Folder::new();
    let expected = Table::unsigned(product).u16_bin();
    let names = [
        "product",
        "out",
        "a",
        "b",
        "count",
        "names",
        "i",
        "main_",
        "puts",
        "remove",
        "rename",
        "getline",
        "approx_eval_0",
        "approx_eval_0_a",
        "driver",
        "model",
        "mul8u_1JFF",
    ];
    let models = names.iter().map(|name| {
        let (a, b) = if *name == "a" || *name == "b" { ("x", "y") } else { ("a", "b") };
        format!("#include <stdint.h>\nuint16_t {name}(uint8_t {a}, uint8_t {b}) {{ return ({a} & ~1) * {b}; }}\n")
    });
    let whole = [
        "static int a, b, product, count; char *names[3]; void *out;\n\
         #define first(x) x\n#define FILE int\n#define fopen(x, y) 0\n#define fwrite 1\n\
         unsigned short f(unsigned char x, unsigned char y) { a = b = product = count = 1; return (x & ~1) * y; }\n"
            .to_owned(),
        // Without a line break at its end, and with a main of its own.
        "int main(void) { return 7; }\nunsigned short f(unsigned char a, unsigned char b) { return (a & ~1) * b; }"
            .to_owned(),
    ];
    for_each_case(models.chain(whole), |text| {
        folder.write("model.c", text);
        folder.run_to(0, "lut from-c model.c --yes -o t.bin");
        assert!(folder.read("t.bin") == expected);
    });
}

#[test]
fn models_may_lie_anywhere() {
    if !has_compiler() {
        return;
    }
    let folder = Folder::new();
    let model = "#include \"half.h\"\nunsigned short f(unsigned char a, unsigned char b) { return EVEN(a) * b; }\n";
    let expected = Table::unsigned(product).u16_bin();
    let names = [
        r"'with space/a b.c'",
        r#"'quo"te/a"b.c'"#,
        r"'back\slash/a\b.c'",
        r"$'new\nline/a\nb.c'",
        r"$'bytes\xe9/caf\xe9.c'",
        r"'-dash/-x.c'",
        r"'$x;`y`/$(z).c'",
        r"'%s??/é.c'",
    ];
    for_each_case(names, |path| {
        let script = format!(
            "mkdir -p -- \"$(dirname -- {path})\"; printf '%s' \"$MODEL\" > ./{path}; \
             printf '#define EVEN(x) ((x) & ~1)\\n' > \"$(dirname -- ./{path})/half.h\"; \
             approx-eval lut from-c ./{path} --yes -o t.bin"
        );
        let run: Run = folder.shell(&script).env("MODEL", model).output().unwrap().into();
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(folder.read("t.bin") == expected);
    });
}

#[test]
fn compilers_may_have_arguments() {
    if !has_compiler() {
        return;
    }
    let folder = Folder::new();
    let model = "unsigned short f(unsigned char a, unsigned char b) { return (a & MASK) * b; }\n";
    folder.write("model.c", model);
    folder.write("my tools/my cc", "#!/bin/sh\nexec cc -DMASK=0xfe \"$@\"\n");
    folder.write("wrap", "#!/bin/sh\nexec \"$@\"\n");
    let expected = Table::unsigned(product).u16_bin();
    for_each_case(
        ["'cc -DMASK=0xfe'", "'  cc   -DMASK=0xfe -O0 '", "'./wrap cc -DMASK=0xfe'", "'./my tools/my cc'"],
        |compiler| {
            let script =
                format!("chmod +x wrap 'my tools/my cc'; CC={compiler} approx-eval lut from-c model.c --yes -o t.bin");
            let run: Run = folder.shell(&script).output().unwrap().into();
            assert_eq!(run.code, Some(0), "{run:?}");
            assert!(folder.read("t.bin") == expected);
        },
    );
    std::fs::remove_file(folder.path("t.bin")).unwrap();
    for compiler in ["nowhere", "'cc --no-such-option'", "./model.c"] {
        let script = format!("CC={compiler} exec approx-eval lut from-c model.c --yes -o t.bin");
        let run: Run = folder.shell(&script).output().unwrap().into();
        assert_eq!(run.code, Some(2), "{compiler}: {run:?}");
    }
}

#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn models_have_limits() {
    if !has_compiler() {
        return;
    }
    let folder = Folder::new();
    let cases = [
        (
            "#include <stdlib.h>\n#include <string.h>\nint f(int a, int b) { for (;;) memset(malloc(1 << 24), 1, 1 << 24); }",
            "memory",
        ),
        (
            "#include <stdio.h>\nint f(int a, int b) { FILE *big = tmpfile(); for (;;) fputs(\"0123456789\", big); }",
            "MiB a file",
        ),
        ("int f(int a, int b) { for (volatile int i = 0;;) i++; }", "2 s"),
        ("#include <stdlib.h>\nint f(int a, int b) { exit(0); }", "0 bytes"),
        ("#include <stdlib.h>\nint f(int a, int b) { abort(); }", "signal"),
        ("int f(int a, int b) { return *(volatile int *)0; }", "signal"),
        ("int f(int a, int b) { return a / b; }", "signal"),
        ("int f(int a, int b) { return 1 / 0 +; }", "compile"),
        ("int f(int a, int b) { return g(a); }", "compile"),
        ("#include \"nowhere.h\"\nint f(int a, int b) { return a; }", "nowhere.h"),
        ("/* int f(int a, int b) { return a; }", "no function"),
        ("int f(int a, int b) { return a; } /*", "compile"),
        ("#error \"no\"\nint f(int a, int b) { return a; }", "compile"),
        ("unsigned f(unsigned a, unsigned b) { return 3; }", "--signed"),
    ];
    for_each_case(cases, |(model, needle)| {
        folder.write("model.c", model);
        let before = folder.names();
        let seconds = if needle == "2 s" { 2 } else { 60 };
        let script = format!("exec approx-eval lut from-c model.c --yes --timeout {seconds} -o t.bin");
        let run: Run = folder.shell(&script).env("TMPDIR", folder.path("")).output().unwrap().into();
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains("model.c") && run.stderr.contains(needle), "{run:?}");
        assert_eq!(folder.names(), before, "{run:?}");
    });
}
