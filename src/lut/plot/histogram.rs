//! How often each error occurs.

use super::{Area, Panel, PlotError, errors, label};
use plotters::prelude::*;

/// Bins over the range of errors; odd, so that one is centerd on no error.
const BINS: usize = 61;

pub(super) fn draw(area: &Area, panel: &Panel) -> Result<(), PlotError> {
    let mut counts = [0u32; BINS];
    #[expect(clippy::cast_precision_loss, reason = "61 bins")]
    let width = 2.0 * panel.largest / (BINS - 1) as f64;
    for (.., error) in errors(panel.lut) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "errors are within the largest")]
        let bin = ((error + panel.largest) / width).round() as usize;
        counts[bin.min(BINS - 1)] += 1;
    }
    let reach = panel.largest + width;
    // From below one pair, so that single pairs show, to above all of 8x8 bits.
    let mut chart = ChartBuilder::on(area)
        .caption("how often each error occurs", ("sans-serif", 19))
        .margin(12)
        .margin_right(28)
        .x_label_area_size(52)
        .y_label_area_size(78)
        .build_cartesian_2d(-reach..reach, (0.5..100_000.0).log_scale())
        .map_err(PlotError::new)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .label_style(super::LABELS)
        .axis_desc_style(super::AXES)
        .x_desc("error: product less exact product (product units)")
        .y_desc("pairs of operands")
        .x_label_formatter(&label)
        .y_label_formatter(&label)
        .draw()
        .map_err(PlotError::new)?;
    let bars = counts.iter().enumerate().filter(|&(_, &count)| count > 0).map(|(bin, &count)| {
        #[expect(clippy::cast_precision_loss, reason = "61 bins")]
        let center = bin as f64 * width - panel.largest;
        let corners = [(center - 0.45 * width, 0.5), (center + 0.45 * width, f64::from(count))];
        Rectangle::new(corners, RGBColor(70, 90, 120).filled())
    });
    chart.draw_series(bars).map_err(PlotError::new)?;
    Ok(())
}
