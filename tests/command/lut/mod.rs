//! The `lut` commands.

mod check;
mod costs;
mod files;
#[cfg(unix)]
mod from_c;
mod info;
mod list;
mod narrow;
mod published;
