//! Architectures, their weights, and the files that these come in.

mod counts;
mod random;
mod weights;
