//! State dicts, what they tell of their architecture, and model directories.

mod names;
mod weights;
