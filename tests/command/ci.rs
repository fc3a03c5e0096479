//! `docs/ci.md` is true: its commands run, and its workflows' steps, as far as a shell can.

use crate::common::Folder;
use crate::common::markdown::{blocks, of_the_project};

/// The scripts of a GitHub workflow: what stands behind `run:`, on its line or indented below it.
fn steps(workflow: &str) -> Vec<String> {
    let lines: Vec<&str> = workflow.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let step = |(i, line): (usize, &&str)| {
        let script = line.trim_start().trim_start_matches("- ").strip_prefix("run:")?.trim();
        let below = lines[i + 1..].iter().take_while(|next| indent(next) > indent(line));
        Some(if script == "|" {
            below.map(|line| format!("{}\n", line.trim_start())).collect()
        } else {
            script.to_owned()
        })
    };
    lines.iter().enumerate().filter_map(step).collect()
}

/// The lines of a GitLab job's script.
fn script(job: &str) -> Vec<String> {
    let lines = job.lines().skip_while(|line| line.trim() != "script:").skip(1).map(str::trim);
    lines.map_while(|line| line.strip_prefix("- ").map(str::to_owned)).collect()
}

/// Runs a script as CI systems do, and gives its exit code and what it said.
#[cfg(unix)]
fn run(folder: &Folder, script: &str) -> (i32, String) {
    let output = folder.shell(script).env("GITHUB_STEP_SUMMARY", folder.path("summary.md")).output().unwrap();
    (
        output.status.code().unwrap(),
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
    )
}

#[cfg(unix)]
#[test]
fn the_workflow_runs_and_catches_a_regression() {
    let (folder, document) = (Folder::new(), of_the_project("docs/ci.md"));
    let scripts = blocks(&document, "sh");
    let workflows = blocks(&document, "yaml");
    let (code, said) = run(&folder, &scripts[0]);
    assert_eq!(code, 0, "{said}");
    let steps = steps(&workflows[0]);
    let ours: Vec<&String> =
        steps.iter().filter(|step| step.contains("approx-eval --") || step.contains("compare")).collect();
    let [evaluate, summarize] = ours.as_slice() else { panic!("{steps:?}") };
    assert!(steps.iter().any(|step| step.starts_with("cargo install")), "{steps:?}");
    for step in [evaluate, summarize] {
        let (code, said) = run(&folder, step);
        assert_eq!(code, 0, "{step}: {said}");
    }
    let summary = String::from_utf8(folder.read("summary.md")).unwrap();
    for part in ["| top-1 | ", "| conv1 | conv2d | drum-6 |", "Compared with ci/baseline.json"] {
        assert!(summary.contains(part), "{part}: {summary}");
    }
    let junit = String::from_utf8(folder.read("junit.xml")).unwrap();
    for part in [r#"tests="3""#, r#"failures="0""#, r#"name="max-drop""#, r#"name="alpha""#] {
        assert!(junit.contains(part), "{part}: {junit}");
    }
    // A worse multiplier in its place fails, and still reports.
    let (code, said) = run(&folder, &evaluate.replace("drum-6", "drum-3"));
    assert_eq!(code, 1, "{said}");
    assert!(String::from_utf8(folder.read("junit.xml")).unwrap().contains(r#"failures="2""#));
    assert_eq!(run(&folder, summarize).0, 0);
    // The other examples.
    let gitlab = script(&workflows[1]);
    assert!(!gitlab.is_empty());
    for line in gitlab.iter().chain(&scripts[1..]) {
        let (code, said) = run(&folder, line);
        assert_eq!(code, 0, "{line}: {said}");
    }
}

#[test]
fn scripts_are_found() {
    let workflow = "jobs:\n  a:\n    steps:\n      - run: one\n      - name: b\n        run: |\n          two \\\n            three\n          four\n      - uses: x\n";
    assert_eq!(steps(workflow), ["one", "two \\\nthree\nfour\n"]);
    assert_eq!(script("job:\n  script:\n    - one\n    - two\n  after: x\n"), ["one", "two"]);
}
