//! `lut list`, and what it says of `luts/`.

use crate::common::{Folder, integer, number, text};
use serde_json::Value;
use std::path::Path;

fn names(list: &Value) -> Vec<&str> {
    list["luts"].as_array().unwrap().iter().map(|lut| text(lut, "/name")).collect()
}

#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn the_list_in_every_format() {
    let folder = Folder::new();
    let list = folder.json("lut list");
    let luts = list["luts"].as_array().unwrap();
    for name in ["exact", "exact-signed", "drum-4", "mitchell", "udm", "truncated-4", "tosam-h2-t3", "r4abm2-11"] {
        assert!(names(&list).contains(&name), "{name}: {:?}", names(&list));
    }
    assert!(list["shipped"].as_array().unwrap().iter().all(|name| names(&list).contains(&name.as_str().unwrap())));
    // Each can be named, and is what the list says.
    for lut in luts.iter().step_by(41) {
        let info = folder.json(&format!("lut info {}", text(lut, "/name")));
        lut.as_object().unwrap().iter().for_each(|(key, value)| assert_eq!(&info[key], value, "{key}"));
    }
    let rows = folder.run_to(0, "lut list --format csv").csv();
    let listed: Vec<&str> = rows[1..].iter().map(|row| row[0].as_str()).collect();
    assert_eq!(listed, names(&list));
    let table = folder.run_to(0, "lut list").stdout;
    assert!(names(&list).iter().all(|name| table.contains(name)), "{table}");
    for column in ["operands", "MAE", "WCE", "MRE", "energy"] {
        assert!(table.contains(column), "{column}");
    }
}

#[test]
fn a_list_can_be_cut_down() {
    let folder = Folder::new();
    let drums: Vec<String> = (3..=7).flat_map(|k| [format!("drum-{k}"), format!("drum-{k}-signed")]).collect();
    assert_eq!(names(&folder.json("lut list drum")), drums);
    let shipped = folder.json("lut list --shipped");
    let mut files: Vec<String> = luts().into_iter().map(|(name, _)| name).collect();
    let mut listed = names(&shipped);
    files.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, files);
    folder.refuses("lut list drumm", &["drumm"]);
}

/// The files of `luts/`, by the multiplier's name.
fn luts() -> Vec<(String, Vec<u8>)> {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("luts").read_dir().unwrap();
    let files = files.map(|file| file.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
    let read = |path: std::path::PathBuf| {
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap())
    };
    files.map(read).collect()
}

/// The command that `luts/README.md` names makes what is committed, and its table says what it is.
#[test]
fn luts_are_what_the_command_makes() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("luts/README.md")).unwrap();
    let command = readme.lines().find(|line| line.starts_with("approx-eval ")).expect("the README names the command");
    let folder = Folder::new();
    let args = command.strip_prefix("approx-eval ").unwrap();
    let written = folder.json(args);
    let luts = luts();
    assert_eq!(written["files"].as_array().unwrap().len(), luts.len());
    for (name, bytes) in &luts {
        assert!(folder.read(&format!("luts/{name}.safetensors")) == *bytes, "luts/{name}.safetensors is another");
    }
    let row = |file: &Value| {
        let lut = &file["luts"][0];
        let (mae, mre) = (number(lut, "/mae"), 100.0 * number(lut, "/mre"));
        format!("| {} | {mae:.2} | {} | {mre:.2} % |", text(lut, "/name"), integer(lut, "/wce"))
    };
    let rows: Vec<String> = written["files"].as_array().unwrap().iter().map(row).collect();
    let table: Vec<&str> =
        readme.lines().filter(|line| line.starts_with("| ") && !line.contains("---")).skip(1).collect();
    assert_eq!(table, rows);
}

#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn the_page_on_multipliers_has_every_family() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/multipliers.md")).unwrap();
    let list = Folder::new().json("lut list");
    for family in list["families"].as_array().unwrap() {
        assert!(page.contains(&format!("`{}`", text(family, "/form"))), "{family:#}");
    }
}
