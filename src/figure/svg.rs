//! SVG: shapes as they are, text as text, which programs for drawings can edit.

use super::{Anchor, Color, Figure, FigureFormat, Mark, Shape, Text};
use crate::registry::Named;
use std::fmt::Write;

#[derive(Debug)]
pub(super) struct Svg;

impl Named for Svg {
    fn name(&self) -> &'static str {
        "svg"
    }
}

impl FigureFormat for Svg {
    fn encode(&self, figure: &Figure) -> Vec<u8> {
        let [width, height] = figure.size.map(number);
        // Fonts of the same widths as the program's own come first.
        let mut svg = format!(
            "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             xmlns=\"http://www.w3.org/2000/svg\" font-family=\"DejaVu Sans, Verdana, sans-serif\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#FFFFFF\"/>\n"
        );
        figure.marks.iter().for_each(|mark| write_mark(&mut svg, mark));
        svg.push_str("</svg>\n");
        svg.into_bytes()
    }
}

fn write_mark(svg: &mut String, mark: &Mark) {
    let style = style(mark);
    // Memory does not fail.
    let _ = match &mark.shape {
        Shape::Line { points, is_closed } => {
            let points: Vec<String> = points.iter().map(|&[x, y]| format!("{},{}", number(x), number(y))).collect();
            let element = if *is_closed { "polygon" } else { "polyline" };
            writeln!(svg, "<{element} points=\"{}\"{style}/>", points.join(" "))
        }
        Shape::Circle { center: [x, y], radius } => {
            writeln!(svg, "<circle cx=\"{}\" cy=\"{}\" r=\"{}\"{style}/>", number(*x), number(*y), number(*radius))
        }
        Shape::Text(text) => writeln!(svg, "{}", element(text, &style)),
    };
}

fn element(text: &Text, style: &str) -> String {
    let [x, y] = text.at.map(number);
    let anchor = match text.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let turned = match text.turns % 4 {
        0 => String::new(),
        turns => format!(" transform=\"rotate({} {x} {y})\"", 90 * u16::from(turns)),
    };
    let (size, text) = (number(text.size), escaped(&text.text));
    format!("<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"{anchor}\"{turned}{style}>{text}</text>")
}

fn style(mark: &Mark) -> String {
    let fill = paint("fill", mark.fill);
    let Some(stroke) = mark.stroke else { return fill };
    let (color, width) = (paint("stroke", Some(stroke.color)), number(stroke.width));
    let dashes = stroke.dashes.map(|[dash, gap]| format!(" stroke-dasharray=\"{} {}\"", number(dash), number(gap)));
    format!("{fill}{color} stroke-width=\"{width}\"{}", dashes.unwrap_or_default())
}

fn paint(what: &str, color: Option<Color>) -> String {
    let Some(Color { rgb: [red, green, blue], opacity }) = color else { return format!(" {what}=\"none\"") };
    let opacity = if opacity < 1.0 { format!(" {what}-opacity=\"{}\"", number(opacity)) } else { String::new() };
    format!(" {what}=\"#{red:02X}{green:02X}{blue:02X}\"{opacity}")
}

/// A length to a hundredth of a pixel.
fn number(x: f64) -> String {
    ((x * 100.0).round() / 100.0 + 0.0).to_string()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            _ => escaped.push(c),
        }
    }
    escaped
}
