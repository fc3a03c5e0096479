//! Files that a pattern of paths matches.

use super::{SelectError, glob, is_pattern};
use std::fs;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

/// The files whose paths match, in the order of their names; a star does not reach into folders.
pub fn matching(text: &str) -> Result<Vec<String>, SelectError> {
    let parts: Vec<&str> = text.split(std::path::is_separator).collect();
    let (last, folders) = parts.split_last().expect("a split has a part");
    let mut paths = vec![String::new()];
    for part in folders {
        paths = children(&paths, part, text, Path::is_dir)?.into_iter().map(|path| path + SEPARATOR).collect();
    }
    children(&paths, last, text, Path::is_file)
}

const SEPARATOR: &str = match MAIN_SEPARATOR {
    '\\' => "\\",
    _ => "/",
};

/// What matches `part` in the folders whose paths are `paths`, each with its separator behind it.
fn children(
    paths: &[String],
    part: &str,
    text: &str,
    is_wanted: fn(&Path) -> bool,
) -> Result<Vec<String>, SelectError> {
    if !is_pattern(part) {
        let joined = paths.iter().map(|path| format!("{path}{part}"));
        // An empty part is the root, or a separator too many.
        return Ok(joined.filter(|path| part.is_empty() || is_wanted(Path::new(path))).collect());
    }
    let glob = glob(part, text)?;
    let mut found = Vec::new();
    for path in paths {
        let folder = if path.is_empty() { Path::new(".") } else { Path::new(path) };
        let failed = |source| SelectError::Folder { path: PathBuf::from(folder), source };
        for entry in fs::read_dir(folder).map_err(failed)? {
            // Names that are no text cannot be typed either, and hidden files are asked for by their dot.
            let Ok(name) = entry.map_err(failed)?.file_name().into_string() else { continue };
            let is_shown = !name.starts_with('.') || part.starts_with('.');
            let child = format!("{path}{name}");
            if is_shown && glob.is_match(&name) && is_wanted(Path::new(&child)) {
                found.push(child);
            }
        }
    }
    found.sort();
    Ok(found)
}
