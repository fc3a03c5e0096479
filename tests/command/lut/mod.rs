//! The `lut` commands.

mod catalogue;
mod check;
mod costs;
mod files;
#[cfg(unix)]
mod from_c;
mod info;
mod list;
mod narrow;
mod published;
