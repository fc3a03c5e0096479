//! What multipliers cost, and whose word it is.

use crate::common::cases::for_each_case;
use crate::common::files::Table;
use crate::common::{Folder, number, text};

const COSTS: &str = "multiplier, energy, area, delay, source\n\
                     exact, 0.4, 700, 1.5, lab\n\
                     drum-6, 0.1, 210, 1.2, lab\n\
                     mine, 0.3, , , bench\n";

#[test]
fn a_table_of_costs_overrides_the_model() {
    let folder = Folder::new();
    folder.write("costs.csv", COSTS);
    let drum = folder.json("lut info drum-6 --costs costs.csv");
    assert_eq!((text(&drum, "/cost/source"), text(&drum, "/cost/note")), ("csv", "lab"));
    assert_eq!((number(&drum, "/cost/relative_energy"), number(&drum, "/cost/relative_area")), (0.25, 0.3));
    let list = folder.json("lut list drum exact --costs costs.csv");
    let of = |name: &str| list["luts"].as_array().unwrap().iter().find(|lut| lut["name"] == name).unwrap();
    assert_eq!(number(of("drum-6"), "/cost/energy"), 0.1);
    // What the table does not have is counted in unit gates, and says so.
    assert_eq!(text(of("drum-4"), "/cost/source"), "unit-gates");
    let model = folder.json("lut info truncated-8");
    assert_eq!((text(&model, "/cost/source"), &model["cost"]["energy"]), ("unit-gates", &serde_json::Value::Null));
    // Of 64 partial products 28 stay, in 8 columns: at 7 gates an adder, less than half.
    assert!(number(&model, "/cost/relative_energy") < 0.5);
    let table = folder.run_to(0, "lut info drum-6 --costs costs.csv").stdout;
    assert!(table.contains("0.100 pJ") && table.contains("25.0 % of exact") && table.contains("lab"), "{table}");
}

#[test]
fn metadata_speak_where_no_table_does() {
    let folder = Folder::new();
    folder.write("costs.csv", COSTS);
    folder.write("mine.bin", Table::unsigned(|a, b| (a * b) & !7).u16_bin());
    folder.write("mine.json", r#"{"power": 0.5, "delay": 1.4, "area": 600, "source": "data sheet"}"#);
    let info = folder.json("lut info mine.bin");
    assert_eq!((text(&info, "/cost/source"), number(&info, "/cost/area")), ("metadata", 600.0));
    // Milliwatts over nanoseconds.
    assert!((number(&info, "/cost/energy") - 0.7).abs() < 1e-12);
    assert_eq!(text(&folder.json("lut info mine.bin --costs costs.csv"), "/cost/note"), "bench");
    // A row may name the hash.
    let hash = blake3::hash(&folder.read("mine.bin")).to_hex().to_string();
    folder.write("by-hash.csv", format!("multiplier,energy\n{hash},0.2\n"));
    assert_eq!(number(&folder.json("lut info mine.bin --costs by-hash.csv"), "/cost/energy"), 0.2);
    std::fs::remove_file(folder.path("mine.json")).unwrap();
    assert_eq!(folder.json("lut info mine.bin")["cost"], serde_json::Value::Null);
}

#[test]
fn an_evaluation_reports_its_multiplier_s_cost() {
    let report = Folder::new().json("--lut truncated-8 --limit 8");
    assert_eq!(text(&report, "/lut/cost/source"), "unit-gates");
    assert!(text(&report, "/lut/cost/note").contains("Tyagi"));
}

#[test]
fn bad_tables_of_costs_are_refused() {
    let folder = Folder::new();
    let cases = [
        ("name,energy\nx,1\n", "multiplier"),
        ("multiplier,energy\nx,-1\n", "-1"),
        ("multiplier,energy\nx,1\nx,2\n", "two rows"),
    ];
    for_each_case(cases, |(text, needle)| {
        folder.write("costs.csv", text);
        for args in ["lut info exact", "lut list --shipped"] {
            folder.refuses(&format!("{args} --costs costs.csv"), &["--costs", "costs.csv", needle]);
        }
    });
    folder.refuses("lut info exact --costs nowhere.csv", &["--costs", "nowhere.csv"]);
}
