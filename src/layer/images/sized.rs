//! Memory that grows as needed.

/// The first `len` values of memory that is kept from use to use; what they are is unspecified.
pub fn sized<T: Copy + Default>(memory: &mut Vec<T>, len: usize) -> &mut [T] {
    if memory.len() < len {
        memory.resize(len, T::default());
    }
    &mut memory[..len]
}
