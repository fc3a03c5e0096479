//! Pictures of a multiplier's errors.
//!
//! Three panels, one below the other: errors over both operands as a heat map, how often each error
//! occurs, and errors against the exact product. Two multipliers stand side by side on the same axes
//! and colors, so that they can be compared by eye.

mod heat_map;
mod histogram;
mod profile;

use super::{ErrorMetrics, Lut};
use crate::figure::{Canvas, Figure};
use crate::printable::{cut, printable};
use plotters::prelude::*;
use std::fmt::Display;

/// The width of one multiplier's column, in pixels.
const WIDTH: u32 = 640;

/// The heights of the title and the three panels, in pixels.
const HEIGHTS: [u32; 4] = [64, 576, 330, 330];

/// Letters of numbers along axes, and of what axes are called: readable where a paper has a column for the picture.
const LABELS: (&str, u32) = ("sans-serif", 16);
const AXES: (&str, u32) = ("sans-serif", 18);

/// Bytes of a name that fit above a picture.
const LONGEST_NAME: usize = 60;

/// Why a picture was not drawn.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw the plot: {0}")]
pub struct PlotError(String);

impl PlotError {
    fn new(error: impl Display) -> Self {
        PlotError(error.to_string())
    }
}

type Area<'a> = DrawingArea<Canvas<'a>, plotters::coord::Shift>;

/// The errors of one multiplier, and the axes that all of a picture share.
struct Panel<'a> {
    lut: &'a Lut,
    /// The largest absolute error of all multipliers in the picture, at least 1.
    largest: f64,
    /// The smallest and largest exact product of all of them.
    exact: (f64, f64),
}

/// Draws `luts` side by side.
///
/// # Errors
/// When there is nothing to draw, or the drawing library refuses.
pub fn plot(luts: &[&Lut]) -> Result<Figure, PlotError> {
    if luts.is_empty() {
        return Err(PlotError::new("no multiplier"));
    }
    let metrics: Vec<_> = luts.iter().map(|lut| ErrorMetrics::compute(lut)).collect();
    let largest = metrics.iter().map(|metrics| f64::from(metrics.wce)).fold(1.0, f64::max);
    let exact = luts.iter().flat_map(|lut| lut.products()).map(|(a, b, _)| f64::from(a * b));
    let exact = exact.fold((0.0f64, 0.0f64), |(low, high), product| (low.min(product), high.max(product)));
    let columns = u32::try_from(luts.len()).map_err(PlotError::new)?;
    let height: u32 = HEIGHTS.iter().sum();
    let mut picture = Figure::new(f64::from(columns * WIDTH), f64::from(height));
    {
        let root = Canvas::new(&mut picture).into_drawing_area();
        for ((area, lut), metrics) in root.split_evenly((1, luts.len())).iter().zip(luts).zip(&metrics) {
            draw(area, &Panel { lut, largest, exact }, metrics)?;
        }
        root.present().map_err(PlotError::new)?;
    }
    Ok(picture)
}

fn draw(area: &Area, panel: &Panel, metrics: &ErrorMetrics) -> Result<(), PlotError> {
    let (title, rest) = area.split_vertically(HEIGHTS[0]);
    let (top, rest) = rest.split_vertically(HEIGHTS[1]);
    let (middle, bottom) = rest.split_vertically(HEIGHTS[2]);
    let line = |text: String, at: i32, size: i32| {
        title.draw(&Text::new(text, (16, at), ("sans-serif", size))).map_err(PlotError::new)
    };
    line(printable(&cut(panel.lut.name(), LONGEST_NAME)).into_owned(), 10, 25)?;
    let figures = format!(
        "MAE {:.2}, worst {}, mean relative error {:.2} %, {:.1} % of products inexact",
        metrics.mae,
        metrics.wce,
        100.0 * metrics.mre,
        100.0 * metrics.ep
    );
    line(figures, 42, 16)?;
    heat_map::draw(&top, panel)?;
    histogram::draw(&middle, panel)?;
    profile::draw(&bottom, panel)
}

/// A number as axes show it: whole where that says enough, and without the minus of -0.
fn label(value: &f64) -> String {
    if value.abs() >= 10.0 { format!("{value:.0}") } else { format!("{}", (100.0 * value).round() / 100.0 + 0.0) }
}

/// Every `(a, b, exact product, error)`.
fn errors(lut: &Lut) -> impl Iterator<Item = (i32, i32, f64, f64)> {
    lut.products().map(|(a, b, product)| (a, b, f64::from(a * b), f64::from(product) - f64::from(a * b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use crate::figure::{Shape, figure_format};
    use crate::kernel::Signedness;
    use crate::lut::{Bits, design};

    #[test]
    fn pictures_name_their_axes_and_multipliers() {
        let drum = design::resolve("drum-4", None).unwrap();
        let exact = design::resolve("exact", Some(Signedness::Signed)).unwrap();
        let svg = figure_format("a.svg".as_ref()).unwrap();
        let picture = String::from_utf8(svg.encode(&plot(&[&drum, &exact]).unwrap())).unwrap();
        assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"));
        for text in
            ["drum-4", "exact-signed", "first operand", "second operand", "exact product", "error", "pairs of operands"]
        {
            assert!(picture.contains(text), "{text}");
        }
        // A picture is for looking at, not for storing every product.
        assert!(picture.len() < 3 << 20, "{} bytes", picture.len());
    }

    #[test]
    fn labels_are_short() {
        let cases = [(-1e-17, "0"), (0.2 + 0.1, "0.3"), (-0.2, "-0.2"), (12.5, "12"), (-65_025.0, "-65025")];
        for_each_case(cases, |(value, text)| {
            assert_eq!(label(&value), text);
        });
    }

    #[test]
    fn narrow_multipliers_can_be_drawn_and_none_cannot() {
        let bits = [crate::lut::Bits::try_from(3).unwrap(), crate::lut::Bits::try_from(2).unwrap()];
        assert!(plot(&[&Lut::from_fn_sized("3x2", Signedness::Unsigned, bits, |a, b| a * b)]).is_ok());
        assert!(plot(&[]).is_err());
    }

    /// Left, top, right and bottom of the rectangles of a color.
    fn rectangles(figure: &Figure, rgb: [u8; 3]) -> Vec<[f64; 4]> {
        let colored = figure.marks.iter().filter(|mark| mark.fill.is_some_and(|fill| fill.rgb == rgb));
        let corners = colored.filter_map(|mark| match &mark.shape {
            Shape::Line { points, .. } => Some([points[0][0], points[0][1], points[2][0], points[2][1]]),
            _ => None,
        });
        corners.collect()
    }

    /// Two of 16 products are wrong, by -2 and 2. The charts of both lower panels are 521 pixels wide, from 90 on, and 226 high,
    /// below their captions: they end at 905 and at 1235.
    #[test]
    fn bars_and_bands_by_hand() {
        let error = |a, b| if (a, b) == (1, 3) { -2 } else { 2 * i32::from((a, b) == (3, 3)) };
        let bits = [Bits::try_from(2).unwrap(); 2];
        let figure = plot(&[&Lut::from_fn_sized("x", Signedness::Unsigned, bits, |a, b| a * b + error(a, b))]).unwrap();
        // Bins are a sixtieth of the range of errors, 4, and bars nine tenths of one, over counts from 0.5 to 100000.
        let bin = 4.0 / 60.0;
        let x = |error: f64| 90.0 + 521.0 * (error + 2.0 + bin) / (4.0 + 2.0 * bin);
        let y = |count: f64| 905.0 - 226.0 * libm::log(count / 0.5) / libm::log(1e5 / 0.5);
        let bars = [(-2.0, 1.0), (0.0, 14.0), (2.0, 1.0)];
        let bars = bars.map(|(error, count)| [x(error - 0.45 * bin), y(count), x(error + 0.45 * bin), 905.0]);
        // Exact products from 0 to 9 in 96 bins, by their places, lowest, mean and highest errors. Heights are 1.05 times the
        // largest error either way, and bands reach 0.006 times it further.
        let bands = [0.0, 10.0, 21.0, 32.0, 42.0, 64.0, 95.0].map(|at| match at {
            32.0 => (at, [-2.0, -1.0, 0.0]),
            95.0 => (at, [2.0; 3]),
            _ => (at, [0.0; 3]),
        });
        let band = |at: f64, low: f64, high: f64| {
            let (x, y) = (|at: f64| 90.0 + 521.0 * at / 96.0, |error: f64| 1122.0 - 113.0 * error / 2.1);
            [x(at), y(high + 0.012), x(at + 1.0), y(low - 0.012)]
        };
        let cases = [
            ([70, 90, 120], bars.to_vec()),
            ([190, 205, 225], bands.map(|(at, [low, _, high])| band(at, low, high)).to_vec()),
            ([30, 50, 90], bands.map(|(at, [_, mean, _])| band(at, mean, mean)).to_vec()),
        ];
        for_each_case(cases, |(rgb, expected)| {
            let found = rectangles(&figure, rgb);
            let are_close = found.iter().flatten().zip(expected.iter().flatten()).all(|(x, y)| (x - y).abs() < 1.5);
            assert!(found.len() == expected.len() && are_close, "{rgb:?}: {found:?}, expected {expected:?}");
        });
    }
}
