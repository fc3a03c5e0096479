//! What the project's documents say, for tests that hold them to it.

use std::path::Path;

/// The text of one of the project's files.
pub fn of_the_project(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Languages and contents of the fenced blocks, in their order.
pub fn fenced(markdown: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut is_inside = false;
    for line in markdown.lines() {
        match (line.strip_prefix("```"), is_inside) {
            (Some(_), true) => is_inside = false,
            (Some(info), false) => {
                is_inside = true;
                blocks.push((info.to_owned(), String::new()));
            }
            (None, true) => blocks.last_mut().unwrap().1.extend([line, "\n"]),
            (None, false) => (),
        }
    }
    blocks
}

/// Contents of the fenced blocks of a language, one a block.
pub fn blocks(markdown: &str, language: &str) -> Vec<String> {
    fenced(markdown).into_iter().filter(|(other, _)| other == language).map(|(_, content)| content).collect()
}

/// Whether `printed` is what `sample` shows: its lines in their order, with anything in the place of a line `...`. What
/// a clock or the processor says, on either side, is left out.
pub fn is_sample(sample: &str, printed: &str) -> bool {
    let steady = |text: &str| -> Vec<String> {
        let lines = text.lines().map(str::trim_end).filter(|line| !line.contains("images/s"));
        lines.map(str::to_owned).collect()
    };
    let (sample, printed) = (steady(sample), steady(printed));
    let mut parts = sample.split(|line| line == "...");
    let Some(mut rest) = printed.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let (mut parts, is_whole) = (parts.collect::<Vec<_>>(), !sample.iter().any(|line| line == "..."));
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(place) = (0..=rest.len()).find(|&place| rest[place..].starts_with(part)) else { return false };
        rest = &rest[place + part.len()..];
    }
    if is_whole { rest.is_empty() } else { rest.ends_with(last) }
}

/// Rows of the table whose header begins with `name`, field by field.
pub fn table(markdown: &str, name: &str) -> Vec<Vec<String>> {
    let header = format!("| {name} |");
    let lines = markdown.lines().skip_while(|line| !line.starts_with(&header)).skip(2);
    let fields = |line: &str| line.trim_matches('|').split('|').map(|field| field.trim().to_owned()).collect();
    lines.take_while(|line| line.starts_with('|')).map(fields).collect()
}

#[test]
fn parts_are_found() {
    let text = "a\n```sh\nx\ny\n```\n```yaml\nz\n```\n\n| b | c |\n| --- | --- |\n| 1 | 2 |\n\n| d |\n";
    assert_eq!(blocks(text, "sh"), ["x\ny\n"]);
    assert_eq!(table(text, "b"), [["1", "2"]]);
}

#[test]
fn samples_may_leave_lines_out() {
    let printed = "a\nb\ntime 1 images/s\nc\nd\n";
    for sample in ["a\nb\nc\nd\n", "a\n...\nd\n", "...\nb\nc\n...\n", "a\nb\ntime 2 images/s\n...\n", "...\n"] {
        assert!(is_sample(sample, printed), "{sample}");
    }
    for sample in ["a\nb\n", "a\n...\nc\n", "...\nc\nb\n...\n", "b\n...\n", "a\n...\nd\ne\n", ""] {
        assert!(!is_sample(sample, printed), "{sample}");
    }
}
