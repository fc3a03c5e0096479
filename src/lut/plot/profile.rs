//! Errors against the exact product.

use super::{Area, Panel, PlotError, errors, label};
use plotters::prelude::*;

/// Bins over the range of exact products.
const BINS: usize = 96;

#[derive(Clone, Copy)]
struct Bin {
    pairs: u32,
    sum: f64,
    low: f64,
    high: f64,
}

pub(super) fn draw(area: &Area, panel: &Panel) -> Result<(), PlotError> {
    let (start, end) = panel.exact;
    #[expect(clippy::cast_precision_loss, reason = "96 bins")]
    let width = (end - start) / BINS as f64;
    let empty = Bin { pairs: 0, sum: 0.0, low: f64::INFINITY, high: f64::NEG_INFINITY };
    let mut bins = [empty; BINS];
    for (.., exact, error) in errors(panel.lut) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "exact products are in range")]
        let at = ((exact - start) / width) as usize;
        let bin = &mut bins[at.min(BINS - 1)];
        *bin = Bin { pairs: bin.pairs + 1, sum: bin.sum + error, low: bin.low.min(error), high: bin.high.max(error) };
    }
    let mut chart = ChartBuilder::on(area)
        .caption("error against the exact product: range (light) and mean (dark)", ("sans-serif", 19))
        .margin(12)
        .margin_right(28)
        .x_label_area_size(52)
        .y_label_area_size(78)
        .build_cartesian_2d(start..end, -1.05 * panel.largest..1.05 * panel.largest)
        .map_err(PlotError::new)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .label_style(super::LABELS)
        .axis_desc_style(super::AXES)
        .x_desc("exact product")
        .y_desc("error (product units)")
        .x_label_formatter(&label)
        .y_label_formatter(&label)
        .draw()
        .map_err(PlotError::new)?;
    // A band has some height even where all errors are alike.
    let least = 0.006 * panel.largest;
    let band = |at: usize, low: f64, high: f64, color: RGBColor| {
        #[expect(clippy::cast_precision_loss, reason = "96 bins")]
        let (left, right) = (start + width * at as f64, start + width * (at + 1) as f64);
        Rectangle::new([(left, low - least), (right, high + least)], color.filled())
    };
    let filled = || bins.iter().enumerate().filter(|(_, bin)| bin.pairs > 0);
    let ranges = filled().map(|(at, bin)| band(at, bin.low, bin.high, RGBColor(190, 205, 225)));
    chart.draw_series(ranges).map_err(PlotError::new)?;
    let means = filled().map(|(at, bin)| {
        let mean = bin.sum / f64::from(bin.pairs);
        band(at, mean, mean, RGBColor(30, 50, 90))
    });
    chart.draw_series(means).map_err(PlotError::new)?;
    Ok(())
}
