//! The script of `docs/shipped-networks.md` over the shipped networks, and what the page says it prints.

use crate::common::markdown::{blocks, of_the_project, table};
use crate::common::{Folder, integer, number};

const NETWORKS: [&str; 3] = ["lenet5", "resnet8", "ds_cnn"];

/// A row by its multiplier, from a run of its own.
fn row(folder: &Folder, network: &str, multiplier: &str, limit: usize) -> Vec<String> {
    let how = if multiplier == "fp32" { "--mode base".to_owned() } else { format!("--lut {multiplier}") };
    let report = folder.json(&format!("--model {network} {how} --compare quant --limit {limit}"));
    let [top1, low, high] = ["top1", "ci95/0", "ci95/1"].map(|key| number(&report, &format!("/accuracy/{key}")));
    let flips = integer(&report, "/comparisons/0/flips");
    vec![multiplier.to_owned(), format!("{top1:.4}"), format!("{low:.4} to {high:.4}"), flips.to_string()]
}

#[cfg(unix)]
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn the_script_prints_what_single_runs_say() {
    let scripts = blocks(&of_the_project("docs/shipped-networks.md"), "bash");
    let [script] = scripts.as_slice() else { panic!("expected one script: {scripts:?}") };
    assert!(script.lines().count() <= 10, "{script}");
    let folder = Folder::new();
    let output = folder.shell(script).env("LIMIT", "40").env("LUTS", "exact drum-4-signed").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    for network in NETWORKS {
        let expected = ["fp32", "exact", "drum-4-signed"].map(|multiplier| row(&folder, network, multiplier, 40));
        for (found, expected) in table(&printed, network).iter().zip(expected) {
            let (p, rest) = found.split_last().unwrap();
            assert_eq!(rest, expected, "{network}");
            assert!((0.0..=1.0).contains(&p.parse::<f64>().unwrap()), "{found:?}");
        }
        assert_eq!(table(&printed, network).len(), 3, "{printed}");
    }
}

/// Every shipped multiplier has its row, and one is computed anew: scales are observed in fp32, where
/// another processor's rounding may move a sample or two.
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn the_documented_tables_are_complete_and_true() {
    let document = of_the_project("docs/shipped-networks.md");
    let folder = Folder::new();
    let list = folder.run_to(0, "lut list --shipped --format csv").csv();
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
