//! docs/dependencies.md names every crate that Cargo.toml names, with its version and what brings it.

use crate::common::markdown::{of_the_project, table};
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

fn manifest() -> Table {
    of_the_project("Cargo.toml").parse().unwrap()
}

/// Names of the dependencies of a table of the manifest, with the version that each asks for and whether it is optional.
fn dependencies(table: &Value) -> BTreeMap<String, (String, bool)> {
    let entry = |(name, value): (&String, &Value)| {
        let version = value.as_str().or_else(|| value.get("version")?.as_str()).expect("a version");
        let is_optional = value.get("optional").is_some_and(|optional| optional.as_bool() == Some(true));
        (name.clone(), (version.to_owned(), is_optional))
    };
    table.as_table().unwrap().iter().map(entry).collect()
}

/// The feature that has a crate of its own: the one that names it with `dep:`.
fn feature(manifest: &Table, dependency: &str) -> String {
    let features = manifest["features"].as_table().unwrap();
    let brings = |(_, parts): &(&String, &Value)| {
        parts.as_array().unwrap().iter().any(|part| part.as_str() == Some(&format!("dep:{dependency}")))
    };
    features.iter().find(brings).unwrap_or_else(|| panic!("no feature has {dependency}")).0.clone()
}

/// The rows of a table of the page, fields without their back quotes.
fn rows(header: &str) -> Vec<Vec<String>> {
    let rows = table(&of_the_project("docs/dependencies.md"), header);
    rows.into_iter().map(|row| row.iter().map(|field| field.replace('`', "")).collect()).collect()
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = manifest();
    let mut expected = dependencies(&manifest["dependencies"]);
    for platform in manifest["target"].as_table().unwrap().values() {
        expected.extend(dependencies(&platform["dependencies"]));
    }
    let expected: BTreeSet<Vec<String>> = expected
        .into_iter()
        .map(|(name, (version, is_optional))| {
            let feature = if is_optional { feature(&manifest, &name) } else { String::new() };
            vec![name, version, feature]
        })
        .collect();
    let rows = rows("crate");
    assert!(rows.iter().all(|row| row.len() == 5 && !row[2].is_empty() && row[4].len() > 5), "{rows:?}");
    let stated: BTreeSet<Vec<String>> =
        rows.iter().map(|row| vec![row[0].clone(), row[1].clone(), row[3].clone()]).collect();
    assert_eq!(stated, expected);
}

#[test]
fn every_tool_has_its_reason() {
    let expected: BTreeMap<String, String> = dependencies(&manifest()["dev-dependencies"])
        .into_iter()
        .map(|(name, (version, _))| (name, version))
        .collect();
    let rows = rows("tool");
    assert!(rows.iter().all(|row| row.len() == 4 && row[3].len() > 5), "{rows:?}");
    let stated: BTreeMap<String, String> = rows.iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(stated, expected);
}

#[test]
fn every_feature_is_explained() {
    let manifest = manifest();
    let expected: BTreeSet<&String> = manifest["features"].as_table().unwrap().keys().collect();
    let rows = rows("feature");
    let stated: BTreeSet<String> = rows.iter().map(|row| row[0].replace(" (default)", "")).collect();
    assert!(expected.iter().all(|feature| *feature == "default" || stated.contains(*feature)), "{stated:?}");
    assert_eq!(stated.len() + 1, expected.len(), "{stated:?}");
}
