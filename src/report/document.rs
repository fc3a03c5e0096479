//! Documents, as formats see them.

/// Something to be shown in any format.
pub trait Document {
    /// All of it, for programs.
    fn json(&self) -> serde_json::Value;

    /// What people want to see of it.
    fn sections(&self) -> Vec<Section>;

    /// Its records, for spreadsheets.
    fn records(&self) -> Records;

    /// What it is, in a line.
    fn title(&self) -> String {
        env!("CARGO_PKG_NAME").to_owned()
    }

    /// What it judges, for test systems.
    fn checks(&self) -> Vec<Check> {
        Vec::new()
    }
}

/// A judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was judged.
    pub name: String,
    /// What was found and what was asked for, in a line.
    pub summary: String,
    /// Whether it held.
    pub passed: bool,
}

/// A table for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// What stands above it.
    pub title: Option<String>,
    /// Names of the columns; none for a table of pairs.
    pub header: Vec<String>,
    /// Cells.
    pub rows: Vec<Vec<String>>,
    /// Columns of numbers, which are set to the right.
    pub numeric: Vec<usize>,
}

impl Section {
    /// A table of names and what they stand for.
    pub fn pairs(rows: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Section {
            rows: rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect(),
            ..Section::default()
        }
    }
}

/// Records of named fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records {
    /// Names of the fields.
    pub header: Vec<String>,
    /// One entry a field, empty for none.
    pub rows: Vec<Vec<String>>,
}

impl Records {
    /// A single record.
    pub fn one(fields: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let (header, row): (Vec<_>, Vec<_>) = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).unzip();
        Records { header, rows: vec![row] }
    }
}

/// An integer with its digits in groups of three.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let first = digits.len() % 3;
    let mut grouped = digits[..first].to_owned();
    for start in (first..digits.len()).step_by(3) {
        if !grouped.is_empty() {
            grouped.push(',');
        }
        grouped.push_str(&digits[start..start + 3]);
    }
    grouped
}

/// Dimensions as people write them.
pub(super) fn shape(dims: &[usize]) -> String {
    dims.iter().map(ToString::to_string).collect::<Vec<_>>().join("x")
}

/// A number with about `digits` significant ones.
pub(super) fn significant(x: f64, digits: usize) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let magnitude = x.abs().log10().floor() as i32;
    let decimals = digits as i32 - 1 - magnitude;
    if (-3..=12).contains(&magnitude) || x.abs() < 1.0 && magnitude >= -3 {
        format!("{x:.*}", decimals.max(0) as usize)
    } else {
        format!("{x:.*e}", digits - 1)
    }
}

/// A fraction in per cent.
pub(super) fn percent(fraction: f64) -> String {
    format!("{:.2} %", fraction * 100.0)
}

/// A difference of fractions in per cent, with its sign.
pub(super) fn signed_percent(difference: f64) -> String {
    format!("{:+.2} %", difference * 100.0)
}

/// An optional field.
pub(super) fn optional<T: ToString>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (61_706, "61,706"), (1_814_073_344, "1,814,073,344")];
        for (n, text) in cases {
            assert_eq!(grouped(n), text);
        }
        let cases = [(0.0, "0"), (24.5, "24.500"), (0.012_519, "0.012519"), (1577.0, "1577.0"), (1e-9, "1.0000e-9")];
        for (x, text) in cases {
            assert_eq!(significant(x, 5), text);
        }
    }
}
