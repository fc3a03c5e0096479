//! Documents that other commands write beside the journals, as a page shows them.
//!
//! Whatever a document has is shown: numbers and texts as facts, lists of objects as tables. So a document that has
//! gained a field, or one of a kind that is not known here, is readable all the same. Only figures know fields by name.

mod search;
mod sensitivity;

use crate::report::html::{StudyDocument, StudyTable};
use serde_json::{Map, Value};

/// Kinds of documents that belong to a study.
const KINDS: &[&str] = &["sensitivity", "search", "rank", "correct", "advise"];

/// Rows of a table, and facts, that are shown at most.
const MOST: usize = 2000;

/// The document in `json`, from the file `file`; `None` where it is of no study.
pub(super) fn read(json: &Value, file: String) -> Option<StudyDocument> {
    let fields = json.as_object()?;
    let kind = fields.get("kind")?.as_str().filter(|kind| KINDS.contains(kind))?;
    let name = |value: &Value| value.as_str().or_else(|| value.get("name")?.as_str()).map(str::to_owned);
    let mut document = StudyDocument {
        kind: kind.to_owned(),
        file,
        network: ["model", "network"].iter().find_map(|key| name(fields.get(*key)?)),
        facts: facts(fields),
        ..StudyDocument::default()
    };
    match kind {
        "sensitivity" => sensitivity::read(json, &mut document),
        "search" => search::read(json, &mut document),
        _ => {}
    }
    if document.tables.is_empty() {
        document.tables = tables(fields);
    }
    Some(document)
}

/// Numbers and texts, those of nested objects by their path.
fn facts(fields: &Map<String, Value>) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    for (name, value) in
        fields.iter().filter(|(name, _)| !["schema", "kind", "tool", "config"].contains(&name.as_str()))
    {
        match value {
            Value::Object(inner) => facts.extend(
                inner
                    .iter()
                    .filter_map(|(inner, value)| Some((format!("{}, {}", words(name), words(inner)), scalar(value)?))),
            ),
            value => facts.extend(scalar(value).map(|text| (words(name), text))),
        }
    }
    facts.truncate(MOST);
    facts
}

/// A table for every list of objects.
fn tables(fields: &Map<String, Value>) -> Vec<StudyTable> {
    let lists = fields.iter().filter_map(|(name, value)| Some((name, objects(value)?)));
    lists.map(|(name, rows)| table(words(name), &rows)).collect()
}

fn objects(value: &Value) -> Option<Vec<&Map<String, Value>>> {
    let list = value.as_array().filter(|list| !list.is_empty())?;
    list.iter().take(MOST).map(Value::as_object).collect()
}

fn table(caption: String, rows: &[&Map<String, Value>]) -> StudyTable {
    let mut keys: Vec<&String> = Vec::new();
    for (key, value) in rows.iter().flat_map(|row| row.iter()) {
        if !keys.contains(&key) && cell(value).is_some() {
            keys.push(key);
        }
    }
    let row = |row: &&Map<String, Value>| {
        keys.iter().map(|key| row.get(*key).and_then(cell).unwrap_or_default()).collect::<Vec<_>>()
    };
    let is_number = |key: &&String| {
        let mut values = rows.iter().filter_map(|row| row.get(*key)).filter(|value| !value.is_null()).peekable();
        values.peek().is_some() && values.all(Value::is_number)
    };
    let numeric = keys.iter().enumerate().filter(|(_, key)| is_number(key)).map(|(i, _)| i).collect();
    StudyTable {
        caption,
        header: keys.iter().map(|key| words(key)).collect(),
        rows: rows.iter().map(row).collect(),
        numeric,
    }
}

/// A cell: a number or text, or a short list of these.
fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Array(list) if list.len() <= 4 => {
            let parts: Option<Vec<String>> = list.iter().map(scalar).collect();
            parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join(" to "))
        }
        value => scalar(value),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(is) => Some(if *is { "yes" } else { "no" }.to_owned()),
        Value::Number(number) => Some(match number.as_f64().filter(|_| number.is_f64()) {
            Some(x) => short(x),
            None => number.to_string(),
        }),
        _ => None,
    }
}

/// A number to six significant digits, without zeros that say nothing.
fn short(x: f64) -> String {
    format!("{x:.6e}").parse::<f64>().map_or_else(|_| x.to_string(), |rounded| rounded.to_string())
}

/// A field's name as words.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// The first of `keys` that an object has as a number.
fn number(row: &Value, keys: &[&str]) -> Option<f64> {
    keys.iter().find_map(|key| row.get(*key)?.as_f64())
}

/// The ends of an interval.
fn interval(row: &Value, key: &str) -> Option<[f64; 2]> {
    let ends = row.get(key)?.as_array()?;
    Some([ends.first()?.as_f64()?, ends.get(1)?.as_f64()?])
}

fn text<'a>(row: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| row.get(*key)?.as_str())
}

fn list<'a>(row: &'a Value, key: &str) -> &'a [Value] {
    row.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_of_any_kind_are_shown_as_they_are() {
        let json = json!({
            "schema": 1, "kind": "rank", "tool": {"name": "x"}, "model": {"name": "resnet8", "path": null},
            "seconds": 1.25, "noted": true,
            "tables": [{"name": "a", "drop": 0.1, "ci95": [0.0, 0.2]}, {"name": "b", "drop": 2}],
            "list": [1, 2],
        });
        let document = read(&json, "rank.json".to_owned()).unwrap();
        assert_eq!((document.kind.as_str(), document.network.as_deref()), ("rank", Some("resnet8")));
        let facts: Vec<(&str, &str)> = document.facts.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(facts, [("model, name", "resnet8"), ("noted", "yes"), ("seconds", "1.25")]);
        let [table] = document.tables.as_slice() else { panic!("{:?}", document.tables) };
        assert_eq!(
            (&table.header[..], &table.numeric[..]),
            (&["ci95", "drop", "name"].map(str::to_owned)[..], &[1][..])
        );
        assert_eq!(table.rows, [["0 to 0.2", "0.1", "a"], ["", "2", "b"]]);
        for other in [json!({"schema": 1}), json!({"kind": "recipe"}), json!([1]), json!(null)] {
            assert!(read(&other, String::new()).is_none(), "{other}");
        }
    }
}
