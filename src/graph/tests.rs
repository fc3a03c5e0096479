//! Building, binding and running graphs, with operators that only these tests know.

use super::op::{Add, Concat, FakeQuantize, Flatten, Linear, Pad, Reduce, Reduction, Relu, Relu6};
use super::*;
use crate::cases::for_each_case;
use crate::printable::with_causes;
use crate::quant::{ActivationParams, IntRange};
use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Shape, Tensor, Var};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

fn vector(values: &[f32]) -> Tensor {
    Tensor::new(values, &Device::Cpu).unwrap()
}

fn matrix(rows: &[[f32; 2]]) -> Tensor {
    Tensor::from_vec(rows.concat(), (rows.len(), 2), &Device::Cpu).unwrap()
}

fn rows(tensor: &Tensor) -> Vec<Vec<f32>> {
    tensor.to_vec2().unwrap()
}

/// Axis 1 in two halves: an operator of two outputs.
#[derive(Debug)]
struct Halves;

impl Operator for Halves {
    fn kind(&self) -> &'static str {
        "halves"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        match inputs[0].shape[1] {
            Dim::Fixed(size) if size.is_multiple_of(2) => {
                let mut half = inputs[0].clone();
                half.shape[1] = Dim::Fixed(size / 2);
                Ok(vec![half.clone(), half])
            }
            _ => Err(OpError::input(0, inputs[0], "an even size along axis 1")),
        }
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let half = inputs[0].dims()[1] / 2;
        Ok(vec![inputs[0].narrow(1, 0, half)?, inputs[0].narrow(1, half, half)?])
    }
}

/// No outputs: it takes note of the passes that it ran in.
#[derive(Debug, Default)]
struct Witness(Arc<Mutex<Vec<u64>>>);

impl Operator for Witness {
    fn kind(&self) -> &'static str {
        "witness"
    }

    fn infer(&self, _: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(Vec::new())
    }

    fn run(&self, _: &[&Tensor], pass: &RunContext) -> Result<Vec<Tensor>, OpError> {
        self.0.lock().unwrap().push(pass.first_sample);
        Ok(Vec::new())
    }
}

#[test]
fn operators_with_any_number_of_outputs_run() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut graph = Graph::new();
    let x = graph.input("x", ValueType::batch_of(&[4])).unwrap();
    let halves = graph.add("halves", Halves, &[x]).unwrap();
    assert!(graph.add("witness", Witness(seen.clone()), &[halves[0]]).unwrap().is_empty());
    let sum = graph.add_one("sum", Add::default(), &[halves[1], halves[0]]).unwrap();
    graph.set_outputs(&[halves[1], sum]);
    assert_eq!(graph.ty(halves[1]).to_string(), "f32[N, 2]");

    let x = Tensor::new(&[[1f32, 2., 3., 4.], [5., 6., 7., 8.]], &Device::Cpu).unwrap();
    let outputs = graph.run(&[x], 128).unwrap();
    assert_eq!(rows(&outputs[0]), [[3., 4.], [7., 8.]]);
    assert_eq!(rows(&outputs[1]), [[4., 6.], [12., 14.]]);
    assert_eq!(*seen.lock().unwrap(), [128]);
}

#[test]
fn names_are_used_once() {
    let ty = || ValueType::batch_of(&[4]);
    let mut graph = Graph::new();
    let x = graph.input("x", ty()).unwrap();
    graph.parameter("weight", &[3], true).unwrap();
    let halves = graph.add("halves", Halves, &[x]).unwrap();
    graph.add("witness", Witness::default(), &[x]).unwrap();
    let refused = [
        graph.input("weight", ty()).unwrap_err(),
        graph.parameter("x", &[3], true).unwrap_err(),
        graph.add("x", Relu, &[x]).unwrap_err(),
        graph.add("halves", Relu, &[x]).unwrap_err(),
        graph.add("halves:1", Relu, &[x]).unwrap_err(),
        graph.add("witness", Witness::default(), &[x]).unwrap_err(),
    ];
    let names = ["weight", "x", "x", "halves", "halves:1", "witness"];
    for (error, name) in refused.iter().zip(names) {
        assert_eq!(error.to_string(), format!("the name '{name}' is used twice"));
    }

    // A node that is refused takes no name: neither for its type ...
    let error = graph.add("odd", Linear, &[halves[0]]).unwrap_err();
    assert_eq!(with_causes(&error), "node 'odd' (linear): 1 inputs, expected 2 or 3");
    graph.add("odd", Relu, &[x]).unwrap();
    // ... nor when only its second output's name is taken.
    graph.parameter("late:1", &[1], false).unwrap();
    assert!(graph.add("late", Halves, &[x]).is_err());
    graph.add("late:0", Relu, &[x]).unwrap();
    graph.add("late", Relu, &[x]).unwrap();
}

/// Makes a tensor that is known to be dropped when a weak pointer to its mark is.
#[derive(Debug)]
struct Make(Arc<Mutex<Weak<()>>>);

/// candle keeps the operation of a tracked tensor for as long as the tensor.
struct Marked(#[expect(dead_code, reason = "held, not read")] Arc<()>);

impl CustomOp1 for Marked {
    fn name(&self) -> &'static str {
        "marked"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        Ok((storage.clone(), layout.shape().clone()))
    }
}

impl Operator for Make {
    fn kind(&self) -> &'static str {
        "make"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![inputs[0].clone()])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let mark = Arc::new(());
        *self.0.lock().unwrap() = Arc::downgrade(&mark);
        Ok(vec![Var::from_tensor(&inputs[0].copy()?)?.apply_op1(Marked(mark))?])
    }
}

/// Says whether the marked tensor is alive when it runs.
#[derive(Debug)]
struct Look(Arc<Mutex<Weak<()>>>, Arc<Mutex<Vec<bool>>>);

impl Operator for Look {
    fn kind(&self) -> &'static str {
        "look"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![inputs[0].clone()])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        self.1.lock().unwrap().push(self.0.lock().unwrap().upgrade().is_some());
        Ok(vec![Tensor::zeros(inputs[0].dims(), DType::F32, &Device::Cpu)?])
    }
}

#[test]
fn values_live_to_their_last_use() {
    for (is_output, expected) in [(false, [true, true, true, false]), (true, [true; 4])] {
        let (mark, seen) = (Arc::new(Mutex::new(Weak::new())), Arc::new(Mutex::new(Vec::new())));
        let mut graph = Graph::new();
        let x = graph.input("x", ValueType::batch_of(&[2])).unwrap();
        let made = graph.add_one("made", Make(mark.clone()), &[x]).unwrap();
        let look = |graph: &mut Graph, name: &str, of: ValueId| {
            graph.add_one(name, Look(mark.clone(), seen.clone()), &[of]).unwrap()
        };
        let first = look(&mut graph, "first", made);
        let other = look(&mut graph, "other", first);
        look(&mut graph, "second", made);
        let after = look(&mut graph, "after", other);
        let outputs = [after, made];
        graph.set_outputs(if is_output { &outputs } else { &outputs[..1] });
        let outputs = graph.run(&[matrix(&[[1., 2.]])], 0).unwrap();
        assert_eq!(*seen.lock().unwrap(), expected, "an output: {is_output}");
        assert_eq!(mark.lock().unwrap().upgrade().is_some(), is_output);
        drop(outputs);
        assert!(mark.lock().unwrap().upgrade().is_none());
    }
}

#[test]
fn outputs_may_be_read_repeated_and_be_inputs() {
    let mut graph = Graph::new();
    let x = graph.input("x", ValueType::batch_of(&[2])).unwrap();
    let relu = graph.add_one("relu", Relu, &[x]).unwrap();
    let twice = graph.add_one("twice", Add::default(), &[relu, relu]).unwrap();
    graph.add_one("unread", Relu, &[twice]).unwrap();
    graph.set_outputs(&[relu, twice, relu, x]);
    let outputs = graph.run(&[matrix(&[[-1., 2.]])], 0).unwrap();
    let found: Vec<_> = outputs.iter().map(rows).collect();
    assert_eq!(found, [[[0., 2.]], [[0., 4.]], [[0., 2.]], [[-1., 2.]]]);
}

#[test]
fn a_pass_takes_the_inputs_that_were_declared() {
    let mut graph = Graph::new();
    let x = graph.input("left", ValueType::batch_of(&[2])).unwrap();
    let flat = graph.input("right", ValueType::f32([Dim::Fixed(1), Dim::Batch(2)])).unwrap();
    graph.set_outputs(&[x, flat]);
    let zeros = |dims: &[usize], dtype| Tensor::zeros(dims, dtype, &Device::Cpu).unwrap();
    let cases: [(&[usize], DType, &[usize], &str); 6] = [
        (&[3, 3], DType::F32, &[1, 6], "input 'left' is f32[3, 3], expected f32[N, 2]"),
        (&[3, 2, 1], DType::F32, &[1, 6], "input 'left' is f32[3, 2, 1], expected f32[N, 2]"),
        (&[3, 2], DType::F64, &[1, 6], "input 'left' is f64[3, 2], expected f32[N, 2]"),
        (&[3, 2], DType::F32, &[2, 6], "input 'right' is f32[2, 6], expected f32[1, 2N]"),
        (&[3, 2], DType::F32, &[1, 5], "input 'right' is f32[1, 5], expected f32[1, 2N]"),
        // Two batch sizes.
        (&[3, 2], DType::F32, &[1, 8], "input 'right' is f32[1, 8], expected f32[1, 2N]"),
    ];
    for_each_case(cases, |(left, dtype, right, expected)| {
        let error = graph.run(&[zeros(left, dtype), zeros(right, DType::F32)], 0).unwrap_err();
        assert_eq!(error.to_string(), expected);
    });
    for batch in [0, 1, 3] {
        graph.run(&[zeros(&[batch, 2], DType::F32), zeros(&[1, 2 * batch], DType::F32)], 0).unwrap();
    }
    let error = graph.run(&[zeros(&[3, 2], DType::F32)], 0).unwrap_err();
    assert_eq!(error.to_string(), "1 inputs, expected 2");
}

/// `fc1`, a ReLU and `fc2`, with a vector that nothing reads.
fn perceptron() -> Graph {
    let mut graph = Graph::new();
    let x = graph.input("x", ValueType::batch_of(&[2])).unwrap();
    let weight = graph.parameter("fc1.weight", &[3, 2], true).unwrap();
    let bias = graph.parameter("fc1.bias", &[3], true).unwrap();
    let y = graph.add_one("fc1", Linear, &[x, weight, bias]).unwrap();
    let y = graph.add_one("relu", Relu, &[y]).unwrap();
    let weight = graph.parameter("fc2.weight", &[2, 3], true).unwrap();
    let y = graph.add_one("fc2", Linear, &[y, weight]).unwrap();
    graph.parameter("running_mean", &[5], false).unwrap();
    graph.set_outputs(&[y]);
    graph
}

fn tensors() -> BTreeMap<String, Tensor> {
    let weight1 = Tensor::new(&[[1f32, 0.], [0., 1.], [1., 1.]], &Device::Cpu).unwrap();
    let weight2 = Tensor::new(&[[1f32, 2., 3.], [-1., 0., 1.]], &Device::Cpu).unwrap();
    BTreeMap::from([
        ("fc1.weight".to_owned(), weight1),
        ("fc1.bias".to_owned(), vector(&[0., -1., 0.])),
        ("fc2.weight".to_owned(), weight2),
        ("running_mean".to_owned(), vector(&[0.; 5])),
    ])
}

#[test]
fn bound_networks_run() {
    let mut graph = perceptron();
    graph.bind(tensors()).unwrap();
    // (1, -2) becomes (1, -3, -1), of which 1 is left.
    assert_eq!(rows(&graph.run(&[matrix(&[[1., -2.], [1., 3.]])], 0).unwrap()[0]), [[1., -1.], [17., 3.]]);
    assert_eq!(graph.trainable_parameters(), 3 * 2 + 3 + 2 * 3);
}

#[test]
fn everything_wrong_with_tensors_is_listed_at_once() {
    let mut graph = perceptron();
    let mut wrong = tensors();
    wrong.remove("fc1.bias");
    wrong.insert("fc1.weight".to_owned(), vector(&[0.; 6]));
    wrong.insert("fc2.weight".to_owned(), Tensor::new(&[[1f32, f32::NAN, 3.], [0., 0., 0.]], &Device::Cpu).unwrap());
    wrong.insert("running_mean".to_owned(), Tensor::zeros(5, DType::F64, &Device::Cpu).unwrap());
    wrong.insert("head.weight".to_owned(), vector(&[0.]));
    wrong.insert("fc3.weight".to_owned(), vector(&[0.]));
    let error = graph.bind(wrong).unwrap_err();
    assert_eq!(error.missing, ["fc1.bias"]);
    assert_eq!(error.unused, ["fc3.weight", "head.weight"]);
    let mis_shaped = MisShaped { name: "fc1.weight".to_owned(), found: vec![6], expected: vec![3, 2] };
    assert_eq!(error.mis_shaped, [mis_shaped]);
    assert_eq!(
        (error.not_f32.clone(), error.not_finite.clone()),
        (vec!["running_mean".to_owned()], vec!["fc2.weight".to_owned()])
    );
    let message = error.to_string();
    for part in [
        "missing: fc1.bias",
        "unused: fc3.weight, head.weight",
        "fc1.weight ([6], expected [3, 2])",
        "running_mean",
        "infinite numbers: fc2.weight",
    ] {
        assert!(message.contains(part), "{message}");
    }

    let infinite = BTreeMap::from([("fc1.bias".to_owned(), vector(&[0., f32::NEG_INFINITY, 0.]))]);
    let error = graph.bind(tensors().into_iter().chain(infinite).collect()).unwrap_err();
    assert_eq!(error, BindError { not_finite: vec!["fc1.bias".to_owned()], ..BindError::default() });

    // Nothing was bound on the way.
    let error = graph.run(&[matrix(&[[1., 2.]])], 0).unwrap_err();
    assert_eq!(error.to_string(), "parameter 'fc1.weight' is not bound to a tensor");
}

#[test]
fn a_node_that_fails_is_named() {
    #[derive(Debug)]
    struct Broken;
    impl Operator for Broken {
        fn kind(&self) -> &'static str {
            "broken"
        }
        fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
            Ok(vec![inputs[0].clone()])
        }
        fn run(&self, _: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
            Err(candle_core::Error::Msg("no memory".to_owned()).into())
        }
    }
    let mut graph = Graph::new();
    let x = graph.input("x", ValueType::batch_of(&[2])).unwrap();
    let y = graph.add_one("layer3.0.conv2", Broken, &[x]).unwrap();
    graph.set_outputs(&[y]);
    let error = graph.run(&[matrix(&[[1., 2.]])], 0).unwrap_err();
    assert_eq!(with_causes(&error), "node 'layer3.0.conv2' (broken): no memory");
}

/// One sample may be several rows: `[N, 3, 4]` flattened to `[3N, 4]` is 3 products of 4 x 5 each.
#[test]
fn products_are_those_of_a_sample() {
    let mut graph = Graph::new();
    let x = graph.input("x", ValueType::batch_of(&[3, 4])).unwrap();
    let weight = graph.parameter("fc.weight", &[5, 4], true).unwrap();
    let sequence = graph.add_one("sequence", Linear, &[x, weight]).unwrap();
    let flat = graph.add_one("flat", Flatten { axis: 2 }, &[x]).unwrap();
    let y = graph.add_one("rows", Linear, &[flat, weight]).unwrap();
    graph.set_outputs(&[sequence, y]);
    let products = graph.layer_counts();
    let found: Vec<_> =
        products.iter().map(|p| (p.name.as_str(), p.kind, p.opcount, p.fan_in, p.weight_shape.as_slice())).collect();
    assert_eq!(found, [("sequence", "linear", 60, 4, &[5, 4][..]), ("rows", "linear", 60, 4, &[5, 4])]);
    assert_eq!(products[0].output_shape, [3, 5]);
}

#[test]
fn dimensions_multiply_and_print() {
    let (batch, two, three) = (Dim::Batch(1), Dim::Fixed(2), Dim::Fixed(3));
    assert_eq!(Dim::product(&[]), Some(Dim::Fixed(1)));
    assert_eq!(Dim::product(&[two, batch, three]), Some(Dim::Batch(6)));
    assert_eq!(Dim::product(&[batch, batch]), None);
    assert_eq!((two.size(7), Dim::Batch(3).size(7)), (2, 21));
    assert_eq!(ValueType::f32([batch, three, Dim::Batch(4)]).to_string(), "f32[N, 3, 4N]");
}

/// Quantized values stay quantized through operators that only move or select them.
#[test]
fn quantization_follows_values_that_are_kept() {
    let params = |scale| ActivationParams::new(scale, 3, IntRange::new(0, 255).unwrap()).unwrap();
    let reduce = |reduction| Reduce { reduction, axes: vec![1], keep_dims: true };
    let mut graph = Graph::new();
    let x = graph.input("x", ValueType::batch_of(&[4])).unwrap();
    let a = graph.add_one("a", FakeQuantize(params(0.5).into()), &[x]).unwrap();
    let b = graph.add_one("b", FakeQuantize(params(0.25).into()), &[x]).unwrap();
    let pad = |value| Pad { padding: vec![[0, 0], [1, 1]], value };
    let outputs = [
        (graph.add_one("relu", Relu, &[a]).unwrap(), Some(0.5)),
        (graph.add_one("relu6", Relu6, &[a]).unwrap(), None),
        (graph.add_one("max", reduce(Reduction::Max), &[a]).unwrap(), Some(0.5)),
        (graph.add_one("min", reduce(Reduction::Min), &[a]).unwrap(), Some(0.5)),
        (graph.add_one("mean", reduce(Reduction::Mean), &[a]).unwrap(), None),
        (graph.add_one("zeros", pad(0.0), &[a]).unwrap(), Some(0.5)),
        (graph.add_one("ones", pad(1.0), &[a]).unwrap(), None),
        (graph.add_one("joined", Concat { axis: 1 }, &[b, b]).unwrap(), Some(0.25)),
        (graph.add_one("two scales", Concat { axis: 1 }, &[a, b]).unwrap(), None),
        (graph.add_one("real and quantized", Concat { axis: 1 }, &[b, x]).unwrap(), None),
        (graph.add_one("sum", Add::default(), &[a, a]).unwrap(), None),
        (graph.add_one("real", Flatten { axis: 1 }, &[x]).unwrap(), None),
    ];
    for_each_case(outputs, |(output, expected)| {
        let found = graph.ty(output).element.quantization();
        assert_eq!(found, expected.map(|scale| params(scale).into()), "{}", graph.value_name(output));
    });
}
