//! Folders of layers: their names, made safe for any file system.

use std::collections::BTreeSet;

/// The most characters of a layer's name that are kept.
const LONGEST: usize = 100;

/// Names that Windows takes for devices.
const DEVICES: &[&str] = &["aux", "con", "nul", "prn"];

/// Gives each layer a folder of its own.
#[derive(Debug, Default)]
pub(super) struct FolderNames(BTreeSet<String>);

impl FolderNames {
    /// A folder that is not one of these files.
    pub fn beside(files: &[&str]) -> Self {
        FolderNames(files.iter().map(|&name| name.to_owned()).collect())
    }

    /// The folder of the layer called `name`: letters, digits, `.`, `_` and `-` stay, others become `_`. No two differ
    /// in the case of letters alone.
    pub fn folder(&mut self, name: &str) -> String {
        let safe = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
        let mut folder: String = name.chars().map(safe).take(LONGEST).collect();
        let stem = folder.split('.').next().unwrap_or_default().to_ascii_lowercase();
        let is_device = DEVICES.contains(&stem.as_str())
            || ["com", "lpt"].iter().any(|port| stem.strip_prefix(port).is_some_and(|rest| rest.len() == 1));
        if folder.starts_with('.') || folder.is_empty() || is_device {
            folder.insert(0, '_');
        }
        if folder.ends_with('.') {
            folder.push('_');
        }
        let numbered = |count: usize| if count == 1 { folder.clone() } else { format!("{folder}-{count}") };
        let free = (1..=self.0.len() + 1).map(numbered).find(|name| !self.0.contains(&name.to_ascii_lowercase()));
        let free = free.expect("one number more than names is free");
        self.0.insert(free.to_ascii_lowercase());
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_safe_and_unique() {
        let names = [
            ("layer1.0.conv1", "layer1.0.conv1"),
            ("Layer1.0.conv1", "Layer1.0.conv1-2"),
            ("a/b", "a_b"),
            ("a\\b", "a_b-2"),
            ("a b", "a_b-3"),
            ("..", "_.._"),
            ("", "_"),
            ("../../etc/passwd", "_.._.._etc_passwd"),
            ("aux.0", "_aux.0"),
            ("COM1", "_COM1"),
            ("common", "common"),
            ("index.json", "index.json-2"),
            ("Gewicht\u{fc}\n", "Gewicht__"),
        ];
        let mut folders = FolderNames::beside(&["index.json"]);
        for (name, expected) in names {
            assert_eq!(folders.folder(name), expected);
        }
        assert_eq!(folders.folder(&"x".repeat(300)).len(), LONGEST);
        assert_eq!(folders.folder(&"x".repeat(301)).len(), LONGEST + 2);
    }
}
