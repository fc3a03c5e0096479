//! Shapes as outlines of lines and cubic curves, for formats that know nothing else.

use super::font::{draw, text_width};
use super::{Anchor, Shape, Text};
use ttf_parser::OutlineBuilder;

/// A step of an outline, to its last point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    Move([f32; 2]),
    Line([f32; 2]),
    Cubic([[f32; 2]; 3]),
    Close,
}

/// How far the handles of a quarter of a circle are from its ends, for a radius of 1.
const QUARTER: f64 = 0.552_284_75;

/// The outline of a shape.
pub(super) fn outline(shape: &Shape) -> Vec<Step> {
    match shape {
        Shape::Line { points, is_closed } => {
            let steps = points.iter().enumerate().map(|(i, &[x, y])| {
                let point = [x as f32, y as f32];
                if i == 0 { Step::Move(point) } else { Step::Line(point) }
            });
            steps.chain(is_closed.then_some(Step::Close)).collect()
        }
        Shape::Circle { center, radius } => circle(*center, *radius),
        Shape::Text(text) => letters(text),
    }
}

fn circle([x, y]: [f64; 2], radius: f64) -> Vec<Step> {
    let at = |[a, b]: [f64; 2]| [(x + a * radius) as f32, (y + b * radius) as f32];
    let quarter = |from: [f64; 2], to: [f64; 2]| {
        let handle = |end: [f64; 2], other: [f64; 2]| at([end[0] + QUARTER * other[0], end[1] + QUARTER * other[1]]);
        Step::Cubic([handle(from, to), handle(to, from), at(to)])
    };
    let ends = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0], [1.0, 0.0]];
    let quarters = ends.windows(2).map(|pair| quarter(pair[0], pair[1]));
    std::iter::once(Step::Move(at(ends[0]))).chain(quarters).chain([Step::Close]).collect()
}

fn letters(text: &Text) -> Vec<Step> {
    let width = text_width(&text.text, text.size);
    let start = match text.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => -width / 2.0,
        Anchor::End => -width,
    };
    let mut pen = Pen { steps: Vec::new(), last: [0.0; 2], text, start: start as f32 };
    draw(&text.text, text.size, &mut pen);
    pen.steps
}

/// A pen that turns a line of text about its point.
struct Pen<'a> {
    steps: Vec<Step>,
    last: [f32; 2],
    text: &'a Text,
    start: f32,
}

impl Pen<'_> {
    fn place(&self, x: f32, y: f32) -> [f32; 2] {
        let (x, y) = (x + self.start, y);
        let (x, y) = match self.text.turns % 4 {
            0 => (x, y),
            1 => (-y, x),
            2 => (-x, -y),
            _ => (y, -x),
        };
        [x + self.text.at[0] as f32, y + self.text.at[1] as f32]
    }
}

impl OutlineBuilder for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        self.last = self.place(x, y);
        self.steps.push(Step::Move(self.last));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.last = self.place(x, y);
        self.steps.push(Step::Line(self.last));
    }

    /// A parabola's cubic handles are two thirds of the way to its own.
    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let (handle, to) = (self.place(x1, y1), self.place(x, y));
        let towards = |end: [f32; 2]| [0, 1].map(|i| end[i] + (handle[i] - end[i]) * 2.0 / 3.0);
        self.steps.push(Step::Cubic([towards(self.last), towards(to), to]));
        self.last = to;
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.last = self.place(x, y);
        self.steps.push(Step::Cubic([self.place(x1, y1), self.place(x2, y2), self.last]));
    }

    fn close(&mut self) {
        self.steps.push(Step::Close);
    }
}
