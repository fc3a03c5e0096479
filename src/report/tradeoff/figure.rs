//! The figure: sized and lettered so that it can be read in one column of a paper.

use super::placement::{Area, Ground, place};
use super::scale::Scale;
use super::{Tradeoff, TradeoffBaseline, TradeoffPoint};
use crate::figure::{Anchor, Color, Figure, Stroke, Text, text_width};
use crate::printable::{cut, printable};
use crate::task::MetricUnit;

/// Width and height of the picture.
const SIZE: [f64; 2] = [520.0, 420.0];

/// Where the points are, below the legend: left, right and bottom.
const LEFT: f64 = 66.0;
const RIGHT: f64 = 506.0;
const BOTTOM: f64 = 356.0;

/// Sizes of letters.
const SMALL: f64 = 11.0;
const NORMAL: f64 = 12.0;
const LARGE: f64 = 13.0;

/// Radius of a point.
const RADIUS: f64 = 3.6;

/// Half the width of the ends of an interval.
const CAP: f64 = 3.0;

/// Bytes of a name that fit beside a point, and above the picture.
const LONGEST_LABEL: usize = 32;
const LONGEST_TITLE: usize = 60;

const INK: Color = Color::new(34, 34, 34);
const GRID: Color = Color::new(228, 228, 228);
const BLUE: Color = Color::new(31, 95, 168);
const PALE: Color = Color::new(140, 170, 205);
const ORANGE: Color = Color::new(214, 116, 30);
const GRAY: Color = Color::new(110, 110, 110);
const WHITE: Color = Color::new(255, 255, 255);

/// Dashes and colors of the lines of baselines.
const DASHES: [[f64; 2]; 2] = [[6.0, 3.0], [2.0, 2.5]];
const BASELINES: [Color; 3] = [GRAY, Color::new(120, 60, 140), Color::new(30, 130, 90)];

/// The first row of the legend, the distance of rows, and the width of a sign.
const LEGEND: f64 = 38.0;
const ROW: f64 = 18.0;
const SIGN: f64 = 24.0;

impl Tradeoff {
    /// The figure.
    pub fn figure(&self) -> Figure {
        let mut figure = Figure::new(SIZE[0], SIZE[1]);
        let chart = Chart::new(self);
        chart.draw_axes(&mut figure);
        chart.draw_baselines(&mut figure);
        chart.draw_front(&mut figure);
        chart.draw_points(&mut figure);
        chart.draw_labels(&mut figure);
        chart.draw_legend(&mut figure);
        figure
    }
}

/// A trade-off and its axes.
struct Chart<'a> {
    of: &'a Tradeoff,
    x: Scale,
    y: Scale,
    /// What values are multiplied by.
    unit: f64,
    legend: Vec<Entry>,
    top: f64,
}

impl<'a> Chart<'a> {
    fn new(of: &'a Tradeoff) -> Self {
        let legend = legend(of);
        let top = legend.last().map_or(LEGEND, |entry| entry.at[1]) + ROW;
        let unit = match of.metric().unit {
            MetricUnit::Percent => 100.0,
            MetricUnit::Fraction => 1.0,
        };
        let values = of.points.iter().flat_map(|point| [point.value, point.ci95[0], point.ci95[1]]);
        let values = values.chain(of.baselines.iter().map(|run| run.value)).map(move |value| value * unit);
        let costs = of.points.iter().map(|point| point.cost);
        Chart {
            of,
            x: Scale::around(costs, [0.0, f64::INFINITY], [LEFT, RIGHT]),
            y: Scale::around(values, [0.0, unit], [BOTTOM, top]),
            unit,
            legend,
            top,
        }
    }

    fn at(&self, point: &TradeoffPoint) -> [f64; 2] {
        [self.x.at(point.cost), self.height(point.value)]
    }

    fn height(&self, value: f64) -> f64 {
        self.y.at(value * self.unit)
    }

    fn draw_axes(&self, figure: &mut Figure) {
        let (left, top, right, bottom) = (LEFT, self.top, RIGHT, BOTTOM);
        let (ticks, decimals) = self.x.ticks();
        for tick in ticks {
            let x = self.x.at(tick);
            figure.line(&[[x, top], [x, bottom]], Stroke::solid(GRID, 1.0));
            figure.line(&[[x, bottom], [x, bottom + 4.0]], Stroke::solid(INK, 1.0));
            write(figure, format!("{tick:.decimals$}"), [x, bottom + 18.0], Anchor::Middle, NORMAL, INK);
        }
        let (ticks, decimals) = self.y.ticks();
        for tick in ticks {
            let y = self.y.at(tick);
            figure.line(&[[left, y], [right, y]], Stroke::solid(GRID, 1.0));
            figure.line(&[[left - 4.0, y], [left, y]], Stroke::solid(INK, 1.0));
            write(figure, format!("{tick:.decimals$}"), [left - 8.0, y + 4.4], Anchor::End, NORMAL, INK);
        }
        figure.line(&[[left, top], [left, bottom], [right, bottom]], Stroke::solid(INK, 1.2));
        let middle = f64::midpoint(left, right);
        write(figure, self.of.x.title().to_owned(), [middle, bottom + 40.0], Anchor::Middle, LARGE, INK);
        let source = format!("by {}", shown(&self.of.source, LONGEST_TITLE));
        write(figure, source, [middle, bottom + 56.0], Anchor::Middle, SMALL, GRAY);
        let metric = self.of.metric();
        let unit = if metric.unit == MetricUnit::Percent { " (%)" } else { "" };
        let (text, at) = (format!("{}{unit}", metric.title), [18.0, f64::midpoint(top, bottom)]);
        figure.text(Text { text, at, anchor: Anchor::Middle, size: LARGE, turns: 3 }, INK);
    }

    fn draw_baselines(&self, figure: &mut Figure) {
        for (i, run) in self.of.baselines.iter().enumerate() {
            let y = self.height(run.value);
            figure.line(&[[LEFT, y], [RIGHT, y]], baseline_stroke(i));
        }
    }

    /// The corners of the stairs that bound what is dominated.
    fn stairs(&self) -> Vec<[f64; 2]> {
        let mut front: Vec<[f64; 2]> =
            self.of.points.iter().filter(|point| point.on_front).map(|point| self.at(point)).collect();
        front.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let corners = front.windows(2).flat_map(|pair| [pair[0], [pair[1][0], pair[0][1]]]);
        let end = front.last().map(|&[_, y]| [RIGHT, y]);
        corners.chain(front.last().copied()).chain(end).collect()
    }

    fn draw_front(&self, figure: &mut Figure) {
        figure.line(&self.stairs(), Stroke::solid(ORANGE, 1.6));
    }

    /// The ends of a point's interval.
    fn interval(&self, point: &TradeoffPoint) -> [f64; 2] {
        point.ci95.map(|end| self.height(end))
    }

    fn draw_points(&self, figure: &mut Figure) {
        // Those of the front lie on top.
        for is_on_front in [false, true] {
            for point in self.of.points.iter().filter(|point| point.on_front == is_on_front) {
                draw_point(figure, self.at(point), self.interval(point), is_on_front);
            }
        }
    }

    fn draw_labels(&self, figure: &mut Figure) {
        let mut points: Vec<&TradeoffPoint> = self.of.points.iter().collect();
        // The front's names are the first to find a place; from the left, so that the order of files does not matter.
        let place_of = |point: &TradeoffPoint| (!point.on_front, point.cost, point.value);
        points.sort_by(|a, b| {
            let (a, b) = (place_of(a), place_of(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.total_cmp(&b.2))
        });
        let names: Vec<String> = points.iter().map(|point| shown(&point.label, LONGEST_LABEL)).collect();
        let wanted = points.iter().zip(&names).map(|(point, name)| (self.at(point), [text_width(name, SMALL), SMALL]));
        let places = place(&wanted.collect::<Vec<_>>(), &self.ground());
        for ((point, name), area) in points.iter().zip(names).zip(places) {
            let Some(area) = area else { continue };
            draw_leader(figure, self.at(point), &area);
            figure.area(&area.corners(), Some(Color { opacity: 0.75, ..WHITE }), None);
            write(figure, name, [area.left, area.top + 0.82 * SMALL], Anchor::Start, SMALL, INK);
        }
    }

    /// What the labels of points keep away from.
    fn ground(&self) -> Ground {
        let (left, top, right, bottom) = (LEFT, self.top, RIGHT, BOTTOM);
        let marker = |point: &TradeoffPoint| {
            let ([x, y], side) = (self.at(point), 2.0 * RADIUS + 1.0);
            Area { left: x - side / 2.0, top: y - side / 2.0, width: side, height: side }
        };
        let bar = |point: &TradeoffPoint| {
            let ([x, _], [low, high]) = (self.at(point), self.interval(point));
            Area { left: x - CAP, top: high, width: 2.0 * CAP, height: low - high }
        };
        let caps = |point: &TradeoffPoint| {
            let x = self.x.at(point.cost);
            self.interval(point).map(|end| Area { left: x - CAP, top: end - 1.5, width: 2.0 * CAP, height: 3.0 })
        };
        let line = |value: f64| Area { left, top: self.height(value) - 0.5, width: right - left, height: 1.0 };
        let stairs = self.stairs();
        let step = |pair: &[[f64; 2]]| {
            let ([x1, y1], [x2, y2]) = (pair[0], pair[1]);
            let (left, top) = (x1.min(x2) - 0.5, y1.min(y2) - 0.5);
            Area { left, top, width: (x1 - x2).abs() + 1.0, height: (y1 - y2).abs() + 1.0 }
        };
        let baselines = self.of.baselines.iter().map(|run| line(run.value));
        Ground {
            bounds: Area { left: left + 2.0, top, width: right - left - 2.0, height: bottom - top - 2.0 },
            taken: self.of.points.iter().map(marker).chain(self.of.points.iter().flat_map(caps)).collect(),
            lines: self.of.points.iter().map(bar).chain(baselines).chain(stairs.windows(2).map(step)).collect(),
        }
    }

    fn draw_legend(&self, figure: &mut Figure) {
        let subjects: Vec<&str> = self.of.subjects.iter().map(String::as_str).collect();
        write(figure, shown(&subjects.join("; "), LONGEST_TITLE), [LEFT, 18.0], Anchor::Start, LARGE, INK);
        for Entry { sign, text, at: [x, y] } in &self.legend {
            sign.draw(figure, [*x, *y]);
            write(figure, text.clone(), [x + SIGN, y + 4.0], Anchor::Start, SMALL, INK);
        }
    }
}

/// An entry of the legend.
struct Entry {
    sign: Sign,
    text: String,
    at: [f64; 2],
}

/// What stands for what, in as many rows as that takes.
fn legend(of: &Tradeoff) -> Vec<Entry> {
    let dominated =
        of.points.iter().any(|point| !point.on_front).then_some((Sign::Point(false), "dominated".to_owned()));
    let baseline = |(i, run): (usize, &TradeoffBaseline)| {
        let text = format!("{} {}", shown(&run.label, LONGEST_LABEL), of.metric().text(run.value));
        (Sign::Line(baseline_stroke(i)), text)
    };
    let entries = std::iter::once((Sign::Point(true), "multiplier, 95 % interval".to_owned()))
        .chain(dominated)
        .chain([(Sign::Line(Stroke::solid(ORANGE, 1.6)), "Pareto front".to_owned())])
        .chain(of.baselines.iter().enumerate().map(baseline));
    let [mut x, mut y] = [LEFT, LEGEND];
    let entry = |(sign, text): (Sign, String)| {
        let width = SIGN + text_width(&text, SMALL);
        if x > LEFT && x + width > RIGHT {
            [x, y] = [LEFT, y + ROW];
        }
        let at = [x, y];
        x += width + 16.0;
        Entry { sign, text, at }
    };
    entries.map(entry).collect()
}

/// What stands before a text of the legend.
enum Sign {
    Point(bool),
    Line(Stroke),
}

impl Sign {
    fn draw(&self, figure: &mut Figure, [x, y]: [f64; 2]) {
        match *self {
            Sign::Point(is_on_front) => draw_point(figure, [x + 9.0, y], [y - 7.0, y + 7.0], is_on_front),
            Sign::Line(stroke) => figure.line(&[[x, y], [x + 18.0, y]], stroke),
        }
    }
}

/// The line of baseline `i`.
fn baseline_stroke(i: usize) -> Stroke {
    Stroke { color: BASELINES[i / DASHES.len() % BASELINES.len()], width: 1.3, dashes: Some(DASHES[i % DASHES.len()]) }
}

/// A point with its interval.
fn draw_point(figure: &mut Figure, [x, y]: [f64; 2], [low, high]: [f64; 2], is_on_front: bool) {
    let (color, fill) = if is_on_front { (BLUE, BLUE) } else { (PALE, WHITE) };
    let stroke = Stroke::solid(color, 1.1);
    figure.line(&[[x, low], [x, high]], stroke);
    for end in [low, high] {
        figure.line(&[[x - CAP, end], [x + CAP, end]], stroke);
    }
    figure.circle([x, y], RADIUS, Some(fill), Some(Stroke::solid(color, 1.3)));
}

/// A thin line from a label that is not right beside its point.
fn draw_leader(figure: &mut Figure, point: [f64; 2], area: &Area) {
    let end = area.nearest(point);
    let [dx, dy] = [end[0] - point[0], end[1] - point[1]];
    let distance = dx.hypot(dy);
    if distance > 12.0 {
        let start = [point[0] + dx / distance * RADIUS, point[1] + dy / distance * RADIUS];
        figure.line(&[start, end], Stroke::solid(GRAY, 0.6));
    }
}

fn write(figure: &mut Figure, text: String, at: [f64; 2], anchor: Anchor, size: f64, color: Color) {
    figure.text(Text { text, at, anchor, size, turns: 0 }, color);
}

/// A name from a file, as a picture may show it.
fn shown(name: &str, longest: usize) -> String {
    printable(&cut(name, longest)).into_owned()
}
