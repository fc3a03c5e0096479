//! Tables of test cases that all run: one failure does not hide the others.
//!
//! A loop over cases with assertions inside stops at the first that fails. [`for_each_case`] runs
//! all of them, then fails with one message that lists each failing case. The tests of the command
//! compile this file too, by its path.

use proptest::test_runner::Config;
use std::any::Any;
use std::cell::Cell;
use std::fmt::{self, Debug, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// Bytes that the label of a case has at most: a case may hold a whole file.
const LONGEST_LABEL: usize = 200;

thread_local! {
    /// What the panics of this thread's running case said; `None` where no case runs.
    static PANICS: Cell<Option<String>> = const { Cell::new(None) };
}

/// How a property is tested: on `cases` random cases, times `APPROX_EVAL_PROPERTIES` where that is set.
#[allow(dead_code, reason = "the tests of the command compile this file too")]
pub fn property(cases: u32) -> Config {
    let times = std::env::var("APPROX_EVAL_PROPERTIES").ok().map_or(1.0, |times| {
        times.parse().unwrap_or_else(|_| panic!("APPROX_EVAL_PROPERTIES is '{times}', expected a number"))
    });
    Config::with_cases((f64::from(cases) * times).ceil().max(1.0) as u32)
}

/// Checks every case, and fails where any of them panicked or there are none.
#[track_caller]
pub fn for_each_case<C: Debug>(cases: impl IntoIterator<Item = C>, mut check: impl FnMut(C)) {
    collect_panics_of_cases();
    let (mut count, mut failures) = (0, Vec::new());
    for case in cases {
        count += 1;
        let label = Label::new(&case);
        let mut case = Some(case);
        let run = &mut || check(case.take().expect("a case runs once"));
        failures.extend(failure_of(run).map(|message| format!("\n{label}: {message}")));
    }
    assert!(count > 0, "the table has no cases");
    assert!(failures.is_empty(), "{} of {count} cases failed{}", failures.len(), failures.concat());
}

/// What the panic of a case said, if it panicked. Compiled once, not for each table.
fn failure_of(run: &mut dyn FnMut()) -> Option<String> {
    let outer = PANICS.replace(Some(String::new()));
    let outcome = catch_unwind(AssertUnwindSafe(run));
    let mut message = PANICS.replace(outer).unwrap_or_default();
    let payload = outcome.err()?;
    // Panics of other threads are passed on without another report.
    message += text(&*payload).filter(|text| !message.contains(text)).unwrap_or_default();
    Some(message.trim_end().replace('\n', "\n    "))
}

fn text(payload: &dyn Any) -> Option<&str> {
    payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

/// Keeps what the panics of cases say for the message at the end; other threads print as before.
fn collect_panics_of_cases() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = take_hook();
        set_hook(Box::new(move |panic| match PANICS.try_with(Cell::take) {
            Ok(Some(said)) => PANICS.set(Some(format!("{said}{panic}\n"))),
            _ => print(panic),
        }));
    });
}

/// The start of how a case is debug printed.
struct Label(String);

impl Label {
    fn new(case: &impl Debug) -> Self {
        let mut label = Label(String::new());
        if write!(label, "{case:?}").is_err() {
            label.0 += "..";
        }
        label
    }
}

impl Write for Label {
    /// Stops the printing of a case where the label is full.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = text.floor_char_boundary(LONGEST_LABEL - self.0.len());
        self.0 += &text[..end];
        if end < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(run: impl FnOnce()) -> String {
        let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
        text(&*payload).expect("a message").to_owned()
    }

    #[test]
    fn all_cases_run_and_all_failures_are_listed() {
        let mut ran = Vec::new();
        let message = failure(|| {
            for_each_case([(2, 4), (3, 6), (4, 8), (5, 9)], |(x, double)| {
                ran.push(x);
                assert_eq!(x + x, double - i32::from(x == 3), "{x} doubled");
            });
        });
        assert_eq!(ran, [2, 3, 4, 5]);
        let lines: Vec<&str> = message.lines().collect();
        let [head, third, text, left, right, fifth, ..] = lines[..] else { panic!("{message}") };
        assert_eq!(head, "2 of 4 cases failed");
        assert!(third.starts_with("(3, 6): ") && third.contains("cases.rs:"), "{message}");
        assert_eq!(text, "    assertion `left == right` failed: 3 doubled");
        assert_eq!([left, right], ["      left: 6", "     right: 5"]);
        assert!(fifth.starts_with("(5, 9): ") && lines.len() == 9, "{message}");
    }

    #[test]
    fn tables_within_cases_and_panics_of_threads_are_reported() {
        let message = failure(|| {
            for_each_case(["none", "inner", "thread"], |case| match case {
                "inner" => for_each_case([1, 2], |number| assert!(number < 2, "too large")),
                "thread" => std::thread::scope(|scope| {
                    let panic = scope.spawn(|| std::panic::resume_unwind(Box::new("of a thread"))).join();
                    std::panic::resume_unwind(panic.unwrap_err())
                }),
                _ => {}
            });
        });
        assert!(message.starts_with("2 of 3 cases failed\n\"inner\": "), "{message}");
        assert!(message.contains("1 of 2 cases failed\n    2: ") && message.contains("too large"), "{message}");
        assert!(message.ends_with("\n\"thread\": of a thread"), "{message}");
        assert_eq!(PANICS.take(), None);
    }

    #[test]
    fn a_table_has_cases_and_their_labels_are_short() {
        assert_eq!(failure(|| for_each_case([0; 0], |_| {})), "the table has no cases");
        let message = failure(|| for_each_case(["é".repeat(1000)], |_| panic!("no")));
        let label = message.lines().nth(1).and_then(|line| line.split(':').next()).unwrap();
        assert_eq!(label, format!("\"{}..", "é".repeat(99)));
    }
}
