//! Errors over both operands.

use super::{Area, Panel, PlotError, errors, label};
use crate::lut::Operand;
use plotters::prelude::*;

/// The most cells a side; each is the mean of the pairs that fall into it.
const CELLS: usize = 64;

/// Width of the strip with the color bar, in pixels.
const BAR: u32 = 150;

/// Blue for products that are too small, red for those too large, white for exact ones. The root
/// keeps small errors visible beside large ones.
fn color(error: f64, largest: f64) -> RGBColor {
    let strength = (error.abs() / largest).min(1.0).sqrt();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
    let fade = |full: f64| (255.0 - strength * (255.0 - full)).round() as u8;
    if error < 0.0 {
        RGBColor(fade(33.0), fade(80.0), fade(168.0))
    } else {
        RGBColor(fade(178.0), fade(34.0), fade(34.0))
    }
}

pub(super) fn draw(area: &Area, panel: &Panel) -> Result<(), PlotError> {
    let (means, cells) = means(panel);
    let (map, bar) = area.split_horizontally(super::WIDTH - BAR);
    draw_map(&map, panel, &means, cells, panel.largest)?;
    draw_bar(&bar, panel.largest)
}

/// Mean errors of cells, first operand major, and how many there are a side.
fn means(panel: &Panel) -> (Vec<f64>, [usize; 2]) {
    let cells = panel.lut.bits().map(|bits| bits.values().min(CELLS));
    let mut sums = vec![0.0; cells[0] * cells[1]];
    let [first, second] = panel.lut.bits();
    let cell = |operand: Operand, value: i32| {
        let offset = value - *panel.lut.operand_range(operand).start();
        usize::try_from(offset).unwrap_or(0) * operand.select(cells) / operand.select([first, second]).values()
    };
    for (a, b, _, error) in errors(panel.lut) {
        sums[cell(Operand::Activation, a) * cells[1] + cell(Operand::Weight, b)] += error;
    }
    #[expect(clippy::cast_precision_loss, reason = "at most 2^16 pairs")]
    let pairs = (first.values() * second.values() / sums.len()) as f64;
    sums.iter_mut().for_each(|sum| *sum /= pairs);
    (sums, cells)
}

fn draw_map(area: &Area, panel: &Panel, means: &[f64], cells: [usize; 2], largest: f64) -> Result<(), PlotError> {
    let range = |operand: Operand| {
        let range = panel.lut.operand_range(operand);
        f64::from(*range.start())..f64::from(*range.end()) + 1.0
    };
    let mut chart = ChartBuilder::on(area)
        .caption("mean error (blue: too small, red: too large)", ("sans-serif", 19))
        .margin(12)
        .margin_right(28)
        .x_label_area_size(52)
        .y_label_area_size(78)
        .build_cartesian_2d(range(Operand::Weight), range(Operand::Activation))
        .map_err(PlotError::new)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .label_style(super::LABELS)
        .axis_desc_style(super::AXES)
        .x_desc("second operand (weight)")
        .y_desc("first operand (activation)")
        .x_label_formatter(&label)
        .y_label_formatter(&label)
        .draw()
        .map_err(PlotError::new)?;
    #[expect(clippy::cast_precision_loss, reason = "at most 64 cells")]
    let edge = |operand: Operand, cell: usize| {
        let range = range(operand);
        range.start + (range.end - range.start) * cell as f64 / operand.select(cells) as f64
    };
    let rectangles = means.iter().enumerate().map(|(at, &mean)| {
        let (row, column) = (at / cells[1], at % cells[1]);
        let corner = |row, column| (edge(Operand::Weight, column), edge(Operand::Activation, row));
        let corners = [corner(row, column), corner(row + 1, column + 1)];
        Rectangle::new(corners, color(mean, largest).filled())
    });
    chart.draw_series(rectangles).map_err(PlotError::new)?;
    Ok(())
}

fn draw_bar(area: &Area, largest: f64) -> Result<(), PlotError> {
    let mut chart = ChartBuilder::on(area)
        .caption("mean error", ("sans-serif", 16))
        .margin(12)
        .margin_right(28)
        .margin_bottom(64)
        .y_label_area_size(78)
        .build_cartesian_2d(0.0..1.0, -largest..largest)
        .map_err(PlotError::new)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .disable_x_axis()
        .y_label_style(super::LABELS)
        .y_label_formatter(&label)
        .draw()
        .map_err(PlotError::new)?;
    let steps = (-50..50).map(|step| largest * f64::from(step) / 50.0);
    let strips = steps.map(|low| {
        let high = low + largest / 50.0;
        Rectangle::new([(0.0, low), (1.0, high)], color(f64::midpoint(low, high), largest).filled())
    });
    chart.draw_series(strips).map_err(PlotError::new)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use crate::kernel::Signedness;
    use crate::lut::{Bits, Lut};

    /// A quarter of the largest error has half of the color.
    #[test]
    fn colors_by_hand() {
        let cases = [
            (0.0, RGBColor(255, 255, 255)),
            (-8.0, RGBColor(33, 80, 168)),
            (8.0, RGBColor(178, 34, 34)),
            (-2.0, RGBColor(144, 168, 212)),
            (2.0, RGBColor(217, 145, 145)),
        ];
        for_each_case(cases, |(error, expected)| {
            assert_eq!(color(error, 8.0), expected, "{error}");
        });
    }

    /// Of 8x3 signed bits, four first operands and one second share a cell.
    #[test]
    fn cells_are_means_of_their_pairs() {
        let error = |a, b| match (a, b) {
            (-125, -4) => 8,
            (-124, 0) => -12,
            (127, 3) => 4,
            _ => 0,
        };
        let bits = [8, 3].map(|bits| Bits::try_from(bits).unwrap());
        let lut = Lut::from_fn_sized("x", Signedness::Signed, bits, |a, b| a * b + error(a, b));
        let (means, cells) = means(&Panel { lut: &lut, largest: 12.0, exact: (-508.0, 512.0) });
        assert_eq!((means.len(), cells), (64 * 8, [64, 8]));
        let found: Vec<_> = means.into_iter().enumerate().filter(|(_, mean)| *mean != 0.0).collect();
        assert_eq!(found, [(0, 2.0), (8 + 4, -3.0), (63 * 8 + 7, 1.0)]);
    }
}
