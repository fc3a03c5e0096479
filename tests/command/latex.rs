//! LaTeX, taken apart by TeX's own rules; and compiled where there is a TeX.

use crate::common::Folder;
use crate::common::files::Table;
use crate::common::network::{TINY, Tiny};
use std::process::{Command, Stdio};

/// The rows of each `tabular`, cell by cell, and its column alignments. A cell ends at an `&` that no backslash
/// escapes.
fn tables(tex: &str) -> Vec<(String, Vec<Vec<String>>)> {
    let bodies = tex.split("\\begin{tabular}{@{}").skip(1).map(|rest| rest.split("\\end{tabular}").next().unwrap());
    let table = |body: &str| {
        let (alignments, rows) = body.split_once("@{}}\n").unwrap();
        assert!(rows.starts_with("\\toprule\n") && rows.ends_with("\\bottomrule\n"), "{rows}");
        let is_rule = |line: &&str| ["\\toprule", "\\midrule", "\\bottomrule"].contains(line);
        let rows = rows.lines().filter(|line| !is_rule(line)).map(|line| {
            let line = line.strip_suffix(" \\\\").unwrap_or_else(|| panic!("no row: {line}"));
            line.split(" & ").map(str::to_owned).collect()
        });
        (alignments.to_owned(), rows.collect())
    };
    bodies.map(table).collect()
}

fn reports() -> Folder {
    let (_, folder) = Tiny::folder(320);
    folder.write("a.safetensors", Table::unsigned(|a, b| a * b).native("my_mul{8}%#&~^\\ [x] $1"));
    folder.run_to(0, &format!("{TINY} --mode base -o base.json --predictions base.csv"));
    folder.run_to(
        0,
        &format!("{TINY} --lut a.safetensors --compare quant --layer-errors -o r.tex -o r.json --predictions r.csv"),
    );
    folder
}

#[test]
fn tables_are_those_of_booktabs() {
    let folder = reports();
    let tex = String::from_utf8(folder.read("r.tex")).unwrap();
    let found = tables(&tex);
    let [(pairs, rows), (_, comparisons), parts @ ..] = found.as_slice() else { panic!("{tex}") };
    assert!(pairs.starts_with('l') && rows.iter().all(|row| row.len() == 2), "{tex}");
    assert_eq!(comparisons.len(), 2);
    // A letter a column; numbers are set to the right. The names stand in each part of a wide table.
    assert!(!parts.is_empty());
    for (layers, layer_rows) in parts {
        assert_eq!(layers.len(), layer_rows[0].len(), "{layers}: {layer_rows:?}");
        assert_eq!((layer_rows.len(), layer_rows[0][0].as_str()), (1 + 5, "layer"));
        for (alignment, name) in layers.chars().zip(&layer_rows[0]) {
            let is_text = ["layer", "kind", "multiplier", "weight", "output"].contains(&name.as_str());
            assert_eq!(alignment, if is_text { 'l' } else { 'r' }, "{name}");
        }
    }
    // What is the same in all layers stands above.
    let name = "my\\_mul\\{8\\}\\%\\#\\&\\textasciitilde{}\\textasciicircum{}\\textbackslash{} [x] \\$1";
    assert!(rows.iter().any(|row| row[0] == "multiplier" && row[1].contains(name)), "{rows:?}");
    assert!(
        tex.starts_with("% Needs \\usepackage{booktabs}") && tex.contains("\\caption{") && tex.contains("\\label{tab:")
    );
}

#[test]
fn documents_compile() {
    if Command::new("pdflatex").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: there is no pdflatex");
        return;
    }
    let folder = reports();
    for (i, args) in
        ["compare base.json r.json", "lut info r4abm1-8", "lut list drum", "model info lenet5"].iter().enumerate()
    {
        let tex = folder.run_to(0, &format!("{args} --format latex")).stdout;
        folder.write(&format!("t{i}.tex"), tex);
    }
    let inputs: String =
        ["r", "t0", "t1", "t2", "t3"].iter().map(|name| format!("\\input{{{name}}}\\clearpage\n")).collect();
    folder.write(
        "all.tex",
        format!(
            "\\documentclass{{article}}\n\\usepackage{{booktabs}}\n\\begin{{document}}\n{inputs}\\end{{document}}\n"
        ),
    );
    let output = Command::new("pdflatex")
        .args(["-interaction=nonstopmode", "-halt-on-error", "all.tex"])
        .current_dir(folder.path(""))
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{log}");
    // Names of files and tables may be of one long word; tables of columns fit.
    let layers = String::from_utf8(folder.read("r.tex")).unwrap();
    assert!(layers.contains("\\footnotesize"), "{layers}");
}
