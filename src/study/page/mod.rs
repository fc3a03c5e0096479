//! A study's folders as the page that shows them.
//!
//! Journals are read once: every finished job becomes a row, and what all rows of a network have in common becomes the
//! network. Then drops are measured from each network's baseline, and [`mix`] finds the multiplier of each layer. Tables
//! are opened again for their heat maps where that is possible, and JSON documents beside the journals are shown too.

mod baseline;
mod build;
mod documents;
mod error;
mod folder;
mod heat_map;
pub mod mix;
mod read;
mod settings;
#[cfg(test)]
mod tests;

pub use error::PageError;

use crate::report::html::StudyPage;
use std::path::PathBuf;

/// What a page is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct PageOptions {
    /// Folders of one study: several where it was run in shards.
    pub folders: Vec<PathBuf>,
    /// What stands above the page; `None` for the folders' names.
    pub title: Option<String>,
    /// The drop of the metric that the page opens with, a fraction.
    pub bound: f64,
}

/// Reads the study in `options.folders`.
///
/// # Errors
/// When a folder has no journal and no document, a journal is not one, or two results of a job differ.
pub fn read(options: &PageOptions) -> Result<StudyPage, PageError> {
    let study = folder::read(&options.folders)?;
    let mut page = build::page(study, options.bound);
    page.title = options.title.clone().unwrap_or_else(|| title(&options.folders));
    page.sources = options.folders.iter().map(|folder| folder.display().to_string()).collect();
    Ok(page)
}

/// The names of the folders.
fn title(folders: &[PathBuf]) -> String {
    let name = |folder: &PathBuf| {
        let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
        whole.file_name().map_or_else(|| "study".to_owned(), |name| name.to_string_lossy().into_owned())
    };
    folders.iter().map(name).collect::<Vec<_>>().join(", ")
}
