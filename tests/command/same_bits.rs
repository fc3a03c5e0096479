//! The same bits everywhere: on any number of threads, and on processors with other instructions.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::outside_cases::resnet20;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// The arguments for each network: the shipped ones, and a ResNet-20 where there is one.
fn networks() -> impl Iterator<Item = String> {
    let shipped = ["lenet5", "resnet8", "ds_cnn", "vit_micro --attention quant"];
    shipped.map(|network| format!("--model {network}")).into_iter().chain(resnet20())
}

/// Scales and logits that a run writes.
fn results(folder: &Folder, mut command: Command, args: &str) -> [Vec<u8>; 2] {
    command.current_dir(folder.path("")).args(args.split_whitespace());
    command.args(["--save-qparams", "q.json", "--logits", "logits.safetensors", "--no-progress"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
    ["q.json", "logits.safetensors"].map(|name| {
        let bytes = folder.read(name);
        std::fs::remove_file(folder.path(name)).unwrap();
        bytes
    })
}

fn native() -> Command {
    Command::new(assert_cmd::cargo::cargo_bin!("approx-eval"))
}

/// The emulator of processors that `APPROX_EVAL_QEMU` names: QEMU's user mode for x86-64.
fn emulator() -> Option<PathBuf> {
    let emulator = std::env::var_os("APPROX_EVAL_QEMU").map(PathBuf::from);
    if emulator.is_none() {
        // Past the test harness, which keeps what `eprintln` says to itself.
        let _ = writeln!(std::io::stderr(), "skipped: APPROX_EVAL_QEMU names no emulator");
    }
    emulator
}

#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn threads_change_nothing() {
    let folder = Folder::new();
    let sets = [("quant", 1), ("approx --lut mitchell", 2), ("quant", 67), ("approx --lut udm", 135)];
    let runs = networks().flat_map(|network| sets.map(|set| (network.clone(), set)));
    for_each_case(runs, |(network, (mode, count))| {
        let on = |threads: usize| {
            let args = format!("{network} --mode {mode} --calib-samples {count} -n 7 -j {threads}");
            results(&folder, native(), &args)
        };
        let alone = on(1);
        [2, 3, 7].into_iter().for_each(|threads| assert_eq!(on(threads), alone, "-j {threads}"));
    });
}

#[test]
fn base_is_the_same_on_any_threads() {
    let folder = Folder::new();
    for_each_case(networks(), |network| {
        let on = |threads: usize| folder.logits(&format!("{network} --mode base -n 7 -j {threads}"));
        let alone = on(1);
        [2, 3, 7].into_iter().for_each(|threads| assert_eq!(on(threads), alone, "-j {threads}"));
    });
}

/// Haswell has AVX2 and FMA, Nehalem neither.
#[test]
fn processors_change_nothing() {
    let Some(emulator) = emulator() else { return };
    let folder = Folder::new();
    let modes = ["--mode quant", "--mode approx --lut mitchell"];
    let runs = networks().flat_map(|network| modes.map(|mode| (network.clone(), mode, 3)));
    let small = "--model lenet5".to_owned();
    let more = [(small.clone(), "--mode quant", 135), (small, "--mode approx --lut udm", 1)];
    for_each_case(runs.chain(more), |(network, mode, count)| {
        let args = format!("{network} {mode} --calib-samples {count} -n 3");
        let expected = results(&folder, native(), &args);
        for processor in ["Haswell", "Nehalem"] {
            let mut command = Command::new(&emulator);
            command.args(["-cpu", processor]).arg(assert_cmd::cargo::cargo_bin!("approx-eval"));
            assert_eq!(results(&folder, command, &args), expected, "{processor}");
        }
    });
}
