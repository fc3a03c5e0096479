//! Architectures, their weights, and the files that these come in.

mod counts;
mod names;
mod random;
mod weights;
