//! What multipliers cost, and whose word it is.

use crate::common::cases::for_each_case;
use crate::common::files::Table;
use crate::common::{Folder, integer, number, text};

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
    folder.write("mine.bin", Table::unsigned(|a, b| (a * b) & !0xd).u16_bin());
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

/// A table is called by its metadata or its function, not always by its file.
#[test]
fn a_file_of_costs_that_does_not_know_the_table_is_told_of() {
    let folder = Folder::new();
    folder.write("costs.csv", COSTS);
    folder.write("other.bin", Table::unsigned(|a, b| (a * b) & !0xd).u16_bin());
    let run = folder.run_to(0, "--lut other.bin --limit 8 --costs costs.csv --format json");
    let needles = ["no row of 'other'", "drum-6, exact, mine", "--costs"];
    assert!(needles.iter().all(|needle| run.stderr.contains(needle)), "{}", run.stderr);
    assert!(run.json()["notes"].as_array().unwrap().iter().any(|note| note.as_str().unwrap().contains(needles[0])));
    let known = folder.run_to(0, "--lut drum-4 --limit 8 --costs costs.csv");
    assert!(!known.stderr.contains("no row"), "its cost is known by unit gates: {}", known.stderr);
}

#[test]
fn an_evaluation_reports_its_multiplier_s_cost() {
    let report = Folder::new().json("--lut truncated-8 --limit 8");
    assert_eq!(text(&report, "/lut/cost/source"), "unit-gates");
    assert!(text(&report, "/lut/cost/note").contains("Tyagi"));
    assert_eq!((number(&report, "/lut/cost/coverage"), number(&report, "/cost/coverage")), (1.0, 1.0));
    // Gates have no units: relative figures alone.
    let cost = &report["cost"];
    assert_eq!(
        (&cost["power_mw"], &cost["energy_uj_per_sample"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    assert_eq!(number(cost, "/relative_power"), number(&report, "/lut/cost/relative_power"));
}

/// mul8s_1KV8, the exact signed multiplier of EvoApproxLib: 0.425 mW and 1.48 ns.
#[test]
fn exact_products_cost_what_the_library_publishes() {
    let folder = Folder::new();
    let report = folder.json("--mode quant --limit 8");
    let cost = &report["cost"];
    assert_eq!((text(cost, "/source"), number(cost, "/power_mw")), ("catalogue", 0.425));
    let energy = integer(&report, "/opcount/per_sample") as f64 * 0.425 * 1.48 * 1e-6;
    assert!((number(cost, "/energy_uj_per_sample") / energy - 1.0).abs() < 1e-12, "{cost}");
    assert_eq!((number(cost, "/relative_energy"), number(cost, "/coverage")), (1.0, 1.0));
    assert!(folder.json("--mode base --limit 8")["cost"].is_null());
    // An unsigned coding is that of an unsigned multiplier.
    assert_eq!(number(&folder.json("--mode quant --coding affine --limit 8"), "/cost/power_mw"), 0.391);
}

/// Published figures beside unit gates: never one ratio.
#[test]
fn two_sources_never_enter_one_ratio() {
    let folder = Folder::new();
    folder.write("costs.csv", "multiplier,power,delay,source\nexact,0.4,1.5,lab\nudm,0.1,1,lab\nroba,0.3,1,paper\n");
    let args = "--limit 8 --costs costs.csv --lut udm --set fc1:lut=roba --set fc3:lut=exact";
    let report = folder.json(args);
    let cost = &report["cost"];
    let opcount = |index: usize| number(&report, &format!("/layers/{index}/opcount"));
    let (all, roba, exact) = ((0..5).map(opcount).sum::<f64>(), opcount(2), opcount(4));
    let udm = all - roba - exact;
    let by_hand = (0.1 * udm + 0.4 * exact) / (0.4 * (udm + exact));
    assert!((number(cost, "/relative_power") - by_hand).abs() < 1e-12, "{cost}");
    assert!((number(cost, "/coverage") - (udm + exact) / all).abs() < 1e-12, "{cost}");
    assert_eq!(text(cost, "/by_multiplier/roba/basis"), "paper");
    assert!(report["notes"].to_string().contains("roba (paper)"), "{}", report["notes"]);
    let csv = folder.run_to(0, &format!("{args} --format csv")).csv();
    let at = |name: &str| csv[1][csv[0].iter().position(|column| column == name).unwrap()].parse::<f64>().unwrap();
    assert_eq!(
        (at("relative_power"), at("cost_coverage")),
        (number(cost, "/relative_power"), number(cost, "/coverage"))
    );
    let table = folder.run_to(0, args).stdout;
    assert!(table.contains("mW") && table.contains("uJ a sample") && table.contains("by lab"), "{table}");
}

/// A user's own figures are not overruled by those of a library that knows more of the multipliers; noise multiplies
/// nothing of what it stands for.
#[test]
fn the_users_word_counts_and_noise_costs_nothing() {
    let folder = Folder::new();
    folder.write("costs.csv", "multiplier,power,source\nexact,0.5,lab\nmul8s_1L2H,0.05,lab\n");
    let args = "--limit 8 --costs costs.csv --lut mul8s_1KTY --set fc1:lut=mul8s_1L2H";
    let report = folder.json(args);
    let cost = &report["cost"];
    assert_eq!((text(cost, "/basis"), number(cost, "/power_mw")), ("lab", 0.05));
    assert!((number(cost, "/relative_power") - 0.1).abs() < 1e-12, "{cost}");
    assert!(report["notes"].to_string().contains("mul8s_1KTY (EvoApproxLib"), "{}", report["notes"]);
    assert!(folder.json("--limit 8 --mode noise --noise-from-lut udm")["cost"].is_null());
}

#[test]
fn costs_are_read_as_listings_write_them() {
    let folder = Folder::new();
    folder.write("lab.csv", "multiplier,power,delay,source\nexact,0.4,1.5,lab\ndrum-6,0.1,1,lab\n");
    for (command, file) in [
        ("lut list drum exact --format csv", "list.csv"),
        ("lut list drum exact --format json", "list.json"),
        ("lut info drum-6 --format csv", "info.csv"),
        ("lut info drum-6 --format json", "info.json"),
    ] {
        folder.write(file, folder.run_to(0, &format!("{command} --costs lab.csv")).stdout);
        let cost = &folder.json(&format!("lut info drum-6 --costs {file}"))["cost"];
        assert_eq!((text(cost, "/source"), text(cost, "/basis")), ("csv", "lab"), "{file}");
        assert_eq!((number(cost, "/power_mw"), number(cost, "/relative_power")), (0.1, 0.25), "{file}");
        assert!((number(cost, "/relative_energy") - 0.1 / 0.6).abs() < 1e-12, "{file}: {cost}");
    }
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
