//! `search`: what it chooses is what an evaluation of its assignment finds.

use crate::common::cases::for_each_case;
use crate::common::{Folder, csv_rows, integer, number, text};
use serde_json::Value;

/// A search of a second or two.
const QUICK: &str = "search -n 240 -l truncated-5 truncated-7 truncated-9 --scan-samples 60 --max-drop 0.05 --population 8 \
                     --generations 2";

fn documents(folder: &Folder, output: &str) -> (Value, Vec<Vec<String>>) {
    (folder.read_json(&format!("{output}/search.json")), csv_rows(&folder.read(&format!("{output}/front.csv"))))
}

#[test]
fn a_search_finds_what_its_assignment_does() {
    let folder = Folder::new();
    let printed = folder.json(&format!("{QUICK} -o found"));
    let (details, front) = documents(&folder, "found");
    assert_eq!(printed, details);
    assert_eq!((text(&details, "/kind"), integer(&details, "/schema")), ("search", 1));
    assert_eq!(details["samples"], serde_json::json!({"scan": 60, "search": 120, "confirmation": 120}));
    // Within the bound on the search's samples, cheaper than what it is held against.
    assert!(number(&details, "/chosen/search/drop") <= 0.05);
    for other in ["uniform", "greedy"] {
        let cost = |point: &str| number(&details, &format!("/{point}/relative_cost"));
        assert!(cost("chosen") <= cost(other) && cost(other) <= 1.0, "{other}");
    }
    assert_eq!(integer(&details, "/chosen/confirmation/samples"), 120);
    // The assignment works from anywhere and costs as much; over all samples its accuracy is that of both parts.
    let report = folder.json("-n 240 --assign found/assignment.json");
    assert!((number(&report, "/cost/relative_energy") - number(&details, "/chosen/relative_cost")).abs() < 1e-12);
    let both = f64::midpoint(number(&details, "/chosen/search/top1"), number(&details, "/chosen/confirmation/top1"));
    assert!((number(&report, "/accuracy/top1") - both).abs() < 1e-12);
    let names: Vec<&str> =
        report["layers"].as_array().unwrap().iter().map(|layer| layer["lut"].as_str().unwrap_or("exact")).collect();
    assert_eq!(serde_json::json!(names), details["chosen"]["assignment"]);
    // The front falls in cost as accuracy does.
    let column = |name: &str| {
        front[0].iter().position(|column| column == name).unwrap_or_else(|| panic!("{name}: {:?}", front[0]))
    };
    let values =
        |name: &str| front[1..].iter().map(|row| row[column(name)].parse::<f64>().unwrap()).collect::<Vec<_>>();
    let (costs, accuracies) = (values("relative_energy"), values("value"));
    assert!(costs.len() > 1 && costs.is_sorted() && accuracies.is_sorted(), "{front:?}");
    assert!(front[0].contains(&"layer:conv1".to_owned()));
}

/// By the seed alone; what the journal has is not evaluated again, and a journal that was cut off is as good.
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn searches_are_repeated_and_resumed() {
    let folder = Folder::new();
    let first = folder.run_to(0, &format!("{QUICK} -o first"));
    let drop = number(&documents(&folder, "first").0, "/chosen/confirmation/drop");
    assert_eq!(first.stderr.contains("not confirmed"), drop > 0.05, "{drop}: {}", first.stderr);
    folder.run_to(0, &format!("{QUICK} -o second -j 1"));
    assert_eq!(documents(&folder, "first").0["chosen"], documents(&folder, "second").0["chosen"]);
    assert_eq!(documents(&folder, "first").1, documents(&folder, "second").1);
    let message = folder.run_to(2, &format!("{QUICK} -o first")).stderr;
    assert!(message.contains("first") && message.contains("--resume"), "{message}");
    let journal = String::from_utf8(folder.read("first/evaluations.jsonl")).unwrap();
    let lines: Vec<&str> = journal.lines().collect();
    let cut = lines[..lines.len() / 2].join("\n") + "\n{\"schema\":1,\"key\":\"12";
    folder.write("first/evaluations.jsonl", &cut);
    let resumed = folder.json(&format!("{QUICK} -o first --resume"));
    assert_eq!(resumed["chosen"], documents(&folder, "second").0["chosen"]);
    let count = |name: &str| String::from_utf8(folder.read(name)).unwrap().lines().count();
    assert_eq!(count("first/evaluations.jsonl"), lines.len(), "nothing is done twice");
    let other = folder.json(&format!("{QUICK} -o third --seed 1"));
    assert_ne!(other["greedy"]["scan"], resumed["greedy"]["scan"], "other samples are drawn");
    // Another search of the same network uses what is there.
    folder.run_to(0, &format!("{QUICK} -o first --resume --max-drop 0.1"));
    assert!(count("first/evaluations.jsonl") > lines.len());
}

#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn multipliers_and_evaluations_are_limited() {
    let folder = Folder::new();
    let details = folder.json(&format!("{QUICK} -o two --max-multipliers 2"));
    assert!(integer(&details, "/chosen/multipliers") <= 2);
    let details = folder.json(&format!("{QUICK} -o few --max-evaluations 10"));
    assert_eq!((integer(&details, "/evaluations"), text(&details, "/stopped")), (10, "evaluations"));
    let details = folder.json(&format!("{QUICK} -o one --method knapsack --set conv1:mode=quant --set fc3:lut=drum-6"));
    assert_eq!(details["layers"].as_array().map(Vec::len), Some(3));
    assert_eq!(details["methods"].as_array().map(Vec::len), Some(1));
    // What rules keep is in the assignment and in the costs.
    let report = folder.json("-n 4 --assign one/assignment.json");
    let found: Vec<&Value> = report["layers"].as_array().unwrap().iter().map(|layer| &layer["lut"]).collect();
    assert!(found[0].is_null() && found[4] == "drum-6", "{found:?}");
    assert!((number(&report, "/cost/relative_energy") - number(&details, "/chosen/relative_cost")).abs() < 1e-12);
    let table = folder.run_to(0, &format!("{QUICK} -o table --method knapsack"));
    assert!(table.stdout.lines().all(|line| line.chars().count() <= 80), "{}", table.stdout);
    assert!(table.words().contains("samples that the search never saw"));
}

/// Costs that a file states decide.
#[test]
fn costs_are_those_of_the_file() {
    let folder = Folder::new();
    folder.write("costs.csv", "multiplier,energy,power\nexact,1,1\ntruncated-5,0.4,0.9\ntruncated-9,0.9,0.4\n");
    let args = "search -n 40 -l truncated-5 truncated-9 --costs costs.csv --method knapsack";
    let details = folder.json(&format!("{args} -o energy"));
    assert_eq!(text(&details, "/settings/cost_basis"), "costs.csv");
    assert_eq!(number(&details, "/multipliers/1/relative_cost"), 0.4);
    let details = folder.json(&format!("{args} -o power --objective power"));
    assert_eq!(
        (number(&details, "/multipliers/1/relative_cost"), text(&details, "/settings/objective")),
        (0.9, "power")
    );
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let folder = Folder::new();
    let unknown = crate::common::files::Table::unsigned(|a, b| a * b + 1).u16_bin();
    folder.write("mine.bin", unknown);
    for_each_case(
        [
            ("search -n 10 -o d", &["no multiplier", "--lut"][..]),
            ("search -n 10 -l drum-4 -o d", &["one multiplier", "drum-4", "two or more"]),
            ("search -n 10 -l drum-4 drum-4 -o d", &["one multiplier", "drum-4"]),
            ("search -n 10 -l drum-4 mine.bin -o d", &["energy cannot be compared", "mine (", "--costs"]),
            ("search -n 10 -l drum-4 drum-4-signed -o d", &["drum-4-signed", "--coding"]),
            ("search -n 10 -l drum-4 drum-6 --set *:mode=quant -o d", &["no layer is left", "--set"]),
            ("search -n 10 -l drum-4 drum-6 --max-drop 0 -o d", &["--max-drop", "above 0"]),
            ("search -n 10 -l drum-4 drum-6 --search-samples 10 -o d", &["--search-samples", "10 samples"]),
            ("search -n 10 -l drum-4 drum-6 --scan-samples 9 -o d", &["--scan-samples", "at most the 5"]),
            ("search -n 1 -l drum-4 drum-6 -o d", &["--search-samples", "1 samples"]),
            ("search -n 10 -l drum-4 drum-6 --method tabu -o d", &["tabu", "knapsack"]),
            ("search -n 10 -l drum-4 drum-6 --confidence 1 -o d", &["--confidence", "0.5"]),
        ],
        |(args, needles)| {
            folder.refuses(args, needles);
        },
    );
}
