//! The letters of pictures: widths and outlines of the font that is part of the program.

use std::sync::LazyLock;
use ttf_parser::{Face, GlyphId, OutlineBuilder};

static FACE: LazyLock<Face<'static>> =
    LazyLock::new(|| Face::parse(dejavu::sans::regular(), 0).expect("the font of the program is whole"));

/// The glyphs of a text of size 1: each with where it begins, on a line of units that an em has
/// [`units_per_em`](Face::units_per_em) of.
fn glyphs(text: &str) -> impl Iterator<Item = (GlyphId, u32)> {
    let mut at = 0;
    text.chars().map(move |c| {
        // Glyph 0 is the box of letters that a font does not have.
        let glyph = FACE.glyph_index(c).unwrap_or(GlyphId(0));
        let start = at;
        at += u32::from(FACE.glyph_hor_advance(glyph).unwrap_or_default());
        (glyph, start)
    })
}

/// The width of a line of text.
pub fn text_width(text: &str, size: f64) -> f64 {
    let advance = |c: char| FACE.glyph_hor_advance(FACE.glyph_index(c).unwrap_or(GlyphId(0))).unwrap_or_default();
    let units: u32 = text.chars().map(|c| u32::from(advance(c))).sum();
    f64::from(units) * size / f64::from(FACE.units_per_em())
}

/// The height of capital letters above the baseline, as that of an H: the font does not state it.
pub(super) fn cap_height(size: f64) -> f64 {
    let letter = FACE.glyph_index('H').and_then(|glyph| FACE.glyph_bounding_box(glyph));
    let top = letter.map_or(0, |letter| letter.y_max);
    f64::from(top) * size / f64::from(FACE.units_per_em())
}

/// Draws a line of text that begins at the origin.
pub(super) fn draw(text: &str, size: f64, pen: &mut dyn OutlineBuilder) {
    let scale = (size / f64::from(FACE.units_per_em())) as f32;
    for (glyph, start) in glyphs(text) {
        // A letter without an outline is a space.
        let _ = FACE.outline_glyph(glyph, &mut Placed { pen, scale, start: start as f32 });
    }
}

/// A pen that draws a glyph at its place, whose axis goes up where that of pictures goes down.
struct Placed<'a> {
    pen: &'a mut dyn OutlineBuilder,
    scale: f32,
    start: f32,
}

impl Placed<'_> {
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        ((self.start + x) * self.scale, -y * self.scale)
    }
}

impl OutlineBuilder for Placed<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.pen.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.pen.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.place(x1, y1), self.place(x, y));
        self.pen.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.place(x1, y1), self.place(x2, y2), self.place(x, y));
        self.pen.curve_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.pen.close();
    }
}
