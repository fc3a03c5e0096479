//! A study as one HTML page: what people look at and send to each other.
//!
//! [`StudyPage`] is what the page shows, as plain data; [`StudyPage::html`] is the page: markup, styles and a script
//! (`assets/`), with the data as JSON in it. It needs nothing else: a policy in its head forbids the browser to load or
//! send anything. Names in it come from files: markup from this room escapes them, and the script only ever writes text.

mod data;
mod markup;
mod runs;
mod summary;
mod verdict;

pub use data::{
    Baseline, BaselineKind, Choice, FrontPoint, HeatMap, Jobs, Mix, MixLayer, MixStep, Multiplier, MultiplierErrors,
    Network, NetworkLayer, PageMetric, StudyDocument, StudyFigure, StudyPage, StudyTable,
};
pub use runs::{MeasuredDrop, Run};
pub use verdict::{MixVerdict, UniformVerdict, Verdict};
