//! Sweeps of a shipped network, planned and run.
