//! What the project's documents say, for tests that hold them to it.

use std::path::Path;

/// The text of one of the project's files.
pub fn of_the_project(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Contents of the fenced blocks of a language, one a block.
pub fn blocks(markdown: &str, language: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let mut inside = None;
    for line in markdown.lines() {
        match (line.strip_prefix("```"), inside) {
            (Some(_), Some(_)) => inside = None,
            (Some(info), None) => {
                inside = Some(info == language);
                blocks.extend((info == language).then(String::new));
            }
            (None, Some(true)) => blocks.last_mut().unwrap().extend([line, "\n"]),
            (None, _) => (),
        }
    }
    blocks
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
