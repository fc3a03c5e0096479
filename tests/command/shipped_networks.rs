//! The README's script over the shipped networks, and what `docs/shipped-networks.md` says it prints.

use crate::common::{Folder, number};
use std::path::Path;

const NETWORKS: [&str; 3] = ["lenet5", "resnet8", "ds_cnn"];

fn of_the_project(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The fields of the table under the header that begins with `name`, row by row.
fn table(markdown: &str, name: &str) -> Vec<Vec<String>> {
    let header = format!("| {name} |");
    let lines = markdown.lines().skip_while(|line| !line.starts_with(&header)).skip(2);
    let fields = |line: &str| line.trim_matches('|').split('|').map(|field| field.trim().to_owned()).collect();
    lines.take_while(|line| line.starts_with('|')).map(fields).collect()
}

/// A row by its multiplier, from a run of its own.
fn row(folder: &Folder, network: &str, multiplier: &str, limit: usize) -> Vec<String> {
    let how = if multiplier == "fp32" { "--mode base".to_owned() } else { format!("--lut {multiplier}") };
    let report = folder.json(&format!("--model {network} {how} --limit {limit}"));
    let [top1, low, high] = ["top1", "ci95/0", "ci95/1"].map(|key| number(&report, &format!("/accuracy/{key}")));
    vec![multiplier.to_owned(), format!("{top1:.4}"), format!("{low:.4} to {high:.4}")]
}

#[cfg(unix)]
#[test]
fn the_script_prints_what_single_runs_say() {
    let readme = of_the_project("README.md");
    let script = readme.split_once("```bash\n").unwrap().1.split_once("```").unwrap().0;
    assert!(script.lines().count() <= 10, "{script}");
    let folder = Folder::new();
    let binary = assert_cmd::cargo::cargo_bin!("approx-eval").parent().unwrap().display().to_string();
    let mut shell = assert_cmd::Command::new("bash");
    shell.current_dir(folder.path("")).args(["-euo", "pipefail", "-c", script]);
    shell.env("PATH", format!("{binary}:{}", std::env::var("PATH").unwrap_or_default()));
    let output = shell.env("LIMIT", "40").env("LUTS", "exact drum-4-signed").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    for network in NETWORKS {
        let expected = ["fp32", "exact", "drum-4-signed"].map(|multiplier| row(&folder, network, multiplier, 40));
        assert_eq!(table(&printed, network), expected, "{network}: {printed}");
    }
}

/// Every shipped multiplier has its row, and one is computed anew, to within the sample or two that
/// rounding in fp32 calibration may move.
#[test]
fn the_documented_tables_are_complete_and_true() {
    let document = of_the_project("docs/shipped-networks.md");
    let folder = Folder::new();
    let list = folder.run_to(0, "lut list --format csv").csv();
    for network in NETWORKS {
        let rows = table(&document, network);
        let multipliers = rows.iter().map(|row| row[0].as_str());
        assert!(multipliers.eq(["fp32"].into_iter().chain(list[1..].iter().map(|row| row[0].as_str()))), "{network}");
        let documented = rows.iter().find(|row| row[0] == "drum-4").unwrap();
        let top1 = |row: &[String]| row[1].parse::<f64>().unwrap();
        let found = row(&folder, network, "drum-4", 10_000);
        assert!((top1(documented) - top1(&found)).abs() < 1e-3, "{network}: {documented:?}, found {found:?}");
    }
}
