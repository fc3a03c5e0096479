//! Figures in every format: their sizes, and shapes where they belong.

use super::*;
use crate::cases::for_each_case;
use tiny_skia::Pixmap;

const RED: Color = Color::new(200, 30, 20);
const BLACK: Color = Color::new(0, 0, 0);

fn text(text: &str, at: [f64; 2], anchor: Anchor, turns: u8) -> Text {
    Text { text: text.to_owned(), at, anchor, size: 20.0, turns }
}

fn encoded(name: &str, figure: &Figure) -> Vec<u8> {
    figure_format(Path::new(name)).unwrap().encode(figure)
}

fn image(figure: &Figure) -> Pixmap {
    Pixmap::decode_png(&encoded("f.png", figure)).unwrap()
}

/// The rectangle of what is not white, in pixels of the picture: left, top, right, bottom.
fn ink(figure: &Figure) -> [f64; 4] {
    let image = image(figure);
    let dark = image.pixels().iter().enumerate().filter(|(_, pixel)| pixel.red() < 128 || pixel.green() < 128);
    let places: Vec<[f64; 2]> =
        dark.map(|(i, _)| [i as u32 % image.width(), i as u32 / image.width()].map(|x| f64::from(x) / 3.0)).collect();
    let along = |axis: usize| places.iter().map(move |place| place[axis]);
    let (low, high) = (|axis| along(axis).fold(f64::MAX, f64::min), |axis| along(axis).fold(f64::MIN, f64::max));
    [low(0), low(1), high(0), high(1)]
}

#[test]
fn formats_are_told_by_the_ending() {
    for (path, name) in [("a.svg", "svg"), ("b/c.PNG", "png"), ("d.e.pdf", "pdf")] {
        assert_eq!(figure_format(Path::new(path)).unwrap().name(), name);
    }
    for path in ["a.jpg", "svg", ""] {
        let message = figure_format(Path::new(path)).unwrap_err().to_string();
        assert_eq!(
            message,
            format!(
                "'{path}': figures are written as SVG, PNG or PDF: expected a file name that ends in .svg, .png or .pdf"
            )
        );
    }
}

/// Advances of DejaVu Sans as its table `hmtx` has them: 1995 of 2048 units for an m, 1303 for a digit.
#[test]
fn widths_are_those_of_the_font() {
    assert_eq!(text_width("mm", 2048.0), 2.0 * 1995.0);
    assert_eq!(text_width("0.95", 2048.0), 3.0 * 1303.0 + 651.0);
}

/// An H is 1493 units high.
#[test]
fn heights_are_those_of_the_font() {
    assert_eq!(font::cap_height(2048.0), 1493.0);
}

#[test]
fn text_is_where_it_is_anchored() {
    let width = text_width("HHHH", 20.0);
    let cases = [
        (Anchor::Start, 0, [100.0, 100.0 - 14.6, 100.0 + width, 100.0]),
        (Anchor::Middle, 0, [100.0 - width / 2.0, 85.4, 100.0 + width / 2.0, 100.0]),
        (Anchor::End, 0, [100.0 - width, 85.4, 100.0, 100.0]),
        (Anchor::Start, 1, [100.0, 100.0, 114.6, 100.0 + width]),
        (Anchor::Start, 3, [85.4, 100.0 - width, 100.0, 100.0]),
    ];
    for_each_case(cases, |(anchor, turns, expected)| {
        let mut figure = Figure::new(200.0, 200.0);
        figure.text(text("HHHH", [100.0, 100.0], anchor, turns), BLACK);
        let found = ink(&figure);
        // Letters have some room at their sides.
        let are_close = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 2.5);
        assert!(are_close, "{anchor:?}, {turns}: {found:?}, expected {expected:?}");
    });
}

#[test]
fn images_have_three_pixels_for_one_and_the_colors_asked_for() {
    let mut figure = Figure::new(40.0, 30.0);
    figure.area(&[[10.0, 10.0], [20.0, 10.0], [20.0, 20.0], [10.0, 20.0]], Some(RED), None);
    figure.circle([30.0, 15.0], 5.0, Some(BLACK), None);
    let bytes = encoded("f.png", &figure);
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes[16..24] == [0, 0, 0, 120, 0, 0, 0, 90]);
    let image = image(&figure);
    let at = |x: u32, y: u32| image.pixel(3 * x + 1, 3 * y + 1).map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]);
    assert_eq!([at(15, 15), at(30, 15), at(5, 5)], [Some(RED.rgb), Some([0; 3]), Some([255; 3])]);
    assert_eq!(at(25, 10), Some([255; 3]), "outside the circle, inside its square");
}

#[test]
fn pages_are_as_large_as_the_picture_and_hold_curves_alone() {
    let mut figure = Figure::new(400.0, 200.0);
    figure.text(text("a%b", [10.0, 20.0], Anchor::Start, 0), RED);
    figure.line(&[[0.0, 0.0], [400.0, 200.0]], Stroke { color: BLACK, width: 2.0, dashes: Some([4.0, 2.0]) });
    figure.area(&[[0.0; 2], [5.0; 2], [5.0, 0.0]], Some(Color { opacity: 0.5, ..RED }), None);
    let bytes = encoded("f.pdf", &figure);
    assert!(bytes.starts_with(b"%PDF-1.") && bytes.trim_ascii_end().ends_with(b"%%EOF"));
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("/MediaBox [0 0 300 150]") && text.contains("/ca 0.5") && !text.contains("/Font"), "{text}");
    let start = text.find("stream\n").unwrap();
    let offset = bytes.windows(7).position(|window| window == b"stream\n").unwrap() + 7;
    assert!(start > 0);
    let mut content = String::new();
    std::io::Read::read_to_string(&mut flate2::read::ZlibDecoder::new(&bytes[offset..]), &mut content).unwrap();
    let lines: Vec<&str> = content.lines().collect();
    assert_eq!(lines[0], "0.75 0 0 -0.75 0 150 cm");
    assert!(lines.contains(&"[4 2] 0 d") && lines.contains(&"400 200 l"), "{content}");
    assert!(lines.iter().filter(|line| line.ends_with(" c")).count() > 10, "letters are curves");
}

#[test]
fn text_of_svg_is_text() {
    let mut figure = Figure::new(40.0, 30.0);
    figure.text(text("a<b & \"c\"", [10.0, 20.005], Anchor::End, 3), BLACK);
    let svg = String::from_utf8(encoded("f.svg", &figure)).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(
        svg.contains(
            "text-anchor=\"end\" transform=\"rotate(270 10 20.01)\" fill=\"#000000\">a&lt;b &amp; \"c\"</text>"
        ),
        "{svg}"
    );
}

#[test]
fn pictures_are_the_same_every_time() {
    let mut figure = Figure::new(40.0, 30.0);
    figure.text(text("x", [10.0, 20.0], Anchor::Start, 0), BLACK);
    for name in ["f.svg", "f.png", "f.pdf"] {
        assert_eq!(encoded(name, &figure), encoded(name, &figure));
    }
}
