//! The rooms of the house: what may import what. Reads the `use` lines of `src`, compiles nothing.
//!
//! Rooms are the modules of the crate's root. Each stands on a floor and imports only from lower ones;
//! within a room, no two files import each other. docs/architecture.md explains the order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the top floor down; those of one line do not import each other.
const FLOORS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["study"],
    &["report"],
    &["eval"],
    &["model"],
    &["task"],
    &["zoo", "import"],
    &["graph"],
    &["layer"],
    &["quant"],
    &["lut"],
    &["data", "kernel"],
    &["stats", "integer", "output", "figure"],
    &["registry", "input", "guard", "cleanup", "printable", "sabotage"],
];

/// A source file, as the module it is.
struct Source {
    /// `["data", "csv"]` for `src/data/csv.rs`; empty for `lib.rs`.
    module: Vec<String>,
    file: PathBuf,
    /// Paths of `use` declarations, each whole, and whether they are re-exports.
    uses: Vec<(Vec<String>, bool)>,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut files) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    // Tests stand outside the order: they may use anything.
    let is_test = |file: &PathBuf| file.iter().any(|part| part == "tests" || part == "tests.rs");
    files.retain(|file| !is_test(file));
    let source = |file: PathBuf| {
        let below = file.strip_prefix(&root).unwrap().with_extension("");
        let mut module: Vec<String> = below.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        if module.last().is_some_and(|last| last == "mod" || last == "lib") {
            module.pop();
        }
        let text = fs::read_to_string(&file).unwrap();
        Source { uses: uses(&text), module, file }
    };
    files.into_iter().map(source).collect()
}

/// The paths of all `use` declarations outside of `mod tests { .. }`.
fn uses(text: &str) -> Vec<(Vec<String>, bool)> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let line = &code[code[..at].rfind('\n').map_or(0, |newline| newline + 1)..at];
        let visibility = line.trim();
        if !(visibility.is_empty() || visibility.starts_with("pub")) || visibility.contains('"') {
            continue;
        }
        let declaration = code[at + 4..].split(';').next().unwrap();
        expand(declaration, &[], &mut |path| found.push((path, visibility.starts_with("pub"))));
    }
    found
}

/// Calls `found` with every path of `a::{b, c::{d, e as f}}` behind `prefix`.
fn expand(tree: &str, prefix: &[String], found: &mut dyn FnMut(Vec<String>)) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let name = tree.split(" as ").next().unwrap().trim();
        if !name.is_empty() {
            found(prefix.iter().cloned().chain(name.split("::").map(|part| part.trim().to_owned())).collect());
        }
        return;
    };
    let head = tree[..open].split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned);
    let prefix: Vec<String> = prefix.iter().cloned().chain(head).collect();
    let (mut depth, mut start) = (0, open + 1);
    for (at, character) in tree.char_indices().skip_while(|(at, _)| *at < open) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if (character == ',' && depth == 1) || (character == '}' && depth == 0) {
            expand(&tree[start..at], &prefix, found);
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
}

/// The crate's modules, and what each of them re-exports from where.
struct House {
    sources: Vec<Source>,
    places: BTreeMap<Vec<String>, usize>,
}

impl House {
    fn new() -> Self {
        let sources = sources();
        let places = sources.iter().enumerate().map(|(i, source)| (source.module.clone(), i)).collect();
        House { sources, places }
    }

    /// A path from the crate's root, if it leads into the crate.
    fn absolute(&self, source: &Source, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let mut base = source.module.clone();
        let mut rest = rest;
        match first.as_str() {
            "crate" => base.clear(),
            "self" => {}
            "super" => {
                base.pop();
                while let Some((_, tail)) = rest.split_first().filter(|(part, _)| *part == "super") {
                    base.pop();
                    rest = tail;
                }
            }
            child => {
                base.push(child.to_owned());
                // A child of this module, or another crate.
                self.places.get(&base)?;
            }
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    /// The file that has what `path`, from the crate's root, names: re-exports are followed.
    fn target(&self, path: &[String]) -> Option<usize> {
        let modules = (0..=path.len()).rev().find(|&n| self.places.contains_key(&path[..n]))?;
        let place = self.places[&path[..modules]];
        let Some(item) = path.get(modules) else { return Some(place) };
        let source = &self.sources[place];
        let reexported = source.uses.iter().filter(|(_, is_public)| *is_public).map(|(path, _)| path);
        let origin = reexported.filter(|path| path.last() == Some(item)).find_map(|path| {
            let path = self.absolute(source, path)?;
            (path[..path.len() - 1] != source.module).then(|| self.target(&path)).flatten()
        });
        origin.or(Some(place))
    }

    /// Which files each file imports from.
    fn imports(&self) -> Vec<BTreeSet<usize>> {
        let imports = |(i, source): (usize, &Source)| {
            let own = source.uses.iter().filter(|(_, is_public)| !is_public).map(|(path, _)| path);
            let targets = own.filter_map(|path| self.target(&self.absolute(source, path)?));
            targets.filter(|&target| target != i).collect()
        };
        self.sources.iter().enumerate().map(imports).collect()
    }

    fn name(&self, i: usize) -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        self.sources[i].file.strip_prefix(root).unwrap().display().to_string()
    }
}

fn floor(room: &str) -> usize {
    FLOORS.iter().position(|rooms| rooms.contains(&room)).unwrap_or_else(|| panic!("room '{room}' has no floor"))
}

#[test]
fn no_room_imports_upward() {
    let house = House::new();
    let mut wrong = Vec::new();
    for source in house.sources.iter().filter(|source| !source.module.is_empty()) {
        let own = &source.module[0];
        for path in source.uses.iter().filter_map(|(path, _)| house.absolute(source, path)) {
            let Some(room) = path.first().filter(|room| *room != own && floor(room) <= floor(own)) else { continue };
            wrong.push(format!("{} imports {}: '{room}' is not below '{own}'", source.file.display(), path.join("::")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_two_files_import_each_other() {
    let house = House::new();
    let imports = house.imports();
    assert!(imports.iter().map(BTreeSet::len).sum::<usize>() > 300, "the files' imports are found");
    let mut wrong = Vec::new();
    for (a, targets) in imports.iter().enumerate() {
        for &b in targets.iter().filter(|&&b| a < b && imports[b].contains(&a)) {
            wrong.push(format!("{} and {} import each other", house.name(a), house.name(b)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// No file is too long to be understood at a sitting.
#[test]
fn files_are_short() {
    const LONGEST: usize = 500;
    let house = House::new();
    let lines = |i: usize| fs::read_to_string(&house.sources[i].file).unwrap().lines().count();
    let long: Vec<String> = (0..house.sources.len()).filter(|&i| lines(i) > LONGEST).map(|i| house.name(i)).collect();
    assert!(long.is_empty(), "over {LONGEST} lines: {}", long.join(", "));
}

#[test]
fn declarations_are_read_whole() {
    let text = "use crate::a::{self, b::{C, D as E}};\npub use super::f::G;\n/// use nothing\nfn x() {}\n";
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    let expected = [
        (path("crate::a::self"), false),
        (path("crate::a::b::C"), false),
        (path("crate::a::b::D"), false),
        (path("super::f::G"), true),
    ];
    assert_eq!(uses(text), expected);
}
