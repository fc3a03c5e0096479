//! Files that were written of multipliers.

use super::super::document::{Document, Records, Section};
use super::{operands, records};
use crate::lut::LutInfo;
use crate::stats::{significant, significant_percent};
use serde::Serialize;

/// The files that a command wrote.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WrittenFiles {
    /// In the order in which they were written.
    pub files: Vec<WrittenFile>,
}

/// A file, and the multipliers that are in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WrittenFile {
    /// Its path.
    pub path: String,
    /// One, or as many as a plot shows.
    pub luts: Vec<LutInfo>,
}

impl WrittenFiles {
    /// Every file with each of its multipliers.
    fn pairs(&self) -> impl Iterator<Item = (&str, &LutInfo)> {
        self.files.iter().flat_map(|file| file.luts.iter().map(|lut| (file.path.as_str(), lut)))
    }
}

impl Document for WrittenFiles {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a list of files is JSON")
    }

    fn sections(&self) -> Vec<Section> {
        let row = |(path, lut): (&str, &LutInfo)| {
            vec![
                path.to_owned(),
                lut.name.clone(),
                operands(lut),
                significant(lut.errors.mae, 4),
                lut.errors.wce.to_string(),
                significant_percent(lut.errors.mre, 3),
            ]
        };
        vec![Section {
            header: ["written", "multiplier", "operands", "MAE", "WCE", "MRE"].map(str::to_owned).to_vec(),
            rows: self.pairs().map(row).collect(),
            numeric: vec![3, 4, 5],
            ..Section::default()
        }]
    }

    fn records(&self) -> Records {
        let Records { mut header, mut rows } = records(self.pairs().map(|(_, lut)| lut));
        header.insert(0, "path".to_owned());
        rows.iter_mut().zip(self.pairs()).for_each(|(row, (path, _))| row.insert(0, path.to_owned()));
        Records { header, rows }
    }
}
