//! A [`Figure`] as what the crate `plotters` draws charts on.

use super::font::{cap_height, text_width};
use super::{Anchor, Color, Figure, Stroke, Text};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontTransform,
};
use std::convert::Infallible;

/// A picture to draw charts on.
#[derive(Debug)]
pub struct Canvas<'a>(&'a mut Figure);

impl<'a> Canvas<'a> {
    /// Draws on `figure`.
    pub fn new(figure: &'a mut Figure) -> Self {
        Canvas(figure)
    }
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

fn point((x, y): BackendCoord) -> [f64; 2] {
    [x, y].map(f64::from)
}

fn color(color: BackendColor) -> Color {
    let (red, green, blue) = color.rgb;
    Color { rgb: [red, green, blue], opacity: color.alpha }
}

/// The line of a style; one of no color is not drawn.
fn stroke<S: BackendStyle>(style: &S) -> Option<Stroke> {
    let color = color(style.color());
    (color.opacity > 0.0).then(|| Stroke::solid(color, f64::from(style.stroke_width().max(1))))
}

fn fill<S: BackendStyle>(style: &S) -> Option<Color> {
    Some(color(style.color())).filter(|color| color.opacity > 0.0)
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        let [width, height] = self.0.size.map(|side| side as u32);
        (width, height)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, at: BackendCoord, color: BackendColor) -> Drawn {
        self.draw_rect(at, (at.0 + 1, at.1 + 1), &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        is_filled: bool,
    ) -> Drawn {
        let ([left, top], [right, bottom]) = (point(upper_left), point(bottom_right));
        let corners = [[left, top], [right, top], [right, bottom], [left, bottom]];
        let (fill, stroke) = if is_filled { (fill(style), None) } else { (None, stroke(style)) };
        if fill.is_some() || stroke.is_some() {
            self.0.area(&corners, fill, stroke);
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        if let Some(stroke) = stroke(style) {
            self.0.line(&path.into_iter().map(point).collect::<Vec<_>>(), stroke);
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, center: BackendCoord, radius: u32, style: &S, is_filled: bool) -> Drawn {
        let (fill, stroke) = if is_filled { (fill(style), None) } else { (None, stroke(style)) };
        self.0.circle(point(center), f64::from(radius), fill, stroke);
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, corners: I, style: &S) -> Drawn {
        if let Some(fill) = fill(style) {
            self.0.area(&corners.into_iter().map(point).collect::<Vec<_>>(), Some(fill), None);
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Drawn {
        let size = font_size(style);
        let anchor = style.anchor();
        let below = match anchor.v_pos {
            VPos::Top => cap_height(size),
            VPos::Center => cap_height(size) / 2.0,
            VPos::Bottom => 0.0,
        };
        let turns = match style.transform() {
            FontTransform::None => 0,
            FontTransform::Rotate90 => 1,
            FontTransform::Rotate180 => 2,
            FontTransform::Rotate270 => 3,
        };
        let [x, y] = point(at);
        let at = match turns {
            0 => [x, y + below],
            1 => [x - below, y],
            2 => [x, y - below],
            _ => [x + below, y],
        };
        let anchor = match anchor.h_pos {
            HPos::Left => Anchor::Start,
            HPos::Center => Anchor::Middle,
            HPos::Right => Anchor::End,
        };
        self.0.text(Text { text: text.to_owned(), at, anchor, size, turns }, color(style.color()));
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let size = font_size(style);
        let measures = (text_width(text, size).ceil() as u32, size.ceil() as u32);
        let is_upright = matches!(style.transform(), FontTransform::None | FontTransform::Rotate180);
        Ok(if is_upright { measures } else { (measures.1, measures.0) })
    }
}

/// The size of letters in an em that `plotters` has for a height of lines.
fn font_size<S: BackendTextStyle>(style: &S) -> f64 {
    style.size() / 1.24
}
