//! A check that the message lengths of an ONNX file add up.
//!
//! The parser accepts a file that is cut off in the middle of a message, and allocates what a length says, so
//! files are checked here first.

/// The deepest nesting of messages.
const MAX_DEPTH: usize = 40;

/// Where the lengths of a file do not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {at}, in a message {message}")]
pub struct WireError {
    /// The message that does not add up.
    pub message: &'static str,
    /// The offset of the faulty field.
    pub at: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// The messages of `onnx.proto` that the importer reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    Dimension,
    Entry,
}

impl Message {
    fn name(self) -> &'static str {
        match self {
            Message::Model => "ModelProto",
            Message::Graph => "GraphProto",
            Message::Node => "NodeProto",
            Message::Attribute => "AttributeProto",
            Message::Tensor => "TensorProto",
            Message::ValueInfo => "ValueInfoProto",
            Message::Type => "TypeProto",
            Message::TensorType => "TypeProto.Tensor",
            Message::Shape => "TensorShapeProto",
            Message::Dimension => "TensorShapeProto.Dimension",
            Message::Entry => "an entry of names",
        }
    }

    /// The message in a field, as `onnx.proto` numbers them.
    fn child(self, field: u64) -> Option<Message> {
        Some(match (self, field) {
            (Message::Model, 7) | (Message::Attribute, 6) => Message::Graph,
            (Message::Model, 8 | 14) | (Message::Tensor, 13) => Message::Entry,
            (Message::Graph, 1) => Message::Node,
            (Message::Graph | Message::Attribute, 5) => Message::Tensor,
            (Message::Graph, 11..=13) => Message::ValueInfo,
            (Message::Node, 5) => Message::Attribute,
            (Message::ValueInfo, 2) => Message::Type,
            // Field 1 is the element type, a message for sequences and a number for tensors.
            (Message::Type, 1 | 4) => Message::TensorType,
            (Message::TensorType, 2) => Message::Shape,
            (Message::Shape, 1) => Message::Dimension,
            _ => return None,
        })
    }
}

/// Checks all messages of a file.
pub(super) fn check(file: &[u8]) -> Result<(), WireError> {
    // Messages that are not at their end, the innermost last.
    let mut open = vec![(Message::Model, file.len())];
    let mut at = 0;
    while let Some(&(message, end)) = open.last() {
        if at == end {
            open.pop();
            continue;
        }
        let start = at;
        let error = |problem| WireError { message: message.name(), at: start, problem };
        let number = |at: &mut usize| {
            let (value, length) = varint(&file[*at..end]).ok_or_else(|| error("the file ends within a number"))?;
            *at += length;
            Ok(value)
        };
        let tag = number(&mut at)?;
        let size = match tag & 7 {
            0 => {
                number(&mut at)?;
                0
            }
            1 => 8,
            2 => number(&mut at)?,
            5 => 4,
            _ => return Err(error("a field of an unknown wire type")),
        };
        let size = usize::try_from(size).ok().filter(|&size| size <= end - at);
        let size = size.ok_or_else(|| error("a field reaches beyond the end"))?;
        match message.child(tag >> 3).filter(|_| tag & 7 == 2) {
            Some(_) if open.len() == MAX_DEPTH => return Err(error("messages nested too deep")),
            Some(child) => open.push((child, at + size)),
            None => at += size,
        }
    }
    Ok(())
}

/// A variable-length number and the bytes that it takes.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (i, &byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            // Only one bit of the tenth byte is part of 64.
            return (i < 9 || byte <= 1).then_some((value, i + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn numbers_of_variable_length() {
        assert_eq!(varint(&[5]), Some((5, 1)));
        assert_eq!(varint(&[0x96, 0x01, 7]), Some((150, 2)));
        assert_eq!(varint(&[0x96]), None);
        assert_eq!(varint(&[0xff; 10]), None);
        let largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(varint(&largest), Some((u64::MAX, 10)));
    }

    #[test]
    fn lengths_that_do_not_add_up() {
        // A graph (field 7) of 4 bytes: a node (field 1) of 2 bytes, its name (field 3) empty.
        assert_eq!(check(&[0x3a, 4, 0x0a, 2, 0x1a, 0]), Ok(()));
        assert_eq!(check(&[]), Ok(()));
        let broken: [(&[u8], &str, usize); 6] = [
            (&[0x3a, 5, 0x0a, 2, 0x1a, 0], "ModelProto", 0),
            (&[0x3a, 4, 0x0a, 3, 0x1a, 0], "GraphProto", 2),
            (&[0x3a, 4, 0x0a, 2, 0x1a, 1], "NodeProto", 4),
            (&[0x3a], "ModelProto", 0),
            (&[0x3b, 0], "ModelProto", 0),
            (&[0x0d, 1, 2, 3], "ModelProto", 0),
        ];
        for_each_case(broken, |(file, message, at)| {
            let error = check(file).unwrap_err();
            assert_eq!((error.message, error.at), (message, at), "{file:?}");
        });
    }

    #[test]
    fn depth_is_bounded() {
        // Graphs in attributes of nodes of graphs, with lengths of three bytes that all reach the end.
        let levels = 100;
        let mut file = Vec::new();
        for level in 0..levels {
            let tag = [0x3a, 0x0a, 0x2a, 0x32][if level == 0 { 0 } else { (level - 1) % 3 + 1 }];
            let rest = (levels - level - 1) * 4;
            file.extend([tag, (rest & 0x7f) as u8 | 0x80, (rest >> 7) as u8 | 0x80, 0]);
        }
        assert_eq!(check(&file).unwrap_err().problem, "messages nested too deep");
    }
}
