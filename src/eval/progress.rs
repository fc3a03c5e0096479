//! How far a loop has come, for whoever shows it.

/// Follows a loop over samples.
pub trait Progress: Send + Sync {
    /// A loop over `samples` begins; `what` names it.
    fn start(&self, what: &'static str, samples: usize);

    /// That many more samples are done.
    fn advance(&self, samples: usize);

    /// The loop is over.
    fn finish(&self);

    /// Whether loops that calibrate or evaluate are to end with an error before their next batch.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _: &'static str, _: usize) {}

    fn advance(&self, _: usize) {}

    fn finish(&self) {}
}
