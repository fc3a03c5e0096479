//! Runs compared, and what holds of every task.

use super::*;
use std::collections::HashSet;

fn close(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance * expected.abs().max(f64::MIN_POSITIVE)
}

fn classes(pairs: &[(u32, u32)]) -> Predictions {
    let (labels, predictions): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
    Predictions::from_classes(&labels, &predictions)
}

fn scores(labels: &[u32], scores: &[f64]) -> Predictions {
    Predictions::from_anomaly_scores(labels, scores)
}

#[test]
fn flips_by_hand() {
    // Right and right, right and wrong, wrong and right, wrong and wrong alike, wrong and otherwise wrong.
    let reference = classes(&[(0, 0), (0, 0), (1, 0), (1, 0), (2, 0)]);
    let run = classes(&[(0, 0), (0, 1), (1, 1), (1, 0), (2, 1)]);
    let found = Comparison::new(&reference, &run).unwrap();
    assert_eq!((found.samples, found.difference, found.p()), (5, 0.0, Some(1.0)));
    let flips = found.mcnemar().unwrap();
    assert_eq!((flips.changed, flips.flips, flips.lost, flips.gained), (3, 2, 1, 1));
    assert_eq!(flips.agreement, 0.4);
}

/// NumPy 2.4.6 by the paper's definition, SciPy 1.17.1 for the normal distribution.
#[test]
fn areas_by_numpy_and_scipy() {
    let labels = [0, 0, 0, 0, 1, 1, 1, 1, 1];
    let reference = scores(&labels, &[1.0, 2.0, 3.0, 4.0, 3.0, 3.5, 5.0, 6.0, 7.0]);
    let run = scores(&labels, &[1.0, 5.5, 3.0, 4.0, 2.0, 3.5, 5.0, 2.5, 7.0]);
    let found = Comparison::new(&reference, &run).unwrap();
    assert!(close(found.difference, -0.325, 1e-12), "{found:?}");
    assert!(close(found.p().unwrap(), 0.121_114_915_807_901_93, 1e-9), "{found:?}");
    assert!(
        close(found.ci95[0], -0.735_930_806_007_953, 1e-9) && close(found.ci95[1], 0.085_930_806_007_953_05, 1e-9),
        "{found:?}"
    );
    let same = Comparison::new(&run, &run).unwrap();
    assert_eq!((same.difference, same.p(), same.ci95), (0.0, Some(1.0), [0.0, 0.0]));
    // All pairs in order, then none: nothing spreads.
    let [perfect, inverted] = [[1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]].map(|run| scores(&[0, 0, 1, 1], &run));
    let found = Comparison::new(&perfect, &inverted).unwrap();
    assert_eq!((found.difference, found.p(), found.ci95), (-1.0, None, [-1.0, 1.0]));
}

#[test]
fn other_samples_and_tasks_are_refused() {
    let reference = classes(&[(0, 0), (1, 1)]);
    let error = |run: &Predictions| Comparison::new(&reference, run).unwrap_err().to_string();
    assert!(error(&classes(&[(0, 0)])).contains("2 samples"));
    assert!(error(&classes(&[(0, 0), (2, 1)])).contains("sample 1 has label 2"));
    assert!(error(&scores(&[0, 1], &[0.1, 0.2])).contains("for anomaly-detection"));
}

/// What files tell tasks apart by is different for each, and one task's columns have names of their own.
#[test]
fn tasks_are_told_apart() {
    let mut seen = HashSet::new();
    for task in &TASKS {
        let columns: Vec<&str> = task.columns().iter().map(|column| column.name).collect();
        assert!(seen.insert(format!("key {}", task.metric().key)) && seen.insert(format!("columns {columns:?}")));
        assert_eq!(columns.iter().collect::<HashSet<_>>().len(), columns.len(), "{task}");
        assert!(!columns.contains(&"index") && !columns.contains(&"label"), "{task}");
        assert!(task.record_columns().contains(&task.metric().key), "{task}");
        assert!(task.comparison_columns().contains(&task.metric().key), "{task}");
        assert_eq!(task.to_string().parse(), Ok(*task));
        let json = serde_json::to_string(task).unwrap();
        assert_eq!(serde_json::from_str::<Task>(&json).unwrap(), *task);
    }
}

#[test]
fn metrics_are_fields_by_their_keys() {
    let auc = Metric { task: Task::AnomalyDetection, value: 0.75 };
    assert_eq!(serde_json::to_string(&auc).unwrap(), r#"{"auc":0.75}"#);
    assert_eq!(serde_json::from_str::<Metric>(r#"{"model":"m","auc":0.75}"#).unwrap(), auc);
    let error = serde_json::from_str::<Metric>(r#"{"mse":0.75}"#).unwrap_err().to_string();
    assert!(error.contains("'top1' or 'auc'"), "{error}");
}

#[test]
fn values_are_read_as_they_are_written() {
    for (kind, value, text) in
        [(ColumnKind::Integer, 7.0, "7"), (ColumnKind::Number, 1e-9, "1e-9"), (ColumnKind::Flag, 1.0, "true")]
    {
        let column = Column { name: "x", kind };
        assert_eq!((column.parse(text), column.parse("high")), (Some(value), None));
        assert_eq!(serde_json::to_string(&column.cell(value)).unwrap(), text);
    }
}
