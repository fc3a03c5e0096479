//! The figure: sized and lettered so that it can be read in one column of a paper.

use super::placement::{Area, Ground, place};
use super::scale::Scale;
use super::{Tradeoff, TradeoffPoint};
use crate::figure::{Anchor, Color, Figure, Stroke, Text, text_width};
use crate::printable::{cut, printable};
use crate::task::MetricUnit;

/// Width and height of the picture.
const SIZE: [f64; 2] = [520.0, 400.0];

/// Where the points are: left, top, right and bottom.
const PLOT: [f64; 4] = [66.0, 52.0, 506.0, 348.0];

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

/// Dashes of the lines of baselines, the first two of which differ.
const DASHES: [[f64; 2]; 2] = [[6.0, 3.0], [2.0, 2.5]];

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
}

impl<'a> Chart<'a> {
    fn new(of: &'a Tradeoff) -> Self {
        let [left, top, right, bottom] = PLOT;
        let unit = match of.metric().unit {
            MetricUnit::Percent => 100.0,
            MetricUnit::Fraction => 1.0,
        };
        let values = of.points.iter().flat_map(|point| [point.value, point.ci95[0], point.ci95[1]]);
        let values = values.chain(of.baselines.iter().map(|run| run.value)).map(move |value| value * unit);
        let costs = of.points.iter().map(|point| point.cost);
        Chart {
            of,
            x: Scale::around(costs, [0.0, f64::INFINITY], [left, right]),
            y: Scale::around(values, [0.0, unit], [bottom, top]),
            unit,
        }
    }

    fn at(&self, point: &TradeoffPoint) -> [f64; 2] {
        [self.x.at(point.cost), self.height(point.value)]
    }

    fn height(&self, value: f64) -> f64 {
        self.y.at(value * self.unit)
    }

    fn draw_axes(&self, figure: &mut Figure) {
        let [left, top, right, bottom] = PLOT;
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
        let metric = self.of.metric();
        let unit = if metric.unit == MetricUnit::Percent { " (%)" } else { "" };
        let (text, at) = (format!("{}{unit}", metric.title), [18.0, f64::midpoint(top, bottom)]);
        figure.text(Text { text, at, anchor: Anchor::Middle, size: LARGE, turns: 3 }, INK);
    }

    fn draw_baselines(&self, figure: &mut Figure) {
        for (i, run) in self.of.baselines.iter().enumerate() {
            let y = self.height(run.value);
            let dashes = Some(DASHES[i % DASHES.len()]);
            figure.line(&[[PLOT[0], y], [PLOT[2], y]], Stroke { color: GRAY, width: 1.3, dashes });
        }
    }

    /// The corners of the stairs that bound what is dominated.
    fn stairs(&self) -> Vec<[f64; 2]> {
        let mut front: Vec<[f64; 2]> =
            self.of.points.iter().filter(|point| point.on_front).map(|point| self.at(point)).collect();
        front.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let corners = front.windows(2).flat_map(|pair| [pair[0], [pair[1][0], pair[0][1]]]);
        let end = front.last().map(|&[_, y]| [PLOT[2], y]);
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
                let ([x, y], [low, high]) = (self.at(point), self.interval(point));
                let color = if is_on_front { BLUE } else { PALE };
                let stroke = Stroke::solid(color, 1.1);
                figure.line(&[[x, low], [x, high]], stroke);
                for end in [low, high] {
                    figure.line(&[[x - CAP, end], [x + CAP, end]], stroke);
                }
                let fill = if is_on_front { BLUE } else { WHITE };
                figure.circle([x, y], RADIUS, Some(fill), Some(Stroke::solid(color, 1.3)));
            }
        }
    }

    fn draw_labels(&self, figure: &mut Figure) {
        let mut points: Vec<&TradeoffPoint> = self.of.points.iter().collect();
        // The front's names are the first to find a place; from the left, so that places do not depend on files.
        points.sort_by(|a, b| b.on_front.cmp(&a.on_front).then(a.cost.total_cmp(&b.cost)).then(a.value.total_cmp(&b.value)));
        let baselines: Vec<String> = self.of.baselines.iter().map(|run| self.baseline_text(&run.label, run.value)).collect();
        let names: Vec<String> = points.iter().map(|point| shown(&point.label, LONGEST_LABEL)).collect();
        let size = |text: &str| [text_width(text, SMALL), SMALL];
        let (mut labels, mut ground) = (Vec::new(), self.ground());
        let lines = place(&self.baseline_places(&baselines), &ground);
        ground.taken.extend(lines.iter().flatten());
        for (text, area) in baselines.into_iter().zip(lines) {
            labels.extend(area.map(|area| (text, area, GRAY, None)));
        }
        let wanted: Vec<_> = points.iter().zip(&names).map(|(point, name)| (self.at(point), size(name))).collect();
        for ((name, area), point) in names.into_iter().zip(place(&wanted, &ground)).zip(&points) {
            labels.extend(area.map(|area| (name, area, INK, Some(self.at(point)))));
        }
        for (text, area, color, point) in labels {
            if let Some(point) = point {
                draw_leader(figure, point, &area);
            }
            write(figure, text, [area.left, area.top + 0.82 * SMALL], Anchor::Start, SMALL, color);
        }
    }

    /// What the labels of points keep away from.
    fn ground(&self) -> Ground {
        let [left, top, right, bottom] = PLOT;
        let marker = |point: &TradeoffPoint| {
            let ([x, y], side) = (self.at(point), 2.0 * RADIUS + 1.0);
            Area { left: x - side / 2.0, top: y - side / 2.0, width: side, height: side }
        };
        let bar = |point: &TradeoffPoint| {
            let ([x, _], [low, high]) = (self.at(point), self.interval(point));
            Area { left: x - CAP, top: high, width: 2.0 * CAP, height: low - high }
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
            taken: self.of.points.iter().map(marker).collect(),
            lines: self.of.points.iter().map(bar).chain(baselines).chain(stairs.windows(2).map(step)).collect(),
        }
    }

    fn baseline_text(&self, label: &str, value: f64) -> String {
        format!("{} {}", shown(label, LONGEST_LABEL), self.of.metric().text(value))
    }

    /// Places of the lines' labels, at their right ends: the point that each is beside, and its size.
    fn baseline_places(&self, texts: &[String]) -> Vec<([f64; 2], [f64; 2])> {
        let places = self.of.baselines.iter().zip(texts).map(|(run, text)| {
            let width = text_width(text, SMALL);
            ([PLOT[2] - width / 2.0 - 4.0, self.height(run.value)], [width, SMALL])
        });
        places.collect()
    }

    fn draw_legend(&self, figure: &mut Figure) {
        let [left, top, ..] = PLOT;
        let subjects: Vec<&str> = self.of.subjects.iter().map(String::as_str).collect();
        write(figure, shown(&subjects.join("; "), LONGEST_TITLE), [left, 16.0], Anchor::Start, LARGE, INK);
        let y = top - 14.0;
        let mut x = left;
        let mut entry = |figure: &mut Figure, text: &str, draw: &dyn Fn(&mut Figure, f64)| {
            draw(figure, x);
            write(figure, text.to_owned(), [x + 24.0, y + 4.0], Anchor::Start, SMALL, INK);
            x += 24.0 + text_width(text, SMALL) + 16.0;
        };
        entry(figure, "multiplier, 95 % interval", &|figure, x| {
            let stroke = Stroke::solid(BLUE, 1.1);
            figure.line(&[[x + 9.0, y - 7.0], [x + 9.0, y + 7.0]], stroke);
            for end in [y - 7.0, y + 7.0] {
                figure.line(&[[x + 9.0 - CAP, end], [x + 9.0 + CAP, end]], stroke);
            }
            figure.circle([x + 9.0, y], RADIUS, Some(BLUE), Some(Stroke::solid(BLUE, 1.3)));
        });
        if self.of.points.iter().any(|point| !point.on_front) {
            entry(figure, "dominated", &|figure, x| {
                figure.circle([x + 9.0, y], RADIUS, Some(WHITE), Some(Stroke::solid(PALE, 1.3)));
            });
        }
        entry(figure, "Pareto front", &|figure, x| {
            figure.line(&[[x, y], [x + 18.0, y]], Stroke::solid(ORANGE, 1.6));
        });
    }
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
