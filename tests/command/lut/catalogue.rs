//! The catalogue: tables recognized by their products, names that do not hold, and the search.

use crate::common::cases::for_each_case;
use crate::common::files::Table;
use crate::common::markdown::{blocks, of_the_project};
use crate::common::{Folder, Run, integer, number, text};
use crate::outside_cases::cases;
use serde_json::{Value, json};

/// The names of a circuit, the older one first, and its product.
type ClosedForm = (&'static str, &'static str, fn(i32, i32) -> i32);

/// EvoApproxLib's signed circuits with closed forms, the older of their names and the other.
const CLOSED_FORMS: [ClosedForm; 7] = [
    ("mul8s_1KV8", "mul8s_1KV6", |a, b| a * b),
    ("mul8s_1KR8", "mul8s_1KVM", |a, b| 2 * (a >> 1) * b),
    ("mul8s_1KTY", "mul8s_1KXF", |a, b| 8 * (a >> 3) * b),
    ("mul8s_1KR3", "mul8s_1L12", |a, b| 64 * (a >> 6) * b),
    ("mul8s_1L2H", "mul8s_1L2J", |a, b| 4 * (a >> 1) * (b >> 1)),
    ("mul8s_1L2D", "mul8s_1L2L", |a, b| 16 * (a >> 2) * (b >> 2)),
    ("mul8s_1L1G", "mul8s_1L2N", |a, b| 64 * (a >> 3) * (b >> 3)),
];

/// The names that a document has of a table's circuit.
fn names(lut: &Value) -> Vec<(&str, &str)> {
    let names = lut.pointer("/catalogue/names").and_then(Value::as_array).into_iter().flatten();
    names.map(|name| (text(name, "/name"), text(name, "/release"))).collect()
}

fn kinds(audit: &Value) -> Vec<&str> {
    audit["findings"].as_array().unwrap().iter().map(|finding| text(finding, "/kind")).collect()
}

/// The same table with one product off by one.
fn flipped(table: &Table) -> Table {
    let mut flipped = table.clone();
    flipped.products[12_345] ^= 1;
    flipped
}

#[test]
fn closed_forms_are_recognized_in_every_file() {
    let folder = Folder::new();
    for (older, newer, product) in CLOSED_FORMS {
        let table = Table::signed(product);
        let files = [
            ("a.bin", table.i16_bin()),
            ("b.bin", table.i16_bin_by_pattern()),
            ("c.bin", table.i32_bin()),
            ("d.npy", table.npy()),
            ("e.csv", table.csv().into_bytes()),
            ("f.safetensors", table.native("somebody-s")),
        ];
        for (name, bytes) in files {
            folder.write(name, bytes);
            let audit = folder.json(&format!("lut info {name} --check"));
            assert_eq!(names(&audit), [(older, "master"), (newer, "v2022")], "{older} {name}");
        }
        folder.write("flipped.bin", flipped(&table).i16_bin());
        let audit = folder.run_to(1, "lut info flipped.bin --check --format json").json();
        assert_eq!((names(&audit), kinds(&audit)), (vec![], vec!["few-entries-differ"]), "{older}");
        // Under its name it is not the circuit either.
        folder.write(&format!("{older}.bin"), flipped(&table).i16_bin());
        let audit = folder.run_to(1, &format!("lut info {older}.bin --check --format json")).json();
        assert_eq!(kinds(&audit), ["not-the-circuit", "few-entries-differ"], "{older}");
    }
}

#[test]
fn a_conversion_stays_recognized() {
    let folder = Folder::new();
    let table = Table::signed(|a, b| 64 * (a >> 3) * (b >> 3));
    folder.write("start", table.i16_bin());
    let mut last = "start".to_owned();
    let steps = [
        ("a.h", ""),
        ("b.hex", ""),
        ("c.npy", "--output-format npy-i64"),
        ("d.csv", "--output-format csv-twos-complement"),
        ("e.txt", ""),
        ("f.bin", "--output-format bin-i32-twos-complement"),
        ("g.safetensors", ""),
        ("h.bin", "--output-format i64"),
    ];
    for (next, how) in steps {
        folder.run_to(0, &format!("lut convert {last} {next} {how}"));
        let audit = folder.json(&format!("lut info {next} --check"));
        assert_eq!(names(&audit), [("mul8s_1L1G", "master"), ("mul8s_1L2N", "v2022")], "{next}");
        last = next.to_owned();
    }
}

#[test]
fn published_figures_and_names_are_shown() {
    let folder = Folder::new();
    folder.write("mine.bin", Table::signed(|a, b| 2 * (a >> 1) * b).i16_bin());
    let info = folder.json("lut info mine.bin");
    for (field, published) in
        [("mae", 32.0), ("wce", 128.0), ("mre", 0.024), ("power_mw", 0.369), ("area_um2", 652.8), ("delay_ns", 1.37)]
    {
        assert_eq!(number(&info, &format!("/catalogue/{field}")), published, "{field}");
    }
    assert_eq!(text(&info, "/catalogue/design"), "operand-truncation-a1-b0-signed");
    let line = "EvoApproxLib mul8s_1KR8, release master; mul8s_1KVM, release v2022";
    let table = folder.run_to(0, "lut info mine.bin").words();
    assert!(table.contains(line) && table.contains("0.369 mW"), "{table}");
    let report = folder.run_to(0, "--lut mine.bin --limit 16").words();
    assert!(report.contains(line), "{report}");
    let csv = folder.run_to(0, "--lut mine.bin --limit 16 --format csv").csv();
    let at = csv[0].iter().position(|name| name == "catalogue").unwrap();
    assert_eq!(csv[1][at], line);
    assert_eq!(folder.json("lut info drum-4")["catalogue"], Value::Null);
    // With operands exchanged it is another table, and the circuit is said.
    let swapped = folder.json("lut info mine.bin --swap-operands --check");
    assert_eq!((&swapped["catalogue"]["exchanged"], names(&swapped).len()), (&json!(true), 2));
    assert!(text(&swapped, "/notes/0").contains("operands exchanged"), "{swapped:#}");
}

/// The table that two frameworks ship under this name is another.
#[test]
fn a_name_that_does_not_hold_is_said_in_every_report() {
    let folder = Folder::new();
    // Truncated toward zero, as a multiplier of magnitudes with its signs put back is.
    let other = Table::signed(|a, b| 4 * (a / 2) * (b / 2));
    let differ = (-128..=127).flat_map(|a| (-128..=127).map(move |b| (a, b)));
    let differ = differ.filter(|&(a, b)| other.product(a, b) != 4 * (a >> 1) * (b >> 1)).count().to_string();
    let (thousands, rest) = differ.split_at(differ.len() - 3);
    let message = format!(
        "the table named mul8s_1L2H is not EvoApproxLib's mul8s_1L2H ({thousands},{rest} entries differ from 4*(a>>1)*(b>>1))"
    );
    folder.write("mul8s_1L2H.bin", other.i16_bin());
    folder.write("table.safetensors", other.native("mul8s_1L2H"));
    folder.write("mul8s_1L2H_lut.csv", other.csv());
    let says = |run: &Run| {
        assert!(run.stderr.contains(" entries differ from 4*(a>>1)*(b>>1))"), "{run:?}");
        run.words().contains(" entries differ from 4*(a>>1)*(b>>1))") || run.words().contains("4\\*(a>>1)\\*(b>>1)")
    };
    for name in ["mul8s_1L2H.bin", "table.safetensors", "mul8s_1L2H_lut.csv"] {
        let audit = folder.run_to(1, &format!("lut info {name} --check --format json"));
        assert_eq!(kinds(&audit.json()), ["not-the-circuit"], "{name}");
        assert!(says(&audit), "{name}");
        assert_eq!(integer(&audit.json(), "/findings/0/difference/entries/entries").to_string(), differ, "{name}");
        for format in ["table", "json", "csv", "markdown"] {
            let run = folder.run_to(0, &format!("--lut {name} --limit 16 --format {format}"));
            assert!(says(&run), "{name} {format}: {}", run.stdout);
        }
    }
    let info = folder.run_to(0, "lut info mul8s_1L2H.bin");
    assert!(info.words().contains(&message), "{}", info.stdout);
    // What it really is, where that is known.
    folder.write("mul8u_17KS.bin", Table::unsigned(|a, b| a * b).u16_bin());
    let run = folder.run_to(1, "lut info mul8u_17KS.bin --check");
    assert!(run.words().contains("it is mul8u_1JFF, release master"), "{}", run.stdout);
}

#[test]
fn names_that_hold_or_claim_nothing_pass() {
    let folder = Folder::new();
    folder.run_to(0, "lut convert mul8s_1KV8@v2022 mul8s_1KV8.bin --output-format i16");
    folder.write("mul8s_1L2H-x.bin", Table::signed(|a, b| 4 * (a >> 1) * (b >> 1)).i16_bin());
    folder.write("mul8u_96D.bin", Table::unsigned(|a, b| (a * b) & !7).u16_bin());
    folder.write("mul8u_1JFF_faulty.bin", Table::unsigned(|a, b| (a * b) & !7).u16_bin());
    let cases = [
        ("mul8s_1KV8.bin", "in release master mul8s_1KV8 is another circuit"),
        ("mul8s_1L2H-x.bin", ""),
        ("mul8u_96D.bin", "mul8u_96D is a name in no release of EvoApproxLib"),
        ("mul8u_1JFF_faulty.bin", "has the name of EvoApproxLib's mul8u_1JFF, and not its products"),
    ];
    for_each_case(cases, |(name, note)| {
        let audit = folder.json(&format!("lut info {name} --check"));
        assert_eq!((kinds(&audit), &audit["warnings"]), (vec![], &json!([])), "{name}");
        match note {
            "" => assert_eq!(audit["notes"], json!([]), "{name}"),
            note => {
                assert!(text(&audit, "/notes/0").contains(note), "{name}: {audit:#}");
                assert!(folder.run_to(0, &format!("--lut {name} --limit 16")).words().contains(note), "{name}");
            }
        }
    });
    assert_eq!(names(&folder.json("lut info mul8s_1KV8.bin"))[1], ("mul8s_1KV8", "v2022"));
}

#[test]
fn circuits_are_taken_by_name_where_a_design_computes_them() {
    let folder = Folder::new();
    for (older, newer, product) in CLOSED_FORMS {
        folder.write("own.bin", Table::signed(product).i16_bin());
        folder.run_to(0, &format!("lut convert {newer} made.bin --output-format i16"));
        assert!(folder.read("made.bin") == folder.read("own.bin"), "{older}");
    }
    let report = folder.json("--lut mul8s_1L2H --limit 16");
    assert_eq!(
        (text(&report, "/lut/name"), text(&report, "/lut/design")),
        ("mul8s_1L2H", "array multiplier of truncated operands")
    );
    assert!(text(&report, "/lut/source").contains("`operand-truncation-a1-b1-signed`"), "{report:#}");
    let logits = folder.logits("--lut operand-truncation-a1-b1-signed --limit 16");
    assert_eq!(folder.logits("--lut 1L2H --limit 16"), logits);
    assert_eq!(folder.logits("--limit 16 --lut exact-signed --set *:lut=mul8s_1L2H"), logits);
    // Generated files have the figures for whoever reads them.
    folder.run_to(0, "lut gen mul8s_1L2D");
    let info = folder.json("lut info mul8s_1L2D.safetensors --check");
    assert_eq!(["power", "area", "delay"].map(|key| number(&info, &format!("/{key}"))), [0.2, 411.6, 1.14]);
}

#[test]
fn circuits_that_need_their_file_say_so() {
    let folder = Folder::new();
    for args in ["lut info mul8u_17KS", "--lut mul8u_17KS", "lut gen mul8u_17KS", "lut convert 17KS t.npy"] {
        folder.refuses(args, &["mul8u_17KS", "download", "mul8u_1JFF (MAE 0)"]);
    }
    folder.refuses("--lut mul8u_17KX", &["mul8u_17KX", "no release", "mul8u_17KS"]);
    folder.refuses("--lut mul8u_17KS.bin", &["no file mul8u_17KS.bin"]);
    folder.refuses("--lut mul16s_G80", &["mul16s_G80", "at most 8"]);
}

#[test]
fn the_catalogue_is_searched_by_error_and_power() {
    let folder = Folder::new();
    let search = |args: &str| folder.json(&format!("lut list --catalogue {args}"));
    let found = |list: &Value| {
        let circuits = list["circuits"].as_array().unwrap();
        circuits.iter().map(|circuit| text(circuit, "/name").to_owned()).collect::<Vec<_>>()
    };
    // Every name of every release is there once.
    let all = search("");
    let count = |circuit: &Value| 1 + circuit["also"].as_array().unwrap().len();
    assert_eq!(all["circuits"].as_array().unwrap().iter().map(count).sum::<usize>(), 673);
    let cases = [
        (
            "--signed --bits 8 --max-mae 40 --release master --sort mae",
            vec!["mul8s_1KV8", "mul8s_1KVA", "mul8s_1KVB", "mul8s_1KX2", "mul8s_1KR8", "mul8s_1KR6", "mul8s_1KRC"],
        ),
        ("--signed --bits 8x8 --max-power 0.2 --sort power", vec!["mul8s_1KR3", "mul8s_1L1G", "mul8s_1L2D"]),
        ("1KV* --release v2022 --sort name", vec![]),
        ("mul8u_17 --max-mre 0.11", vec!["mul8u_17KS"]),
    ];
    for_each_case(cases, |(args, expected)| {
        let list = search(args);
        if !expected.is_empty() {
            assert_eq!(found(&list), expected, "{args}");
        }
        assert!(found(&list).iter().all(|name| name.contains("1KV") || !args.starts_with("1KV")), "{args}");
    });
    let list = search("17KS");
    assert_eq!(list["circuits"][0]["also"], json!([{ "name": "mul8u_17C8", "release": "v2022" }]));
    assert_eq!(number(&list, "/circuits/0/power_mw"), 0.104);
    for circuit in search("--makeable")["circuits"].as_array().unwrap() {
        let (name, design) = (text(circuit, "/name"), text(circuit, "/design"));
        assert_eq!(names(&folder.json(&format!("lut info {design}")))[0].0, name);
    }
    folder.refuses("lut list --catalogue --max-power 0 --max-mae 0 --signed --bits 8", &["no circuit"]);
    folder.refuses("lut list --catalogue --bits 8x", &["--bits", "8x4"]);
    folder.refuses("lut list --catalogue --max-mae=-1", &["--max-mae", "at least 0"]);
    assert!(folder.refuses("lut list --max-mae 3", &[]).stderr.contains("--catalogue"));
}

#[test]
fn the_search_in_every_format_fits_a_terminal() {
    let folder = Folder::new();
    let table = folder.run_to(0, "lut list --catalogue").stdout;
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    for part in ["mul8u_17KS", "mul8u_17C8", "release", "MAE", "mW", "operand-truncation-a1-b1-signed"] {
        assert!(table.contains(part), "{part}");
    }
    let rows = folder.run_to(0, "lut list --catalogue 1L2H --format csv").csv();
    let field = |name: &str| rows[1][rows[0].iter().position(|column| column == name).unwrap()].as_str();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        ["name", "also", "power_mw", "design"].map(field),
        ["mul8s_1L2H", "mul8s_1L2J (v2022)", "0.301", "operand-truncation-a1-b1-signed"]
    );
    assert!(
        folder
            .run_to(0, "lut list --catalogue 1L2H --format markdown")
            .stdout
            .contains("| mul8s_1L2H | master | mul8s_1L2J |")
    );
}

#[test]
fn findings_of_the_audit_by_themselves() {
    let folder = Folder::new();
    let few = Table::unsigned(|a, b| if (a, b) == (255, 255) { 64_770 } else { a * b });
    folder.write("few.bin", few.u16_bin());
    let zeroed = |a: i32| if a == -128 { 0 } else { a };
    folder.write("row.bin", Table::signed(|a, b| 8 * (zeroed(a) * b / 8)).i16_bin());
    let turned = Table::signed(|a, b| if (a * b).abs() >= 12_288 { -(a * b) } else { a * b / 8 * 8 });
    folder.write("signs.bin", turned.i16_bin());
    let cases = [
        ("few.bin", "few-entries-differ", "[255][255] is 64770, expected 65025"),
        ("row.bin", "operand-far-worse", "first operand -128"),
        ("signs.bin", "wrong-signs", "[-128][-128] is -16384, expected 16384"),
    ];
    for_each_case(cases, |(name, kind, message)| {
        let audit = folder.run_to(1, &format!("lut info {name} --check --format json")).json();
        assert_eq!(kinds(&audit), [kind], "{name}");
        let table = folder.run_to(0, &format!("lut info {name}")).words();
        assert!(table.contains("FAILED") && table.contains(message), "{table}");
    });
}

/// The commands of the page on multipliers.
#[cfg(unix)]
#[test]
fn documented_commands_run() {
    let folder = Folder::new();
    let documented = blocks(&of_the_project("docs/multipliers.md"), "sh");
    let commands: Vec<&str> = documented.iter().flat_map(|block| block.lines()).collect();
    assert!(commands.iter().any(|line| line.contains("--catalogue")), "{commands:?}");
    for line in commands {
        let output = folder.shell(line).output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty(), "{line}: {output:?}");
    }
}

/// Fifteen of the sixteen tables that tf-approximate ships.
#[test]
fn published_tables_are_recognized_by_content() {
    let Some(cases) = cases() else { return };
    let folder = Folder::new();
    for file in cases.join("luts").read_dir().unwrap().map(|file| file.unwrap().path()) {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let bytes = std::fs::read(&file).unwrap();
        folder.write("nameless", &bytes);
        let known = folder.json("lut info nameless --check");
        folder.run_to(0, &format!("lut info {} --check", file.display()));
        assert_eq!(
            names(&known).iter().any(|(known, release)| *known == name && *release == "master"),
            name != "mul8u_96D",
            "{name}"
        );
        if name == "mul8u_17KS" {
            assert_eq!(names(&known), [("mul8u_17KS", "master"), ("mul8u_17C8", "v2022")]);
            let mut flipped = bytes.clone();
            flipped[40_000] ^= 1;
            folder.write("flipped", &flipped);
            folder.write("mul8u_17KS.bin", &flipped);
            assert!(names(&folder.json("lut info flipped --check")).is_empty());
            let audit = folder.run_to(1, "lut info mul8u_17KS.bin --check");
            assert!(
                audit.words().contains("is not EvoApproxLib's mul8u_17KS")
                    && audit.stderr.contains("its products differ"),
                "{audit:?}"
            );
        }
    }
}
