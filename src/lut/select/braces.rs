//! Braces, as shells expand them: lists and ranges of numbers.

/// The most texts that one stands for.
const MOST: usize = 10_000;

/// The most braces in a text.
const MOST_BRACES: usize = 100;

/// Braces that cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BracesError {
    /// An opening brace without a closing one, or the other way round.
    #[error("braces do not close: expected a range such as {{3..7}} or a list such as {{a,b}}")]
    Open,
    /// Neither a range nor a list.
    #[error("'{{{0}}}' is neither a range of numbers such as {{3..7}} or {{8..2..-2}} nor a list such as {{a,b}}")]
    Content(String),
    /// Far too many texts.
    #[error("braces stand for more than {MOST} texts")]
    Many,
}

/// The texts that `text` stands for, in the order that a shell has.
pub fn expand(text: &str) -> Result<Vec<String>, BracesError> {
    let Some(open) = text.find(['{', '}']) else { return Ok(vec![text.to_owned()]) };
    if text.matches('{').count() > MOST_BRACES {
        return Err(BracesError::Many);
    }
    let (before, inside) = (&text[..open], &text[open + 1..]);
    let mut depth = 1;
    let close = inside.char_indices().find_map(|(at, c)| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        (depth == 0).then_some(at)
    });
    let Some(close) = close.filter(|_| text[open..].starts_with('{')) else { return Err(BracesError::Open) };
    let (content, behind) = (&inside[..close], expand(&inside[close + 1..])?);
    let middles = match range(content)? {
        Some(numbers) => numbers,
        None => list(content)?,
    };
    if middles.len() * behind.len() > MOST {
        return Err(BracesError::Many);
    }
    Ok(middles.iter().flat_map(|middle| behind.iter().map(move |behind| format!("{before}{middle}{behind}"))).collect())
}

/// The numbers of `3..7`, or of `3..9..2`; `None` of what is no range.
fn range(content: &str) -> Result<Option<Vec<String>>, BracesError> {
    if content.contains(['{', ',']) || !content.contains("..") {
        return Ok(None);
    }
    let wrong = || BracesError::Content(content.to_owned());
    let parts: Option<Vec<i64>> = content.split("..").map(|part| part.parse::<i32>().ok().map(i64::from)).collect();
    let (first, last, step) = match *parts.ok_or_else(wrong)?.as_slice() {
        [first, last] => (first, last, 1),
        [first, last, step] if step != 0 => (first, last, step.abs()),
        _ => return Err(wrong()),
    };
    let count = (last - first).abs() / step + 1;
    if count > MOST as i64 {
        return Err(BracesError::Many);
    }
    Ok(Some((0..count).map(|i| (first + i * step * (last - first).signum()).to_string()).collect()))
}

/// The texts of `a,b`, each expanded.
fn list(content: &str) -> Result<Vec<String>, BracesError> {
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in content.chars() {
        match c {
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        parts.last_mut().expect("there is always one").push(c);
    }
    if parts.len() < 2 {
        return Err(BracesError::Content(content.to_owned()));
    }
    let parts: Vec<Vec<String>> = parts.iter().map(|part| expand(part)).collect::<Result<_, _>>()?;
    Ok(parts.concat())
}
