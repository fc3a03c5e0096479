//! The page itself: one template, filled once.

use super::StudyPage;
use crate::printable::printable;
use crate::report::document::{Document, Section};
use std::fmt::Write as _;

const TEMPLATE: &str = include_str!("assets/page.html");

/// Styles, in the order in which they apply.
const STYLES: &[&str] = &[
    include_str!("assets/css/base.css"),
    include_str!("assets/css/parts.css"),
    include_str!("assets/css/charts.css"),
    include_str!("assets/css/print.css"),
];

/// The script, a function in one scope: each file uses only what stands before it.
const SCRIPTS: &[&str] = &[
    include_str!("assets/js/text.js"),
    include_str!("assets/js/dom.js"),
    include_str!("assets/js/study.js"),
    include_str!("assets/js/table.js"),
    include_str!("assets/js/assignment.js"),
    include_str!("assets/js/verdict.js"),
    include_str!("assets/js/axes.js"),
    include_str!("assets/js/tradeoff.js"),
    include_str!("assets/js/layers.js"),
    include_str!("assets/js/multipliers.js"),
    include_str!("assets/js/evaluations.js"),
    include_str!("assets/js/documents.js"),
    include_str!("assets/js/main.js"),
];

impl StudyPage {
    /// The page: one file that needs no other, and loads none.
    pub fn html(&self) -> String {
        let data = inert(&serde_json::to_string(self).expect("a page's data are JSON"));
        let style = STYLES.concat();
        let script = format!("'use strict';\n(() => {{\n{}}})();\n", SCRIPTS.concat());
        // Whoever wrote a name in the data cannot know the hash of all of it, and so cannot add a script.
        let nonce = blake3::hash([&data, &style, &script].map(String::as_str).concat().as_bytes()).to_hex();
        let fill = |part: &str| match part {
            "title" => escaped(&self.title),
            "nonce" => nonce.to_string(),
            "style" => style.clone(),
            "script" => script.clone(),
            "data" => data.clone(),
            "summary" => summary(self),
            part => unreachable!("the template has a part '{part}'"),
        };
        filled(TEMPLATE, fill)
    }
}

/// `template` with what `fill` has for each name in double braces. What is filled in is not read again.
fn filled(template: &str, fill: impl Fn(&str) -> String) -> String {
    let mut parts = template.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").expect("braces of the template are closed");
        text.push_str(&fill(name));
        text.push_str(rest);
    }
    text
}

/// Text as it stands in markup, attributes included.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// JSON that ends no element and starts no comment, whatever its texts are: outside of these, it has none of the
/// characters replaced.
fn inert(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// What the page says without a script: the tables of its document.
fn summary(page: &StudyPage) -> String {
    page.sections().iter().map(table).collect()
}

fn table(section: &Section) -> String {
    let mut html = String::from("<table>");
    if let Some(title) = &section.title {
        let _ = write!(html, "<caption>{}</caption>", escaped(title));
    }
    let row = |cells: &[String], element: &str| {
        let cell = |(i, text): (usize, &String)| {
            let class = if section.numeric.contains(&i) { " class=\"number\"" } else { "" };
            format!("<{element}{class}>{}</{element}>", escaped(text))
        };
        format!("<tr>{}</tr>", cells.iter().enumerate().map(cell).collect::<String>())
    };
    if !section.header.is_empty() {
        let _ = write!(html, "<thead>{}</thead>", row(&section.header, "th"));
    }
    let _ = writeln!(
        html,
        "<tbody>{}</tbody></table>",
        section.rows.iter().map(|cells| row(cells, "td")).collect::<String>()
    );
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::Network;

    const EVIL: &str = "</script><!--<img src=x onerror=alert(1)>&\"'\u{202e}";

    #[test]
    fn names_from_files_are_text_everywhere() {
        let network = Network { name: EVIL.to_owned(), model: EVIL.to_owned(), ..Network::default() };
        let page = StudyPage { title: EVIL.to_owned(), networks: vec![network], ..StudyPage::default() };
        let html = page.html();
        assert!(!html.contains("<img") && !html.contains("<!--") && !html.contains("</script><"));
        // Two scripts and two ends of them: the data and the program.
        assert_eq!((html.matches("<script").count(), html.matches("</script>").count()), (2, 2));
        assert!(html.contains("<title>&lt;/script&gt;&lt;!--&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;"));
        let (head, rest) = html.split_once("<script type=\"application/json\" id=\"study\">").unwrap();
        let (data, tail) = rest.split_once("</script>").unwrap();
        assert!(![head, tail].concat().contains('\u{202e}'));
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!((&data["title"], &data["networks"][0]["name"]), (&EVIL.into(), &EVIL.into()));
    }

    #[test]
    fn the_page_may_load_nothing() {
        let html = StudyPage::default().html();
        let policy = html.split("http-equiv=\"Content-Security-Policy\" content=\"").nth(1).unwrap();
        let policy = policy.split('"').next().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        for needle in ["http://", "https://", "@import", "url(", "eval(", "innerHTML", "document.write", " style="] {
            let found = html.find(needle).map(|at| &html[at..(at + 60).min(html.len())]);
            let allowed = ["http://www.w3.org/2000/svg", "url(#"];
            assert!(found.is_none_or(|found| allowed.iter().any(|start| found.starts_with(start))), "{found:?}");
        }
        // Only scripts and styles that know the page's hash run.
        let nonce = policy.split("script-src 'nonce-").nth(1).unwrap().split('\'').next().unwrap();
        assert_eq!((nonce.len(), html.matches(&format!("nonce=\"{nonce}\"")).count()), (64, 2));
    }

    #[test]
    fn what_is_filled_in_is_not_read_again() {
        assert_eq!(filled("a{{x}}b{{y}}", |name| format!("[{name}{{{{x}}}}]")), "a[x{{x}}]b[y{{x}}]");
    }
}
