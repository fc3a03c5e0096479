//! Architectures, and random weights of theirs.

mod counts;
mod random;
