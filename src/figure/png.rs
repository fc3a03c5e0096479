//! PNG: three pixels for one of the picture, fine enough for a column of a paper.

use super::outline::{Step, outline};
use super::{Color, Figure, FigureFormat, Mark, Stroke};
use crate::registry::Named;
use tiny_skia::{FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, StrokeDash, Transform};

#[derive(Debug)]
pub(super) struct Png;

/// Pixels of an image for one of the picture.
const SCALE: u32 = 3;

/// Pixels of the largest image at that scale: 80 MB while it is drawn. Larger ones have two for one.
const LARGEST: u32 = 20_000_000;

impl Named for Png {
    fn name(&self) -> &'static str {
        "png"
    }
}

impl FigureFormat for Png {
    fn encode(&self, figure: &Figure) -> Vec<u8> {
        let [width, height] = figure.size.map(|side| side.ceil().max(1.0) as u32);
        let scale = if width * height > LARGEST / (SCALE * SCALE) { 2 } else { SCALE };
        let mut image = Pixmap::new(width * scale, height * scale).expect("figures are neither empty nor huge");
        image.fill(tiny_skia::Color::WHITE);
        figure.marks.iter().for_each(|mark| draw(&mut image, mark, scale as f32));
        image.encode_png().expect("memory does not fail")
    }
}

fn draw(image: &mut Pixmap, mark: &Mark, scale: f32) {
    let Some(path) = path(&outline(&mark.shape)) else { return };
    let transform = Transform::from_scale(scale, scale);
    if let Some(fill) = mark.fill {
        image.fill_path(&path, &paint(fill), FillRule::Winding, transform, None);
    }
    if let Some(Stroke { color, width, dashes }) = mark.stroke {
        let stroke = tiny_skia::Stroke {
            width: width as f32,
            line_join: LineJoin::Round,
            dash: dashes.and_then(|dashes| StrokeDash::new(dashes.map(|length| length as f32).to_vec(), 0.0)),
            ..tiny_skia::Stroke::default()
        };
        image.stroke_path(&path, &paint(color), &stroke, transform, None);
    }
}

fn paint(Color { rgb: [red, green, blue], opacity }: Color) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(red, green, blue, (opacity.clamp(0.0, 1.0) * 255.0).round() as u8);
    paint
}

/// A path; none where there is nothing to draw, as of a space.
fn path(steps: &[Step]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for step in steps {
        match *step {
            Step::Move([x, y]) => path.move_to(x, y),
            Step::Line([x, y]) => path.line_to(x, y),
            Step::Cubic([[x1, y1], [x2, y2], [x, y]]) => path.cubic_to(x1, y1, x2, y2, x, y),
            Step::Close => path.close(),
        }
    }
    path.finish()
}
