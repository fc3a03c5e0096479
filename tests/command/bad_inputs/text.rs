//! Names from files are anybody's: what they hold is shown, never obeyed.

use crate::common::files::{Table, safetensors, stored};
use crate::common::network::Tiny;
use crate::common::onnx::Onnx;
use crate::common::{Folder, Run};
use safetensors::Dtype;

/// What a terminal would obey: C0, C1, lines, direction of writing.
const EVIL: &str = "a\u{1b}[2J\u{9b}1m\r\n\u{7}\u{7f}\u{202e}\u{2028}z";

fn is_harmful(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn assert_harmless(what: &str, text: &str) {
    assert!(!text.contains(is_harmful), "{what}: {text:?}");
    // A command of LaTeX is no escape.
    let is_broken = |line: &str| line.starts_with('z') || (line.starts_with("\\n") && !line.starts_with("\\noindent"));
    assert!(!text.lines().any(is_broken), "{what}: {text:?}");
}

fn assert_run_harmless(what: &str, run: &Run) {
    assert_harmless(what, &run.stdout);
    assert_harmless(what, &run.stderr);
}

/// A network whose layer has that name.
fn named(name: &str) -> Vec<u8> {
    let mut onnx = Onnx::new(17, &[2, 12, 12]);
    let weight = format!("{name}.weight");
    onnx.random(&weight, &[288, 7]);
    onnx.op("Flatten", &["x"], "flat", &[]).op("MatMul", &["flat", &weight], "y", &[]);
    onnx.bytes("y")
}

#[test]
fn names_reach_no_format_raw() {
    let (_, folder) = Tiny::folder(240);
    folder.write("evil.onnx", named(EVIL));
    let labels: Vec<String> = (0..7).map(|i| format!("{EVIL}{i}")).collect();
    let config = serde_json::json!({"architecture": "lenet5", "num_classes": 7, "input": {"shape": [2, 12, 12]}, "labels": labels});
    folder.write("tiny/config.json", config.to_string());
    folder.write("evil.safetensors", Table::unsigned(|a, b| a * b).native(EVIL));
    let outputs = "-o r.json -o r.csv -o r.md -o r.txt -o r.xml";
    let runs = [
        format!("-m evil.onnx -d tiny.safetensors --mode quant --calib-data tiny.safetensors {outputs} -v"),
        format!("-m tiny -d tiny.safetensors --lut evil.safetensors --confusion c.csv {outputs} -v"),
    ];
    for args in runs {
        assert_run_harmless(&args, &folder.run_to(0, &args));
        for name in ["r.json", "r.csv", "r.md", "r.txt", "r.xml"] {
            assert_harmless(name, &String::from_utf8(folder.read(name)).unwrap());
        }
        // For programs, nothing is lost.
        assert!(folder.read_json("r.json").to_string().contains("\\u001b[2J"));
    }
    assert_harmless("c.csv", &String::from_utf8(folder.read("c.csv")).unwrap());
    for format in ["table", "json", "csv", "markdown", "latex", "junit"] {
        for what in [
            "lut info evil.safetensors",
            "model info evil.onnx",
            "model info tiny",
            "lut convert evil.safetensors t.csv",
        ] {
            let args = format!("{what} --format {format} --color always");
            let run = folder.run_to(0, &args);
            assert_harmless(&args, &run.stdout.replace("\u{1b}[", ""));
        }
    }
    folder.run_to(0, "lut plot evil.safetensors -o p.svg");
    assert_harmless("p.svg", &String::from_utf8(folder.read("p.svg")).unwrap());
}

#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn messages_and_warnings_show_names_and_stay_short() {
    let (_, folder) = Tiny::folder(241);
    let long = "x".repeat(500_000);
    for name in [EVIL, &long] {
        let mut onnx = Onnx::new(17, &[2, 12, 12]);
        onnx.op(name, &["x"], "y", &[]);
        folder.write("op.onnx", onnx.bytes("y"));
        folder.write("layer.onnx", named(name));
        folder.write("t.safetensors", safetensors(&[stored(name, Dtype::I32, &[1], vec![0; 4])]));
        folder.write("t.csv", format!("1 2 {name} 3\n"));
        folder.write("w.bin", Table::unsigned(|a, b| a * b).u16_bin());
        folder.write("w.json", serde_json::json!({name: "unknown"}).to_string());
        folder.write("side.bin", Table::unsigned(|a, b| a * b).u16_bin());
        folder.write("side.json", serde_json::json!({"signed": name}).to_string());
        folder.write("tiny/config.json", serde_json::json!({"architecture": name}).to_string());
        folder.write(
            "rules.json",
            serde_json::json!({"schema": 1, "rules": [{"layers": "conv1", "mode": name}]}).to_string(),
        );
        folder.write("val.txt", format!("{name}.png 1\n"));
        let refused = [
            "-m op.onnx -d tiny.safetensors",
            "-m layer.onnx -d tiny.safetensors --set nothing:mode=quant",
            "lut info t.safetensors",
            "-d t.safetensors",
            "lut info t.csv",
            "lut info side.bin",
            "-m tiny -d tiny.safetensors",
            "--assign rules.json",
            "-d val.txt --data-format list",
        ];
        for args in refused {
            let run = folder.run_to(2, args);
            assert_run_harmless(args, &run);
            assert!(run.stderr.len() < 5000, "{args}: {} bytes", run.stderr.len());
            assert_eq!(run.stderr.lines().count(), 1, "{args}: {run:?}");
        }
        let run = folder.run_to(0, "lut info w.bin");
        assert!(run.stderr.contains("WARN"), "{run:?}");
        assert_harmless("a warning", &run.stderr);
    }
}

/// Values of options are the user's own, but a script may have them from a file.
#[test]
fn arguments_are_shown_too() {
    let folder = Folder::new();
    for option in ["--mode", "--lut", "--set", "--data", "--limit", "--task", "-o", "--model"] {
        let run: Run = folder.shell(&format!("exec approx-eval {option} $'a\\e[2Jz'")).output().unwrap().into();
        assert_eq!(run.code, Some(2), "{option}: {run:?}");
        assert!(!run.stderr.contains(is_harmful), "{option}: {run:?}");
        let run: Run = folder
            .shell(&format!("exec approx-eval {option} $(printf 'a%.0s' {{1..100000}})"))
            .output()
            .unwrap()
            .into();
        assert_eq!(run.code, Some(2), "{option}");
        assert!(run.stderr.len() < 10_000, "{option}: {} bytes", run.stderr.len());
    }
}
