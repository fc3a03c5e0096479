//! State dicts, what they tell of their architecture, and model directories.

mod fake_quant;
mod names;
mod weights;
