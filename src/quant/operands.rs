//! What belongs to each operand of a layer that is an activation.

/// Something of the observed operands of a layer: of its input, and of the second factor where that is an
/// activation too, as in a product of two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Operands<T> {
    /// The input, or the first factor.
    pub input: T,
    /// The second factor; none where it is a weight.
    pub second: Option<T>,
}

impl<T> From<T> for Operands<T> {
    /// Of a layer with weights.
    fn from(input: T) -> Self {
        Operands { input, second: None }
    }
}

impl<T> Operands<T> {
    /// Of a product of two activations.
    pub fn both(input: T, second: T) -> Self {
        Operands { input, second: Some(second) }
    }

    /// `function` of each.
    pub fn map<U>(self, mut function: impl FnMut(T) -> U) -> Operands<U> {
        Operands { input: function(self.input), second: self.second.map(function) }
    }

    /// Those that there are, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.input).chain(&self.second)
    }
}
