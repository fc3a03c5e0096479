//! docs/dependencies.md names every crate that Cargo.toml names, with its version and what brings it.

use crate::common::markdown::{of_the_project, table};
use std::collections::{BTreeMap, BTreeSet};

/// Lines of a section of Cargo.toml, `[dependencies]`, without comments.
fn section(header: &str) -> Vec<String> {
    let manifest = of_the_project("Cargo.toml");
    let lines = manifest.lines().skip_while(|line| *line != header).skip(1).take_while(|line| !line.starts_with('['));
    let lines: Vec<String> = lines.filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    assert!(!lines.is_empty(), "no {header}");
    lines
}

/// Dependencies of a section, each a line: name, version, and whether it is optional.
fn dependencies(header: &str) -> Vec<(String, String, bool)> {
    let lines = section(header);
    let dependency = |line: &String| {
        let (name, value) = line.split_once(" = ")?;
        let version = value.split_once("version = ").map_or(value, |(_, version)| version);
        Some((name.to_owned(), version.split('"').nth(1)?.to_owned(), value.contains("optional = true")))
    };
    lines.iter().filter(|line| !line.is_empty()).map(|line| dependency(line).expect("a line a crate")).collect()
}

/// Features with what each is made of.
fn features() -> Vec<(String, String)> {
    let lines = section("[features]");
    let (text, mut found) = (lines.concat(), Vec::new());
    for feature in text.split(']').filter(|feature| !feature.trim().is_empty()) {
        let (name, parts) = feature.split_once(" = [").expect("a feature");
        found.push((name.trim().to_owned(), parts.to_owned()));
    }
    found
}

/// The feature that has a crate of its own: the one that names it with `dep:`.
fn feature_of(dependency: &str) -> String {
    let found = features().into_iter().find(|(_, parts)| parts.contains(&format!("\"dep:{dependency}\"")));
    found.unwrap_or_else(|| panic!("no feature has {dependency}")).0
}

/// The rows of a table of the page, fields without their back quotes.
fn rows(header: &str) -> Vec<Vec<String>> {
    let rows = table(&of_the_project("docs/dependencies.md"), header);
    rows.into_iter().map(|row| row.iter().map(|field| field.replace('`', "")).collect()).collect()
}

#[test]
fn every_dependency_has_its_reason() {
    let all = ["[dependencies]", "[target.'cfg(unix)'.dependencies]"].map(dependencies).concat();
    let expected: BTreeSet<[String; 3]> = all
        .into_iter()
        .map(|(name, version, is_optional)| {
            let feature = if is_optional { feature_of(&name) } else { String::new() };
            [name, version, feature]
        })
        .collect();
    let rows = rows("crate");
    assert!(rows.iter().all(|row| row.len() == 5 && !row[2].is_empty() && row[4].len() > 5), "{rows:?}");
    let stated: BTreeSet<[String; 3]> =
        rows.iter().map(|row| [row[0].clone(), row[1].clone(), row[3].clone()]).collect();
    assert_eq!(stated, expected);
}

#[test]
fn every_tool_has_its_reason() {
    let expected = dependencies("[dev-dependencies]").into_iter().map(|(name, version, _)| (name, version));
    let rows = rows("tool");
    assert!(rows.iter().all(|row| row.len() == 4 && row[3].len() > 5), "{rows:?}");
    let stated: BTreeMap<String, String> = rows.iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(stated, expected.collect());
}

#[test]
fn every_feature_is_explained() {
    let expected: BTreeSet<String> = features().into_iter().map(|(name, _)| name).collect();
    let stated = rows("feature").into_iter().map(|row| row[0].replace(" (default)", ""));
    assert_eq!(stated.chain(["default".to_owned()]).collect::<BTreeSet<_>>(), expected);
}
