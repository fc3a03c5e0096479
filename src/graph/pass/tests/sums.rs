//! Which quantizations become one operator with the sum before them.

use super::*;
use crate::graph::op::{AveragePool, FakeQuantize, Flatten, GlobalAveragePool, PoolWindow, Reduce, Reduction, Scale};
use crate::quant::Grid;

fn grid(scale: f32) -> Grid {
    Grid::new(scale, 3, [-128, 127]).unwrap()
}

fn pool(graph: &mut Graph, x: ValueId) -> ValueId {
    let pool = AveragePool { window: PoolWindow::square(2), count_include_pad: false };
    graph.add_one("pool", pool, &[x]).unwrap()
}

/// What makes a value of two that are on grids.
type Build = fn(&mut Graph, [ValueId; 2]) -> ValueId;

#[test]
fn sums_of_one_scale_are_rounded_once() {
    let cases: [(&str, [f32; 2], Build, &[&str]); 7] = [
        (
            "pool and activation",
            [0.1, 0.2],
            |graph, [a, _]| {
                let y = pool(graph, a);
                graph.add_one("relu", Relu, &[y]).unwrap()
            },
            &["quantized_average_pool"],
        ),
        ("addition", [0.1, 0.1], |graph, ab| graph.add_one("add", Add::default(), &ab).unwrap(), &["quantized_add"]),
        (
            "addition of other scales",
            [0.1, 0.2],
            |graph, ab| graph.add_one("add", Add::default(), &ab).unwrap(),
            &["add", "fake_quantize"],
        ),
        ("another grid", [0.1, 0.2], |_, [a, _]| a, &["requantize"]),
        (
            "mean",
            [0.1, 0.2],
            |graph, [_, b]| {
                let mean = Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_dims: false };
                graph.add_one("mean", mean, &[b]).unwrap()
            },
            &["quantized_reduce_mean"],
        ),
        (
            "another function",
            [0.1, 0.2],
            |graph, [_, b]| {
                let norm = Reduce { reduction: Reduction::L2, axes: vec![2, 3], keep_dims: false };
                graph.add_one("norm", norm, &[b]).unwrap()
            },
            &["reduce_l2", "fake_quantize"],
        ),
        (
            "a function between",
            [0.1, 0.2],
            |graph, [a, _]| {
                let y = graph.add_one("mean", GlobalAveragePool, &[a]).unwrap();
                graph.add_one("scaled", Scale { factor: 0.5 }, &[y]).unwrap()
            },
            &["global_average_pool", "scale", "fake_quantize"],
        ),
    ];
    for_each_case(cases, |(name, scales, build, expected)| {
        let mut graph = Graph::new();
        let x = graph.input("x", ValueType::batch_of(&[2, 4, 4])).unwrap();
        let a = graph.add_one("a", FakeQuantize(grid(scales[0])), &[x]).unwrap();
        let b = graph.add_one("b", FakeQuantize(grid(scales[1])), &[x]).unwrap();
        let y = build(&mut graph, [a, b]);
        let y = graph.add_one("y", FakeQuantize(grid(0.3)), &[y]).unwrap();
        graph.set_outputs(&[y]);
        let images = Tensor::from_iter((0..64).map(|i| (i as f32 * 0.7).sin() * 5.0), &Device::Cpu).unwrap();
        let images = images.reshape((2, 2, 4, 4)).unwrap();
        let run = |graph: &Graph| {
            let output = graph.run(std::slice::from_ref(&images), 0).unwrap().swap_remove(0);
            output.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let before = run(&graph);
        sum_on_grids(&mut graph);
        let kinds: Vec<&str> = graph.nodes().iter().skip(2).map(|node| node.op().kind()).collect();
        assert_eq!(kinds, expected, "{name}");
        // Of these numbers, none is half-way: rounding twice gives the same.
        assert_eq!(run(&graph), before, "{name}");
    });

    // What another node reads stays.
    let mut graph = Graph::new();
    let x = graph.input("x", ValueType::batch_of(&[2, 4, 4])).unwrap();
    let a = graph.add_one("a", FakeQuantize(grid(0.1)), &[x]).unwrap();
    let pooled = pool(&mut graph, a);
    let y = graph.add_one("y", FakeQuantize(grid(0.3)), &[pooled]).unwrap();
    let flat = graph.add_one("flat", Flatten { axis: 1 }, &[pooled]).unwrap();
    graph.set_outputs(&[y, flat]);
    sum_on_grids(&mut graph);
    assert_eq!(graph.nodes()[2].op().kind(), "fake_quantize");
}
