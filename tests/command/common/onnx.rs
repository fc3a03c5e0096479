//! ONNX files that the tests write.

use super::network::Array;
use super::random::Random;
use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};
use rten_onnx::protobuf::{EncodeMessage, ValueWriter};
use std::cell::RefCell;

/// An attribute's value.
#[derive(Debug, Clone, Copy)]
pub enum Attr<'a> {
    Int(i64),
    Ints(&'a [i64]),
    Float(f32),
    Text(&'a str),
}

/// A network in the making, from an input `x` of images to an output.
pub struct Onnx {
    pub graph: GraphProto,
    pub opset: i64,
    random: Random,
}

impl Onnx {
    /// A network of images of `sample`, the batch left open.
    pub fn new(opset: i64, sample: &[usize]) -> Self {
        let sizes: Vec<i64> = sample.iter().map(|&size| size as i64).collect();
        let mut onnx = Onnx { graph: GraphProto::default(), opset, random: Random::new(opset as u64) };
        onnx.graph.input.push(value("x", &[&[-1], sizes.as_slice()].concat()));
        onnx
    }

    /// Makes the batch this many, a constant.
    pub fn batch(&mut self, size: usize) -> &mut Self {
        self.set_dim(0, Dimension { dim_value: Some(size as i64), dim_param: None })
    }

    /// Leaves a dimension of the input open.
    pub fn open(&mut self, axis: usize) -> &mut Self {
        self.set_dim(axis, Dimension { dim_value: None, dim_param: Some(format!("d{axis}")) })
    }

    fn set_dim(&mut self, axis: usize, dim: Dimension) -> &mut Self {
        let ty = self.graph.input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap();
        ty.shape.as_mut().unwrap().dim[axis] = dim;
        self
    }

    /// A node; empty names are inputs that are left out.
    pub fn node(
        &mut self,
        name: &str,
        op: &str,
        inputs: &[&str],
        outputs: &[&str],
        attrs: &[(&str, Attr)],
    ) -> &mut Self {
        let strings = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        self.graph.node.push(NodeProto {
            domain: None,
            name: (!name.is_empty()).then(|| name.to_owned()),
            op_type: Some(op.to_owned()),
            input: strings(inputs),
            output: strings(outputs),
            attribute: attrs.iter().map(|&(name, attr)| attribute(name, attr)).collect(),
        });
        self
    }

    /// A node that calls a function of the domain `local`.
    pub fn call(
        &mut self,
        name: &str,
        function: &str,
        inputs: &[&str],
        outputs: &[&str],
        attrs: &[(&str, Attr)],
    ) -> &mut Self {
        self.node(name, function, inputs, outputs, attrs);
        self.graph.node.last_mut().unwrap().domain = Some("local".to_owned());
        self
    }

    /// The field of a model's file that holds a function of the domain `local`, of this network's nodes and
    /// operator set. `references` are an operator, its attribute, and the call's attribute that it takes.
    pub fn function(
        &self,
        name: &str,
        [inputs, outputs]: [&[&str]; 2],
        references: &[[&str; 3]],
        defaults: &[(&str, Attr)],
    ) -> Vec<u8> {
        let texts = |number, texts: &[&str]| -> Vec<u8> {
            texts.iter().flat_map(|text| field(number, text.as_bytes())).collect()
        };
        let node = |node: &NodeProto| {
            let taken = references.iter().filter(|[operator, ..]| node.op_type.as_deref() == Some(operator));
            let taken = taken.flat_map(|[_, name, of]| field(5, &[texts(1, &[name]), texts(21, &[of])].concat()));
            field(7, &[encoded(node), taken.collect()].concat())
        };
        let body: Vec<u8> = self.graph.node.iter().flat_map(node).collect();
        let sets = [
            OperatorSetIdProto { domain: None, version: Some(self.opset) },
            OperatorSetIdProto { domain: Some("local".to_owned()), version: Some(1) },
        ];
        let sets: Vec<u8> = sets.iter().flat_map(|set| field(9, &encoded(set))).collect();
        let defaults = defaults.iter().flat_map(|&(name, attr)| field(11, &encoded(&attribute(name, attr)))).collect();
        let names = [texts(1, &[name]), texts(4, inputs), texts(5, outputs), texts(10, &["local"])].concat();
        field(25, &[names, body, sets, defaults].concat())
    }

    /// A node without a name and with one output.
    pub fn op(&mut self, op: &str, inputs: &[&str], output: &str, attrs: &[(&str, Attr)]) -> &mut Self {
        self.node("", op, inputs, &[output], attrs)
    }

    /// An initial value.
    pub fn tensor(&mut self, name: &str, array: &Array) -> &mut Self {
        self.graph.initializer.push(floats(name, &array.shape, &array.values));
        self
    }

    /// An initial value of random numbers, about -1 to 1.
    pub fn random(&mut self, name: &str, shape: &[usize]) -> &mut Self {
        self.random_between(name, shape, -1.0, 1.0)
    }

    pub fn random_between(&mut self, name: &str, shape: &[usize], low: f32, high: f32) -> &mut Self {
        let values = self.random.floats(shape.iter().product(), low, high);
        self.tensor(name, &Array { shape: shape.to_vec(), values })
    }

    pub fn scalar(&mut self, name: &str, value: f32) -> &mut Self {
        self.tensor(name, &Array { shape: vec![], values: vec![value] })
    }

    /// An initial value of integers, along one axis.
    pub fn ints(&mut self, name: &str, values: &[i64]) -> &mut Self {
        self.int_tensor(name, &[values.len()], values)
    }

    pub fn int_tensor(&mut self, name: &str, shape: &[usize], values: &[i64]) -> &mut Self {
        self.graph.initializer.push(TensorProto {
            name: Some(name.to_owned()),
            dims: shape.iter().map(|&size| size as i64).collect(),
            data_type: Some(DataType::INT64),
            int64_data: values.to_vec(),
            ..Default::default()
        });
        self
    }

    /// The network up to the value `output`, as one of the default operator set.
    pub fn model(&self, output: &str) -> ModelProto {
        let mut graph = self.graph.clone();
        graph.output.push(value(output, &[]));
        let opset = OperatorSetIdProto { domain: Some(String::new()), version: Some(self.opset) };
        ModelProto { ir_version: Some(8), graph: Some(graph), opset_import: vec![opset], ..Default::default() }
    }

    /// The file of the network with several outputs.
    pub fn bytes_of(&self, outputs: &[&str]) -> Vec<u8> {
        let (last, first) = outputs.split_last().unwrap();
        let mut model = self.model(last);
        let all = &mut model.graph.as_mut().unwrap().output;
        all.splice(0..0, first.iter().map(|output| value(output, &[])));
        model.write_buf().unwrap()
    }

    /// The file of it.
    pub fn bytes(&self, output: &str) -> Vec<u8> {
        self.model(output).write_buf().unwrap()
    }
}

/// A message's bytes.
fn encoded(message: &impl EncodeMessage) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(ValueWriter::new(&mut bytes)).unwrap();
    bytes
}

/// A field of a message that holds bytes: a text, or another message.
pub fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    let varint = |mut value: u64| {
        let mut encoded = Vec::new();
        while value >= 0x80 {
            encoded.push(value as u8 | 0x80);
            value >>= 7;
        }
        encoded.push(value as u8);
        encoded
    };
    [varint(number << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

/// A tensor of real numbers, as raw bytes.
pub fn floats(name: &str, shape: &[usize], values: &[f32]) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        dims: shape.iter().map(|&size| size as i64).collect(),
        data_type: Some(DataType::FLOAT),
        raw_data: Some(RefCell::new(super::files::f32_bytes(values))),
        ..Default::default()
    }
}

/// A value of real numbers; a negative dimension is open, no dimensions are unknown ones.
fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = |&size: &i64| match size {
        ..0 => Dimension { dim_value: None, dim_param: Some("n".to_owned()) },
        size => Dimension { dim_value: Some(size), dim_param: None },
    };
    let shape = (!dims.is_empty()).then(|| TensorShapeProto { dim: dims.iter().map(dim).collect() });
    let tensor_type = Some(TypeProtoTensor { elem_type: Some(DataType::FLOAT), shape });
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(TypeProto { tensor_type, sequence: None }) }
}

fn attribute(name: &str, attr: Attr) -> AttributeProto {
    let mut proto = AttributeProto { name: Some(name.to_owned()), ..Default::default() };
    proto.r#type = Some(match attr {
        Attr::Int(int) => {
            proto.i = Some(int);
            AttributeType::INT
        }
        Attr::Ints(ints) => {
            proto.ints = ints.to_vec();
            AttributeType::INTS
        }
        Attr::Float(float) => {
            proto.f = Some(float);
            AttributeType::FLOAT
        }
        Attr::Text(text) => {
            proto.s = Some(text.to_owned());
            AttributeType::STRING
        }
    });
    proto
}
