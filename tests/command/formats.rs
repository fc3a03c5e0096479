//! Markdown and JUnit, taken apart by rules of their own.

use crate::common::cases::for_each_case;
use crate::common::files::Table;
use crate::common::network::{TINY, Tiny};

/// The cells of a row of GitHub's table dialect: split at bars that no backslash escapes.
fn cells(row: &str) -> Vec<String> {
    let inner =
        row.strip_prefix("| ").and_then(|row| row.strip_suffix(" |")).unwrap_or_else(|| panic!("no row: {row}"));
    let (mut cells, mut escaped) = (vec![String::new()], false);
    for c in inner.chars() {
        match c {
            '\\' if !escaped => escaped = true,
            '|' if !escaped => cells.push(String::new()),
            c => {
                cells.last_mut().unwrap().push(c);
                escaped = false;
            }
        }
    }
    cells.into_iter().map(|cell| cell.trim().to_owned()).collect()
}

/// The tables of a Markdown text: header, delimiter row, rows.
fn tables(markdown: &str) -> Vec<Vec<Vec<String>>> {
    let blocks = markdown.split("\n\n").filter(|block| block.trim_start().starts_with('|'));
    blocks.map(|block| block.trim().lines().map(cells).collect()).collect()
}

#[test]
fn markdown_is_tables_of_equal_rows() {
    let (_, folder) = Tiny::folder(160);
    folder.write("a|b.safetensors", Table::unsigned(|a, b| a * b).native("my|mul*"));
    folder
        .command(TINY)
        .args(["--lut", "a|b.safetensors", "-o", "r.md", "--layer-errors", "--compare", "quant"])
        .assert()
        .success();
    let markdown = String::from_utf8(folder.read("r.md")).unwrap();
    let found = tables(&markdown);
    let [pairs, _, layers] = found.as_slice() else { panic!("{markdown}") };
    for table in &found {
        let columns = table[0].len();
        assert!(table.iter().all(|row| row.len() == columns), "{table:?}");
        assert!(table[1].iter().all(|cell| cell == "---" || cell == "---:"), "{table:?}");
    }
    assert_eq!(layers.len(), 2 + 5);
    let column = |name: &str| layers[0].iter().position(|cell| cell == name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(layers[2][column("multiplier")], "my|mul*");
    for name in ["products", "fan-in", "input scale", "zero point", "integers", "saturated", "SNR", "error std"] {
        column(name);
    }
    assert!(pairs.iter().any(|row| row[0] == "top-1"));
    // The same on standard output, and of every document.
    for args in [TINY, "lut info drum-4", "lut list drum", "model info lenet5", "model list"] {
        let printed = folder.run_to(0, &format!("{args} --format markdown")).stdout;
        assert!(printed.starts_with("### ") && printed.ends_with("|\n") && !tables(&printed).is_empty(), "{printed}");
    }
}

/// The value of an attribute of the first element called `tag`.
fn attribute<'a>(xml: &'a str, tag: &str, name: &str) -> &'a str {
    let start = xml.find(&format!("<{tag} ")).unwrap_or_else(|| panic!("no <{tag}>: {xml}"));
    let element = &xml[start..start + xml[start..].find('>').unwrap()];
    let value = element.split(&format!(" {name}=\"")).nth(1).unwrap_or_else(|| panic!("no {name} in {element}"));
    value.split('"').next().unwrap()
}

#[test]
fn junit_has_a_case_for_each_gate() {
    let (_, folder) = Tiny::folder(161);
    folder.run_to(0, &format!("{TINY} -o base.json --predictions base.csv"));
    let cases = [
        ("", 0, "1", "0"),
        ("--min-accuracy 0", 0, "2", "0"),
        ("--min-accuracy 1", 1, "2", "1"),
        ("--min-accuracy 1 --baseline base.json --max-drop 0 --alpha 0.05", 1, "4", "1"),
    ];
    for_each_case(cases, |(args, code, tests, failures)| {
        let xml = folder.run_to(code, &format!("{TINY} {args} --format junit -o r.xml")).stdout;
        assert_eq!(String::from_utf8(folder.read("r.xml")).unwrap().matches("<testcase ").count().to_string(), tests);
        for tag in ["testsuites", "testsuite"] {
            assert_eq!((attribute(&xml, tag, "tests"), attribute(&xml, tag, "failures")), (tests, failures), "{args}");
        }
        assert_eq!(xml.matches("<failure ").count().to_string(), failures, "{args}");
        assert_eq!(attribute(&xml, "testcase", "name"), "evaluation");
        assert!(xml.contains(r#"<property name="samples" value="10"/>"#), "{xml}");
    });
    let failed = folder.run_to(1, &format!("{TINY} --min-accuracy 1 --format junit")).stdout;
    assert!(attribute(&failed, "failure", "message").contains("is below the minimum 1.0000"), "{failed}");
}

#[test]
fn names_that_xml_forbids_are_escaped() {
    let (_, folder) = Tiny::folder(162);
    folder.write("lut.safetensors", Table::unsigned(|a, b| a * b).native("<a> & \"b\""));
    let xml = folder.run_to(0, &format!("{TINY} --lut lut.safetensors --format junit")).stdout;
    assert!(!xml.contains("<a>") && xml.contains("&lt;a"), "{xml}");
    assert_eq!(xml.matches('<').count(), xml.matches('>').count(), "{xml}");
}

#[test]
fn outputs_repeat_in_any_format() {
    let (_, folder) = Tiny::folder(163);
    folder.run_to(0, &format!("{TINY} -o a.json -o b.csv -o c.md -o d.xml -o e.txt -o f.markdown -o g.tex"));
    assert_eq!(folder.read("c.md"), folder.read("f.markdown"));
    assert!(folder.read("d.xml").starts_with(b"<?xml"));
    assert!(folder.read("g.tex").starts_with(b"% Needs \\usepackage{booktabs}"));
    assert_eq!(folder.read_json("a.json")["schema"], 1);
}
