//! The README and the pages for users are true: every line of their `sh` blocks that runs the command succeeds and
//! prints what the page shows, pictures are what these commands draw, and the README's test commands are those that
//! `.ci/run` runs.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::{Table, cifar, f32_bytes, safetensors, stored};
use crate::common::markdown::{blocks, fenced, is_sample, of_the_project};
use crate::common::network::StateDict;
use crate::common::onnx::Onnx;
use crate::common::pictures::{npy, npz};
use crate::common::random::Random;
use safetensors::Dtype;
use std::io::Read;
use std::path::Path;

/// Lines of a script: continued ones joined, comments and prompts dropped.
fn lines(script: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut pending = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        pending.push_str(line.strip_prefix("$ ").unwrap_or(line));
        if pending.ends_with('\\') {
            pending.pop();
        } else if !pending.is_empty() {
            commands.push(std::mem::take(&mut pending));
        }
    }
    commands
}

/// Lines of the fenced blocks whose language is `sh`.
fn commands(markdown: &str) -> Vec<String> {
    blocks(markdown, "sh").iter().flat_map(|block| lines(block)).collect()
}

const README: &str = "README.md";

/// The other pages whose commands are run.
const PAGES: &[&str] = &[
    "docs/quick-start.md",
    TUTORIAL,
    "docs/concepts.md",
    "docs/formats.md",
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
    "docs/reproduction.md",
    "docs/selfcheck.md",
];

/// Of these, those whose `text` blocks behind a block of commands are what the last of these prints.
const SAMPLED: &[&str] = &[README, "docs/quick-start.md", TUTORIAL];

const TUTORIAL: &str = "docs/tutorial.md";

/// Where the pictures are that commands of the pages draw, under the same names.
const PICTURES: &str = "docs/pictures";

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

/// What the tutorial's `train.py` writes: the network, as committed, and the images in two parts.
fn prepare_tutorial(folder: &Folder) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.write("net.onnx", std::fs::read(project.join("docs/tutorial/net.onnx")).unwrap());
    let content = |name: &str, header: usize| {
        let file = std::fs::File::open(project.join("models/fashion-mnist").join(name)).unwrap();
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
        bytes.split_off(header)
    };
    let (images, labels) = (content("t10k-images-idx3-ubyte.gz", 16), content("t10k-labels-idx1-ubyte.gz", 8));
    let of_images = |samples: usize, bytes: &[u8]| npy("|u1", &format!("({samples}, 1, 28, 28)"), bytes);
    let of_labels = |bytes: &[u8]| npy("|u1", &format!("({},)", bytes.len()), bytes);
    let (images, labels) = (images.split_at(8000 * 784), labels.split_at(8000));
    let members = [
        ("x_train.npy", of_images(8000, images.0)),
        ("y_train.npy", of_labels(labels.0)),
        ("x_test.npy", of_images(2000, images.1)),
        ("y_test.npy", of_labels(labels.1)),
    ];
    folder.write("data.npz", npz(&members, false));
}

/// Writes the files that a page shows: blocks that begin with a comment of a file's name, or have it behind their
/// language.
fn write_shown(folder: &Folder, page: &str) {
    for (info, content) in fenced(page) {
        let first = content.lines().next().unwrap_or_default();
        let (language, beside) = info.split_once(' ').unwrap_or((&info, ""));
        let name = match language {
            "toml" => first.strip_prefix("# "),
            "c" => first.strip_prefix("// "),
            "csv" => Some(beside),
            _ => continue,
        };
        let name = name.and_then(|comment| comment.split(':').next()).expect("a file's name");
        folder.write(name.trim(), &content);
    }
}

#[cfg(unix)]
#[test]
fn every_command_of_the_readme_runs() {
    run_all(README);
}

#[cfg(unix)]
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn every_command_of_the_pages_runs() {
    for_each_case(PAGES, |page| run_all(page));
}

/// Runs one block after the other in one folder, as a reader does, by the shell. Files are those that the page shows, each
/// named by its first line.
#[cfg(unix)]
fn run_all(page: &str) {
    let (folder, text) = (Folder::new(), of_the_project(page));
    prepare(&folder);
    if page == TUTORIAL {
        prepare_tutorial(&folder);
    }
    write_shown(&folder, &text);
    // Building it is this test's own business.
    let built = |line: String| line.replace("cargo run --release --locked --", "approx-eval");
    let is_ours = |line: &String| line.contains("approx-eval");
    let is_run = |line: &String| is_ours(line) || line.starts_with("mkdir ");
    assert!(commands(&text).into_iter().map(built).any(|line| is_ours(&line)), "none of ours in {page}");
    let mut printed = None;
    for (language, content) in fenced(&text) {
        if language == "text" && SAMPLED.contains(&page) {
            let printed: String = printed.take().unwrap_or_else(|| panic!("{page}: nothing printed {content}"));
            assert!(is_sample(&content, &printed), "{page} shows\n{content}and not\n{printed}");
        }
        let script = if language == "sh" { lines(&content) } else { Vec::new() };
        for line in script.into_iter().map(built).filter(is_run) {
            let output = folder.shell(&line).env("HOME", folder.path("")).output().unwrap();
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
            assert!(!output.stdout.is_empty() || !is_ours(&line), "{line} says nothing");
            printed = Some(String::from_utf8(output.stdout).unwrap());
        }
    }
    compare_pictures(&folder);
}

/// Fails where a picture of the documents is not what was drawn into `folder` under its name. With
/// `APPROX_EVAL_WRITE_DOCS`, it becomes that.
fn compare_pictures(folder: &Folder) {
    for entry in Path::new(env!("CARGO_MANIFEST_DIR")).join(PICTURES).read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if folder.path(name).exists() {
            if std::env::var_os("APPROX_EVAL_WRITE_DOCS").is_some() {
                std::fs::write(&path, folder.read(name)).unwrap();
            }
            let is_drawn = std::fs::read(&path).unwrap() == folder.read(name);
            assert!(
                is_drawn,
                "{} is not what its page draws: run this test with APPROX_EVAL_WRITE_DOCS=1",
                path.display()
            );
        }
    }
}

#[test]
fn test_commands_are_those_of_ci() {
    let ci = of_the_project(".ci/run");
    let commands = commands(&of_the_project(README));
    let checks = ["cargo test", "cargo nextest", "cargo clippy", "cargo fmt", "cargo bench"];
    let tests: Vec<_> = commands.iter().filter(|line| checks.iter().any(|check| line.starts_with(check))).collect();
    assert!(!tests.is_empty(), "no test command in {commands:?}");
    for command in tests {
        assert!(ci.lines().any(|line| line.contains(command.as_str())), "'{command}' is not in .ci/run");
    }
}

/// A newcomer reads it to its end.
#[test]
fn the_readme_is_short() {
    let lines = of_the_project(README).lines().count();
    assert!(lines < 150, "{lines} lines");
}

#[test]
fn blocks_are_found() {
    let text = "a\n```sh\n# why\n$ one 'two' \\\n  three # four\n\nfive\n```\n```json\nno\n```\n```sh\nsix\n```\n";
    assert_eq!(commands(text), ["one 'two' three # four", "five", "six"]);
}
