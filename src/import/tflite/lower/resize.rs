//! Resizing to the nearest neighbor.

use super::{Computed, Lowering, Node, Value};
use crate::graph::op::Gather;
use crate::import::tflite::error::NodeProblem;
use crate::import::tflite::options::ResizeNearestNeighbor;

/// `RESIZE_NEAREST_NEIGHBOR`, to the height and width of the second input.
pub(super) fn nearest_neighbor(lowering: &mut Lowering, node: &Node) -> Result<Value, NodeProblem> {
    /// The largest height and width.
    const LARGEST: i64 = 1 << 16;
    let options: ResizeNearestNeighbor = node.options_or_default()?;
    let (x, [_, height, width]) = node.images(lowering, 0)?;
    let found = node.integers(1)?;
    let &[to_height @ 1..=LARGEST, to_width @ 1..=LARGEST] = found else {
        let found = format!("sizes {:?}", &found[..found.len().min(8)]);
        return Err(NodeProblem::Shape { found, expected: format!("a height and width of 1 to {LARGEST}") });
    };
    let mut id = x.id;
    for (axis, from, to) in [(2, height, to_height as usize), (3, width, to_width as usize)] {
        let indices: Vec<usize> = (0..to).map(|at| place(&options, at, from, to)).collect();
        if from == 0 {
            return Err(NodeProblem::Shape {
                found: "an empty image".to_owned(),
                expected: "sizes of at least 1".to_owned(),
            });
        }
        if !indices.iter().copied().eq(0..from) {
            id = lowering.add(&node.name, Gather { axis, indices }, &[id])?;
        }
    }
    Ok(Value::Computed(Computed::channels_first(id)))
}

/// The position of `from` that position `at` of `to` shows, in `f32` as the reference kernel computes it.
fn place(options: &ResizeNearestNeighbor, at: usize, from: usize, to: usize) -> usize {
    let scale = if options.aligns_corners && to > 1 {
        (from as f32 - 1.0) / (to as f32 - 1.0)
    } else {
        from as f32 / to as f32
    };
    let offset = if options.has_half_pixel_centers { 0.5 } else { 0.0 };
    let place = (at as f32 + offset) * scale;
    let place = if options.aligns_corners { place.round() } else { place.floor() };
    (place.max(0.0) as usize).min(from.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn places_are_those_of_the_options() {
        let cases: [(bool, bool, usize, usize, &[usize]); 5] = [
            (false, false, 2, 4, &[0, 0, 1, 1]),
            (false, false, 3, 4, &[0, 0, 1, 2]),
            (true, false, 3, 4, &[0, 1, 1, 2]),
            (false, true, 2, 3, &[0, 1, 1]),
            (false, false, 4, 2, &[0, 2]),
        ];
        for_each_case(cases, |(aligns_corners, has_half_pixel_centers, from, to, expected)| {
            let options = ResizeNearestNeighbor { aligns_corners, has_half_pixel_centers };
            let places: Vec<usize> = (0..to).map(|at| place(&options, at, from, to)).collect();
            assert_eq!(places, expected);
        });
    }
}
