//! `selfcheck` finds faults that are made on purpose, in a program that is built with them: `APPROX_EVAL_SABOTAGED`
//! names it. Without one, nothing is tested here.

use crate::common::cases::for_each_case;
use crate::common::files::Table;
use crate::common::{Folder, Run};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::sync::Once;

fn program() -> Option<OsString> {
    static SKIPPED: Once = Once::new();
    let program = std::env::var_os("APPROX_EVAL_SABOTAGED");
    if program.is_none() {
        // Past the test harness, which keeps what `eprintln` says to itself.
        SKIPPED.call_once(|| {
            let _ = writeln!(std::io::stderr(), "skipped: APPROX_EVAL_SABOTAGED names no program with faults");
        });
    }
    program
}

/// The check of a network by the program with a fault, and the names of what failed.
fn check(folder: &Folder, program: &OsString, fault: Option<&str>, network: &str) -> (Run, BTreeSet<String>) {
    let mut command = assert_cmd::Command::new(program);
    let args =
        format!("selfcheck --model {network} --lut mul8.bin --coding sign-magnitude --limit 3 -j 2 --format json");
    command.current_dir(folder.path("")).args(args.split(' '));
    // A variable of the environment of the tests is not this test's.
    command.env_remove("APPROX_EVAL_SABOTAGE");
    if let Some(fault) = fault {
        command.env("APPROX_EVAL_SABOTAGE", fault);
    }
    let run: Run = command.output().unwrap().into();
    let report = run.json();
    let checks = report["checks"].as_array().unwrap();
    let failed = checks.iter().filter(|check| check["result"] == "failed");
    let failed = failed.map(|check| check["name"].as_str().unwrap().to_owned()).collect();
    (run, failed)
}

#[test]
#[ignore = "for a program with faults: .ci/heavy makes it"]
fn each_fault_is_found_by_its_check() {
    let Some(program) = program() else { return };
    let folder = Folder::new();
    // A multiplier that is not symmetric.
    folder.write("mul8.bin", Table::unsigned(|a, b| (a & !3) * b).u16_bin());
    let faults = [
        ("flipped-entry", "lut-file"),
        ("wrong-rounding", "integers"),
        ("swapped-operands", "terms"),
        ("kernel-tail", "sums-scalar-probes"),
        ("thread-dependent-sum", "threads"),
        ("wrong-zero-point", "sums-scalar-exact"),
    ];
    for network in ["lenet5", "resnet8"] {
        let (run, failed) = check(&folder, &program, None, network);
        assert!(run.code == Some(0) && failed.is_empty(), "{network}: {failed:?} {}", run.stderr);
        for_each_case(faults, |(fault, expected)| {
            let (run, failed) = check(&folder, &program, Some(fault), network);
            assert_eq!(run.code, Some(1), "{network}, {fault}: {}", run.stderr);
            assert!(failed.contains(expected), "{network}, {fault}: {expected} is not among {failed:?}");
            assert!(run.stderr.contains(&format!("error: check failed: {expected}: ")), "{fault}: {}", run.stderr);
        });
    }
}

/// A fault in one place is found in one place, where nothing else follows from it.
#[test]
#[ignore = "for a program with faults: .ci/heavy makes it"]
fn faults_fail_no_other_checks() {
    let Some(program) = program() else { return };
    let folder = Folder::new();
    folder.write("mul8.bin", Table::unsigned(|a, b| (a & !3) * b).u16_bin());
    let others: [(&str, &[&str]); 3] = [
        ("flipped-entry", &["terms", "calibration", "scales", "integers", "threads", "batches", "fp32"]),
        ("kernel-tail", &["lut-file", "terms", "integers", "network", "threads", "batches", "exact-lut", "fp32"]),
        (
            "thread-dependent-sum",
            &["lut-file", "terms", "integers", "scales", "sums-scalar-exact", "sums-scalar-probes"],
        ),
    ];
    for_each_case(others, |(fault, others)| {
        let (_, failed) = check(&folder, &program, Some(fault), "lenet5");
        assert!(others.iter().all(|other| !failed.contains(*other)), "{fault}: {failed:?}");
    });
}
