//! Numbers of bytes in messages.

use std::fmt;

/// A number of bytes, shown in the unit that suits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl Bytes {
    /// Those of elements of type `T`; the largest number for those that none can count.
    pub(super) fn of<T>(elements: usize) -> Self {
        Bytes((elements as u64).saturating_mul(size_of::<T>() as u64))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let in_units = |shift: u32| self.0 as f64 / (1u64 << shift) as f64;
        match self.0 {
            ..1024 => write!(f, "{} bytes", self.0),
            1024..0x10_0000 => write!(f, "{:.1} KiB", in_units(10)),
            0x10_0000..0x4000_0000 => write!(f, "{:.1} MiB", in_units(20)),
            _ => write!(f, "{:.1} GiB", in_units(30)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_in_units() {
        let shown = [0, 1023, 1536, 5 << 20, (1 << 30) + (1 << 29)].map(|bytes| Bytes(bytes).to_string());
        assert_eq!(shown, ["0 bytes", "1023 bytes", "1.5 KiB", "5.0 MiB", "1.5 GiB"]);
    }
}
