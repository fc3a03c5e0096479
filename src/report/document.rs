//! Documents, as formats see them: JSON, sections of tables, and CSV records.

use crate::printable::printable;

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

    /// The conditions that it checks, for test systems.
    fn checks(&self) -> Vec<Check> {
        Vec::new()
    }
}

/// A document whose text can be shown: names that come from files have lost their control characters. All
/// formats see documents so; JSON has escapes of its own.
pub struct Printable<'a>(pub &'a dyn Document);

impl Document for Printable<'_> {
    fn json(&self) -> serde_json::Value {
        self.0.json()
    }

    fn sections(&self) -> Vec<Section> {
        let mut sections = self.0.sections();
        for Section { title, header, rows, .. } in &mut sections {
            title.iter_mut().chain(header).chain(rows.iter_mut().flatten()).for_each(clean);
        }
        sections
    }

    fn records(&self) -> Records {
        let mut records = self.0.records();
        records.header.iter_mut().chain(records.rows.iter_mut().flatten()).for_each(clean);
        records
    }

    fn title(&self) -> String {
        printable(&self.0.title()).into_owned()
    }

    fn checks(&self) -> Vec<Check> {
        let mut checks = self.0.checks();
        checks.iter_mut().flat_map(|check| [&mut check.name, &mut check.summary]).for_each(clean);
        checks
    }
}

fn clean(text: &mut String) {
    if let std::borrow::Cow::Owned(shown) = printable(text) {
        *text = shown;
    }
}

/// A condition that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The name of the condition.
    pub name: String,
    /// What was found and what was expected, in a line.
    pub summary: String,
    /// Whether it holds.
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
    /// Columns of numbers, which are set to the right and never shortened.
    pub numeric: Vec<usize>,
    /// Columns that tables as text and in LaTeX show only where details are asked for; all other formats have them.
    pub details: Vec<usize>,
}

impl Section {
    /// A table of names and values.
    pub fn pairs(rows: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Section {
            rows: rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect(),
            ..Section::default()
        }
    }

    /// The table with the columns of these headings alone, in their order, all of which are then shown.
    ///
    /// # Errors
    /// When there is no column of such a heading.
    pub fn select(&self, headings: &[String]) -> Result<Section, UnknownColumn> {
        let place = |heading: &String| {
            let is_it = |known: &String| known.eq_ignore_ascii_case(heading.trim());
            let unknown = || UnknownColumn { heading: heading.clone(), known: self.header.join(", ") };
            self.header.iter().position(is_it).ok_or_else(unknown)
        };
        let places: Vec<usize> = headings.iter().map(place).collect::<Result<_, _>>()?;
        let of = |row: &Vec<String>| places.iter().map(|&place| row.get(place).cloned().unwrap_or_default()).collect();
        Ok(Section {
            title: self.title.clone(),
            header: of(&self.header),
            rows: self.rows.iter().map(of).collect(),
            numeric: (0..places.len()).filter(|&i| self.numeric.contains(&places[i])).collect(),
            details: Vec::new(),
        })
    }
}

/// A heading that no column of a table has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no column is headed '{heading}', expected {known}")]
pub struct UnknownColumn {
    /// The heading.
    pub heading: String,
    /// Those that there are.
    pub known: String,
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
    pub fn one<N: Into<String>>(fields: impl IntoIterator<Item = (N, String)>) -> Self {
        Records::many([fields])
    }

    /// Records of the same fields each.
    pub fn many<N: Into<String>, R: IntoIterator<Item = (N, String)>>(records: impl IntoIterator<Item = R>) -> Self {
        let mut all = Records::default();
        for record in records {
            let (header, row): (Vec<_>, Vec<_>) = record.into_iter().map(|(name, value)| (name.into(), value)).unzip();
            all.header = header;
            all.rows.push(row);
        }
        all
    }
}

/// Dimensions as people write them.
pub(super) fn shape(dims: &[usize]) -> String {
    dims.iter().map(ToString::to_string).collect::<Vec<_>>().join("x")
}

/// An optional field.
pub(super) fn optional<T: ToString>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}
