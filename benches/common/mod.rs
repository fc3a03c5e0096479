//! What all benches are measured with.

use criterion::Criterion;
use std::time::Duration;

/// Few samples of about `seconds` in all, after a short warm-up.
pub fn criterion(seconds: f64) -> Criterion {
    let measurement = Duration::from_secs_f64(seconds);
    Criterion::default().sample_size(10).warm_up_time(measurement / 5).measurement_time(measurement)
}
