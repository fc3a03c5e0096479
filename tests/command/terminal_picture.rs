//! `docs/pictures/terminal.svg`, the README's terminal, shows what its command prints.
//!
//! With `APPROX_EVAL_WRITE_DOCS` set, the test writes it: the program's own output with its colors, line by line.

use crate::common::Folder;
use crate::common::markdown::{is_sample, of_the_project};
use std::fmt::Write;

/// The command, which the README's begins with.
const ARGUMENTS: &str = "--lut mul8s_1L2H --compare quant";

/// Columns, and the sizes of a character in pixels.
const COLUMNS: usize = 80;
const WIDTH: f64 = 7.8;
const HEIGHT: f64 = 17.0;
const MARGIN: f64 = 18.0;

/// The styles of a terminal that the command uses, by the codes that begin them.
const STYLES: &[(&str, &str)] = &[
    ("1", " font-weight=\"bold\" fill=\"#ffffff\""),
    ("2", " fill=\"#8b949e\""),
    ("31", " fill=\"#ff7b72\""),
    ("32", " fill=\"#7ee787\""),
    ("33", " fill=\"#e3b341\""),
];

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A line with escape sequences as an SVG text at `row`.
fn drawn(line: &str, row: usize) -> String {
    let (mut spans, mut length) = (String::new(), 0);
    for (i, part) in line.split("\x1b[").enumerate() {
        let (code, text) = if i == 0 { ("0", part) } else { part.split_once('m').expect("a code of a style") };
        let style = STYLES.iter().find(|(other, _)| *other == code).map_or("", |(_, style)| *style);
        length += text.chars().count();
        if !text.is_empty() {
            write!(spans, "<tspan{style}>{}</tspan>", escaped(text)).unwrap();
        }
    }
    let (x, y, width) = (MARGIN, MARGIN + HEIGHT * (row as f64 + 0.8), WIDTH * length as f64);
    format!("<text x=\"{x}\" y=\"{y:.1}\" textLength=\"{width:.1}\" xml:space=\"preserve\">{spans}</text>\n")
}

fn picture(lines: &[&str]) -> String {
    let (width, height) = (2.0 * MARGIN + WIDTH * COLUMNS as f64, 2.0 * MARGIN + HEIGHT * lines.len() as f64);
    let texts: String =
        lines.iter().enumerate().filter(|(_, line)| !line.is_empty()).map(|(row, line)| drawn(line, row)).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <title>approx-eval {ARGUMENTS}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <g font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"13\" fill=\"#c9d1d9\">\n{texts}</g>\n\
         </svg>\n"
    )
}

/// The text of a picture, line by line, empty lines left out.
fn shown(svg: &str) -> String {
    let texts = svg.lines().filter(|line| line.starts_with("<text ")).map(|line| {
        let parts = line.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text);
        parts.collect::<String>().replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") + "\n"
    });
    texts.collect()
}

#[test]
fn terminal_shows_what_is_printed() {
    let run = Folder::new().run_to(0, &format!("--color always {ARGUMENTS}"));
    let prompt = format!("\x1b[32m$ \x1b[0mapprox-eval {ARGUMENTS}");
    let lines: Vec<&str> = std::iter::once(prompt.as_str()).chain(run.stdout.lines()).collect();
    let drawn = picture(&lines);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures/terminal.svg");
    if std::env::var_os("APPROX_EVAL_WRITE_DOCS").is_some() {
        std::fs::write(&path, &drawn).unwrap();
    }
    let committed = of_the_project("docs/pictures/terminal.svg");
    let (old, new) = (shown(&committed), shown(&drawn));
    assert!(is_sample(&old, &new), "docs/pictures/terminal.svg shows\n{old}and not\n{new}");
    assert!(of_the_project("README.md").contains(ARGUMENTS), "the README has another command");
}

#[test]
fn lines_are_read_back() {
    let svg = picture(&["\x1b[1ma\x1b[0m < b", "", "c & d"]);
    assert_eq!(shown(&svg), "a < b\nc & d\n");
    assert!(svg.contains("<tspan font-weight=\"bold\" fill=\"#ffffff\">a</tspan>"), "{svg}");
}
