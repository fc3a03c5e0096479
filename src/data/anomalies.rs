//! Mapping a dataset's classes to normal and anomalous.
//!
//! Sets for such networks label normal samples 0 and anomalous ones 1, or lie in folders of which one
//! is of normal samples and every other of a kind of anomaly, as MVTec AD's `good`, `broken`, `bent`.

use super::{DataError, Dataset};

/// The names of folders of normal samples, in lower case.
const NORMAL: [&str; 3] = ["normal", "good", "ok"];

/// The names of labels 0 and 1.
const NAMES: [&str; 2] = ["normal", "anomalous"];

impl Dataset {
    /// Sets labels to 0 for normal samples and 1 for anomalous ones, and names the classes accordingly.
    ///
    /// # Errors
    /// When the dataset has class names of which not exactly one is `normal`, `good` or `ok`; when it has
    /// none, and a label is neither 0 nor 1.
    pub fn match_anomalies(&mut self) -> Result<(), DataError> {
        if let Some(names) = &self.class_names {
            self.check_labels(names.len())?;
            let by_number = names == &["0", "1"];
            let is_normal = |name: &String| NORMAL.contains(&name.to_lowercase().as_str()) || by_number && name == "0";
            let normal: Vec<bool> = names.iter().map(is_normal).collect();
            if normal.iter().filter(|is_normal| **is_normal).count() != 1 {
                let (dataset, found) = (self.name().to_owned(), names.join(", "));
                return Err(DataError::Normal { dataset, found, expected: NORMAL.join(", ") });
            }
            self.labels.iter_mut().for_each(|label| *label = u32::from(!normal[*label as usize]));
        }
        self.check_labels(NAMES.len())?;
        self.class_names = Some(NAMES.map(str::to_owned).to_vec());
        Ok(())
    }
}
