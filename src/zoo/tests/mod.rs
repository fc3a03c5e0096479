//! Architectures, and random weights of theirs.

mod attention;
mod counts;
mod random;
