//! A check that the message lengths of an ONNX file add up.
//!
//! The parser accepts a file that is cut off in the middle of a message, and allocates what a length says, so
//! files are checked here first.

/// The deepest nesting of messages.
const MAX_DEPTH: usize = 40;

/// The most messages: an empty one has two bytes in a file, and hundreds in memory.
const MAX_MESSAGES: usize = 1 << 21;

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
    Sequence,
    Shape,
    Dimension,
    Function,
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
            Message::Sequence => "TypeProto.Sequence",
            Message::Shape => "TensorShapeProto",
            Message::Dimension => "TensorShapeProto.Dimension",
            Message::Function => "FunctionProto",
            Message::Entry => "an entry of names",
        }
    }

    /// The message in a field, as `onnx.proto` numbers them.
    fn child(self, field: u64) -> Option<Message> {
        Some(match (self, field) {
            (Message::Model, 7) | (Message::Attribute, 6) => Message::Graph,
            (Message::Model, 25) => Message::Function,
            (Message::Model, 8 | 14) | (Message::Tensor, 13) | (Message::Function, 9) => Message::Entry,
            (Message::Graph, 1) | (Message::Function, 7) => Message::Node,
            (Message::Graph | Message::Attribute, 5) => Message::Tensor,
            (Message::Graph, 11..=13) => Message::ValueInfo,
            (Message::Node, 5) | (Message::Function, 11) => Message::Attribute,
            (Message::ValueInfo, 2) | (Message::Sequence, 1) => Message::Type,
            (Message::Type, 1) => Message::TensorType,
            (Message::Type, 4) => Message::Sequence,
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
    let (mut at, mut messages) = (0, 0);
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
            Some(_) if messages == MAX_MESSAGES => return Err(error("too many messages")),
            Some(child) => {
                messages += 1;
                open.push((child, at + size));
            }
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

    /// A length in four bytes.
    fn length(length: usize) -> [u8; 4] {
        std::array::from_fn(|i| (length >> (7 * i)) as u8 & 0x7f | if i < 3 { 0x80 } else { 0 })
    }

    #[test]
    fn numbers_of_messages_are_bounded() {
        // A graph, which is a message itself, of empty nodes.
        let graph = |nodes: usize| [&[0x3a], &length(2 * nodes)[..], &[0x0a, 0].repeat(nodes)].concat();
        assert_eq!(check(&graph(MAX_MESSAGES - 1)), Ok(()));
        assert_eq!(check(&graph(MAX_MESSAGES)).unwrap_err().problem, "too many messages");
    }

    /// Messages in each other, in fields `start` and then, again and again, `cycle`; all reach the end.
    fn nested(start: &[u8], cycle: &[u8], levels: usize) -> Vec<u8> {
        let tags = start.iter().chain(cycle.iter().cycle()).take(levels).enumerate();
        tags.flat_map(|(level, tag)| [*tag].into_iter().chain(length((levels - level - 1) * 5))).collect()
    }

    #[test]
    fn depth_is_bounded() {
        let cases: [(&str, &[u8], &[u8]); 2] = [
            ("graphs in attributes of nodes", &[0x3a], &[0x0a, 0x2a, 0x32]),
            ("sequences of sequences, of an input", &[0x3a, 0x5a, 0x12], &[0x22, 0x0a]),
        ];
        for_each_case(cases, |(_, start, cycle)| {
            for levels in [MAX_DEPTH + 10, 20_000] {
                let file = nested(start, cycle, levels);
                assert_eq!(check(&file).unwrap_err().problem, "messages nested too deep", "{levels}");
            }
        });
    }
}
