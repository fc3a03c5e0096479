//! PDF: one page of the picture's size, all of it curves, so that no reader needs a font.

use super::outline::{Step, outline};
use super::{Color, Figure, FigureFormat, Mark, Shape, Stroke};
use crate::registry::Named;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::LineJoinStyle;
use pdf_writer::{Content, Filter, Finish, Name, Rect, Ref};
use std::collections::BTreeMap;
use std::io::Write;

#[derive(Debug)]
pub(super) struct Pdf;

/// Points, of which an inch has 72, for a pixel.
const POINTS: f32 = 0.75;

/// Width of a line of its own color around an area, so that areas side by side leave no seam.
const SEAM: f32 = 0.2;

impl Named for Pdf {
    fn name(&self) -> &'static str {
        "pdf"
    }
}

impl FigureFormat for Pdf {
    fn encode(&self, figure: &Figure) -> Vec<u8> {
        let [width, height] = figure.size.map(|side| side as f32 * POINTS);
        let mut page = Page { content: Content::new(), opacities: BTreeMap::new() };
        page.content.transform([POINTS, 0.0, 0.0, -POINTS, 0.0, height]);
        page.content.set_line_join(LineJoinStyle::RoundJoin);
        figure.marks.iter().for_each(|mark| page.draw(mark));
        let mut pdf = pdf_writer::Pdf::new();
        let [catalog, pages, only, content] = [1, 2, 3, 4].map(Ref::new);
        pdf.catalog(catalog).pages(pages);
        pdf.pages(pages).kids([only]).count(1);
        let mut written = pdf.page(only);
        written.parent(pages).media_box(Rect::new(0.0, 0.0, width, height)).contents(content);
        let mut resources = written.resources();
        let mut states = resources.ext_g_states();
        for (&opacity, number) in &page.opacities {
            states.insert(Name(state(*number).as_bytes())).dict().pair(Name(b"ca"), f32::from(opacity) / 255.0);
        }
        states.finish();
        resources.finish();
        written.finish();
        pdf.stream(content, &compressed(&page.content.finish())).filter(Filter::FlateDecode);
        pdf.finish()
    }
}

/// The name of a graphics state.
fn state(number: usize) -> String {
    format!("G{number}")
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory does not fail")
}

/// A page being drawn.
struct Page {
    content: Content,
    /// The number of the graphics state of each opacity.
    opacities: BTreeMap<u8, usize>,
}

impl Page {
    fn draw(&mut self, mark: &Mark) {
        let steps = outline(&mark.shape);
        if steps.is_empty() {
            return;
        }
        self.content.save_state();
        if let Some(fill) = mark.fill {
            let [red, green, blue] = rgb(fill);
            self.content.set_fill_rgb(red, green, blue);
            self.set_opacity(fill);
            let is_opaque_area = matches!(mark.shape, Shape::Line { .. }) && fill.opacity >= 1.0;
            self.draw_steps(&steps);
            if is_opaque_area && mark.stroke.is_none() {
                self.content.set_stroke_rgb(red, green, blue).set_line_width(SEAM).fill_nonzero_and_stroke();
            } else {
                self.content.fill_nonzero();
            }
        }
        if let Some(Stroke { color, width, dashes }) = mark.stroke {
            let [red, green, blue] = rgb(color);
            self.content.set_stroke_rgb(red, green, blue).set_line_width(width as f32);
            if let Some(dashes) = dashes {
                self.content.set_dash_pattern(dashes.map(|length| length as f32), 0.0);
            }
            self.draw_steps(&steps);
            self.content.stroke();
        }
        self.content.restore_state();
    }

    fn set_opacity(&mut self, color: Color) {
        if color.opacity < 1.0 {
            let number = self.opacities.len();
            let number = *self.opacities.entry((color.opacity.max(0.0) * 255.0).round() as u8).or_insert(number);
            self.content.set_parameters(Name(state(number).as_bytes()));
        }
    }

    fn draw_steps(&mut self, steps: &[Step]) {
        for step in steps {
            match *step {
                Step::Move([x, y]) => self.content.move_to(x, y),
                Step::Line([x, y]) => self.content.line_to(x, y),
                Step::Cubic([[x1, y1], [x2, y2], [x, y]]) => self.content.cubic_to(x1, y1, x2, y2, x, y),
                Step::Close => self.content.close_path(),
            };
        }
    }
}

fn rgb(color: Color) -> [f32; 3] {
    color.rgb.map(|channel| f32::from(channel) / 255.0)
}
