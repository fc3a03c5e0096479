//! Dot products in the registers of AVX2.

use super::instructions::Instructions;
use super::tiles::{self, tiles};
use std::arch::x86_64::*;

/// Bytes by `vpdpbusd`.
pub struct Bytes256;
