//! The README and the pages for users are true: every line of their `sh` blocks that runs the command succeeds,
//! and the README's test commands are those that `.ci/run` runs.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::{Table, cifar, f32_bytes, safetensors, stored};
use crate::common::markdown::{blocks, of_the_project};
use crate::common::network::StateDict;
use crate::common::onnx::Onnx;
use crate::common::random::Random;
use safetensors::Dtype;

/// Lines of the fenced blocks whose language is `sh`: continued lines joined, comments and prompts
/// dropped.
fn commands(markdown: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut language = None;
    let mut pending = String::new();
    for line in markdown.lines().map(str::trim) {
        if let Some(info) = line.strip_prefix("```") {
            language = if language.is_some() { None } else { Some(info.trim()) };
        } else if language == Some("sh") && !line.starts_with('#') {
            pending.push_str(line.strip_prefix("$ ").unwrap_or(line));
            if pending.ends_with('\\') {
                pending.pop();
            } else if !pending.is_empty() {
                commands.push(std::mem::take(&mut pending));
            }
        }
    }
    commands
}

/// The pages whose commands are run.
const PAGES: &[&str] = &[
    "README.md",
    "docs/experiments.md",
    "docs/networks.md",
    "docs/accumulators.md",
    "docs/golden-vectors.md",
    "docs/studies.md",
    "docs/advice.md",
    "docs/search.md",
    "docs/correction.md",
    "docs/prediction.md",
    "docs/reports.md",
    "docs/selfcheck.md",
];

/// The files that a reader brings along.
fn prepare(folder: &Folder) {
    folder.write("mul8.bin", Table::unsigned(|a, b| a * b).u16_bin());
    folder.write("mul8.c", "#include <stdint.h>\nuint16_t mul8u(uint8_t a, uint8_t b) { return a * b; }\n");
    folder.write("costs.csv", "multiplier,energy\nexact,0.4\ndrum-6,0.3\n");
    folder.write("resnet20.safetensors", safetensors(&StateDict::resnet20(1, 10).stored()));
    let mut lines = Vec::new();
    for i in 0..4 {
        let (name, pixels) = (format!("{i}.jpg"), Random::new(10 + i).bytes(60 * 48 * 3));
        std::fs::create_dir_all(folder.path("val")).unwrap();
        image::save_buffer(folder.path("val").join(&name), &pixels, 60, 48, image::ExtendedColorType::Rgb8).unwrap();
        lines.push(format!("{name} {i}\n"));
    }
    folder.write("val.txt", lines.concat());
    let mut net = Onnx::new(17, &[3, 32, 32]);
    net.random("conv.weight", &[4, 3, 3, 3]).op("Conv", &["x", "conv.weight"], "features", &[]);
    net.op("GlobalAveragePool", &["features"], "pooled", &[]).op("Flatten", &["pooled"], "flat", &[]);
    net.random("fc.weight", &[4, 10]).op("Gemm", &["flat", "fc.weight"], "logits", &[]);
    folder.write("net.onnx", net.bytes("logits"));
    let weight = f32_bytes(&Random::new(4).floats(108, -1.0, 1.0));
    folder.write("trained.safetensors", safetensors(&[stored("conv.weight", Dtype::F32, &[4, 3, 3, 3], weight)]));
    for (seed, name) in [(2, "test_batch.bin"), (3, "data_batch_1.bin")] {
        folder.write(name, cifar(&Random::new(seed).bytes(8 * 3072), |i| vec![i as u8]));
    }
}

/// One block after the other in one folder, as a reader runs them, by the shell. Experiment files are those that
/// the page shows, each named by its first line.
#[cfg(unix)]
#[test]
fn every_command_runs() {
    for_each_case(PAGES, |page| {
        let (folder, text) = (Folder::new(), of_the_project(page));
        prepare(&folder);
        for file in blocks(&text, "toml") {
            let name = file.strip_prefix("# ").and_then(|comment| comment.split([':', '\n']).next());
            folder.write(name.expect("a file's name"), &file);
        }
        let commands = commands(&text);
        // Building it is this test's own business.
        let built = |line: &String| line.replace("cargo run --release --", "approx-eval");
        let is_ours = |line: &String| line.contains("approx-eval");
        let run = commands.iter().map(built).filter(|line| is_ours(line) || line.starts_with("mkdir "));
        assert!(commands.iter().map(built).any(|line| is_ours(&line)), "none of ours in {commands:?}");
        for line in run {
            let output = folder.shell(&line).env("HOME", folder.path("")).output().unwrap();
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
            assert!(!output.stdout.is_empty() || !is_ours(&line), "{line} says nothing");
        }
    });
}

/// The first command's output is what stands there, but for what a clock and the processor say.
#[test]
fn the_sample_is_what_the_first_command_prints() {
    let text = of_the_project("README.md");
    let first = &commands(&text)[0];
    let args = first.strip_prefix("cargo run --release -- ").expect("the first command runs it");
    let is_steady = |line: &&str| !line.contains("images/s");
    let printed = Folder::new().run_to(0, args).stdout;
    let sample = &blocks(&text, "text")[0];
    let lines = |text: &str| text.lines().filter(is_steady).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(sample), lines(&printed));
}

#[test]
fn test_commands_are_those_of_ci() {
    let ci = of_the_project(".ci/run");
    let commands = commands(&of_the_project("README.md"));
    let checks = ["cargo test", "cargo nextest", "cargo clippy", "cargo fmt", "cargo bench"];
    let tests: Vec<_> = commands.iter().filter(|line| checks.iter().any(|check| line.starts_with(check))).collect();
    assert!(!tests.is_empty(), "no test command in {commands:?}");
    for command in tests {
        assert!(ci.lines().any(|line| line.contains(command.as_str())), "'{command}' is not in .ci/run");
    }
}

#[test]
fn blocks_are_found() {
    let text = "a\n```sh\n# why\n$ one 'two' \\\n  three # four\n\nfive\n```\n```json\nno\n```\n```sh\nsix\n```\n";
    assert_eq!(commands(text), ["one 'two' three # four", "five", "six"]);
}
