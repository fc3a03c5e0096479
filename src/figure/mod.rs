//! Pictures as a few shapes, and one file for each format that holds them.
//!
//! What is drawn is a [`Figure`]: lines, areas, circles and lines of text, with the same measures in every format.
//! Letters are those of a font that is part of the program (DejaVu Sans), so that pictures neither depend on the
//! fonts of a machine nor differ between two; a [`FigureFormat`] of the registry [`FIGURE_FORMATS`] turns the
//! shapes into bytes.

mod canvas;
mod font;
mod outline;
mod pdf;
mod png;
mod svg;

pub use canvas::Canvas;
pub use font::text_width;

use crate::registry::{Named, Registry};
use std::fmt::Debug;
use std::path::{Path, PathBuf};

/// A picture. Lengths are in pixels of 1/96 inch, from its top left corner.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Width and height.
    pub size: [f64; 2],
    /// What is drawn, from back to front, on white.
    pub marks: Vec<Mark>,
}

/// A shape and its colors.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// The shape.
    pub shape: Shape,
    /// The color inside it; that of text.
    pub fill: Option<Color>,
    /// The line around it.
    pub stroke: Option<Stroke>,
}

/// What can be drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A line from point to point, which comes back to the first where it is closed.
    Line {
        /// The points.
        points: Vec<[f64; 2]>,
        /// Whether the last point is joined to the first.
        is_closed: bool,
    },
    /// A circle.
    Circle {
        /// Its center.
        center: [f64; 2],
        /// Its radius.
        radius: f64,
    },
    /// A line of text.
    Text(Text),
}

/// A line of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// The letters.
    pub text: String,
    /// A point of the baseline.
    pub at: [f64; 2],
    /// What of the text is at that point.
    pub anchor: Anchor,
    /// The size of the font.
    pub size: f64,
    /// Quarter turns about the point, clockwise.
    pub turns: u8,
}

/// Where a line of text is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// At its beginning.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

/// A color.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Color {
    /// Red, green and blue.
    pub rgb: [u8; 3],
    /// From 0, which is not seen, to 1.
    pub opacity: f64,
}

/// A line's color and form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// Its color.
    pub color: Color,
    /// Its width.
    pub width: f64,
    /// Lengths of dashes and gaps, of a dashed line.
    pub dashes: Option<[f64; 2]>,
}

impl Color {
    /// An opaque color.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Color { rgb: [red, green, blue], opacity: 1.0 }
    }
}

impl Stroke {
    /// A line without gaps.
    pub const fn solid(color: Color, width: f64) -> Self {
        Stroke { color, width, dashes: None }
    }
}

impl Figure {
    /// An empty picture.
    pub fn new(width: f64, height: f64) -> Self {
        Figure { size: [width, height], marks: Vec::new() }
    }

    /// Draws a line through `points`.
    pub fn line(&mut self, points: &[[f64; 2]], stroke: Stroke) {
        let shape = Shape::Line { points: points.to_vec(), is_closed: false };
        self.marks.push(Mark { shape, fill: None, stroke: Some(stroke) });
    }

    /// Draws the area between `points`.
    pub fn area(&mut self, points: &[[f64; 2]], fill: Option<Color>, stroke: Option<Stroke>) {
        self.marks.push(Mark { shape: Shape::Line { points: points.to_vec(), is_closed: true }, fill, stroke });
    }

    /// Draws a circle.
    pub fn circle(&mut self, center: [f64; 2], radius: f64, fill: Option<Color>, stroke: Option<Stroke>) {
        self.marks.push(Mark { shape: Shape::Circle { center, radius }, fill, stroke });
    }

    /// Writes a line of text.
    pub fn text(&mut self, text: Text, color: Color) {
        self.marks.push(Mark { shape: Shape::Text(text), fill: Some(color), stroke: None });
    }
}

/// A format that pictures are written in.
pub trait FigureFormat: Named + Debug + Send + Sync {
    /// The picture in this format.
    fn encode(&self, figure: &Figure) -> Vec<u8>;
}

/// Every format, by the extension of its files.
pub static FIGURE_FORMATS: Registry<&'static dyn FigureFormat> =
    Registry::new("figure format", &[&svg::Svg, &png::Png, &pdf::Pdf]);

/// A file name whose extension is that of no format of pictures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{}': figures are written as {}: expected a file name that ends in {}", .path.display(), formats(), endings())]
#[non_exhaustive]
pub struct UnknownFigureFormat {
    /// The file.
    pub path: PathBuf,
}

fn formats() -> String {
    listed(FIGURE_FORMATS.names().map(str::to_uppercase).collect())
}

fn endings() -> String {
    listed(FIGURE_FORMATS.names().map(|name| format!(".{name}")).collect())
}

/// Words as a choice.
fn listed(mut words: Vec<String>) -> String {
    let last = words.pop().unwrap_or_default();
    if words.is_empty() { last } else { format!("{} or {last}", words.join(", ")) }
}

/// The format of files with the extension of `path`, in small letters or capitals.
///
/// # Errors
/// Lists the formats that exist.
pub fn figure_format(path: &Path) -> Result<&'static dyn FigureFormat, UnknownFigureFormat> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let found = FIGURE_FORMATS.iter().find(|format| format.name().eq_ignore_ascii_case(extension));
    found.copied().ok_or_else(|| UnknownFigureFormat { path: path.to_owned() })
}

#[cfg(test)]
mod tests;
