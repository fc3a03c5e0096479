//! `SpaceToDepth` and `DepthToSpace`: square blocks of positions as channels, and back.

use super::build::spatial;
use super::{Lowering, Node};
use crate::graph::Dim;
use crate::graph::op::{Reshape, Transpose};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::Value;

/// `SpaceToDepth`.
pub(super) fn space_to_depth(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let Images { batch, channels, size: [height, width], block } = Images::read(lowering, node)?;
    if height % block != 0 || width % block != 0 {
        let expected = format!("height and width that are multiples of {block}");
        return Err(NodeProblem::Shape { found: format!("{height} x {width}"), expected });
    }
    let (height, width) = (height / block, width / block);
    let blocks = [channels, height, block, width, block];
    let order = vec![0, 3, 5, 1, 2, 4];
    Ok(vec![moved(lowering, node, batch, &blocks, order, &[channels * block * block, height, width])?])
}

/// `DepthToSpace`, whose block is the outer part of the channels (mode `DCR`) or the inner one (`CRD`).
pub(super) fn depth_to_space(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let Images { batch, channels, size: [height, width], block } = Images::read(lowering, node)?;
    if channels % (block * block) != 0 {
        let expected = format!("a multiple of {} channels", block * block);
        return Err(NodeProblem::Shape { found: channels.to_string(), expected });
    }
    let channels = channels / (block * block);
    let (blocks, order) = match node.text_or("mode", "DCR")? {
        "DCR" => ([block, block, channels, height, width], vec![0, 3, 4, 1, 5, 2]),
        "CRD" => ([channels, block, block, height, width], vec![0, 1, 4, 2, 5, 3]),
        mode => {
            let (found, expected) = (format!("'{mode}'"), "'DCR' or 'CRD'".to_owned());
            return Err(NodeProblem::Attribute { name: "mode", found, expected });
        }
    };
    Ok(vec![moved(lowering, node, batch, &blocks, order, &[channels, height * block, width * block])?])
}

/// The input of either operator, and the side of its blocks.
struct Images {
    batch: Dim,
    channels: usize,
    size: [usize; 2],
    block: usize,
}

impl Images {
    fn read(lowering: &Lowering, node: &Node) -> Result<Self, NodeProblem> {
        let ty = lowering.ty(0, node.input(0)?)?;
        let wrong = || NodeProblem::Shape { found: ty.to_string(), expected: "[batch, channels, 2 sizes]".to_owned() };
        let (&[batch, Dim::Fixed(channels), ..], &[height, width]) = (ty.shape.as_slice(), spatial(&ty)?.as_slice())
        else {
            return Err(wrong());
        };
        let block = node.int_or("blocksize", 0)?;
        let side = usize::try_from(block).ok().filter(|side| (1..1 << 16).contains(side));
        let expected = "a number from 1 to 65535".to_owned();
        let wrong = || NodeProblem::Attribute { name: "blocksize", found: block.to_string(), expected };
        Ok(Images { batch, channels, size: [height, width], block: side.ok_or_else(wrong)? })
    }
}

/// The input with the dimensions `blocks` of a sample in another order, and then the dimensions `output`.
fn moved(
    lowering: &mut Lowering,
    node: &Node,
    batch: Dim,
    blocks: &[usize],
    order: Vec<usize>,
    output: &[usize],
) -> Result<Value, NodeProblem> {
    let dims = |sizes: &[usize]| std::iter::once(batch).chain(sizes.iter().map(|&size| Dim::Fixed(size))).collect();
    let apart = lowering.emit(node.name, Reshape { shape: dims(blocks) }, &[node.input(0)?.clone()])?;
    let ordered = lowering.emit(node.name, Transpose { order }, &[apart])?;
    lowering.emit(node.name, Reshape { shape: dims(output) }, &[ordered])
}
