//! Local functions of a model: nodes that stand for graphs of their own, replaced by these graphs before
//! anything is lowered.
//!
//! Exporters write a function for each module, or for an operator that runtimes may not know. A function's
//! nodes may call others, take attributes from the node that calls it, and have an operator set of their own.

use super::budget::Budget;
use super::error::{FunctionProblem, NodeProblem, OnnxProblem};
use super::operation::{OPERATOR_SETS, Operation, operator_set, title};
use rten_onnx::onnx::{AttributeProto, GraphProto, NodeProto, OperatorSetIdProto};
use rten_onnx::protobuf::{
    DecodeMessage, EncodeMessage, Field, Fields, OwnedValues, ProtobufError, ReadValue, ValueReader,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The most nodes that functions may come to, calls included, far beyond any network: a few functions that
/// call each other twice would come to any number.
const MAX_NODES: usize = 1 << 17;

/// The deepest nesting of calls.
const MAX_DEPTH: usize = 64;

/// A function of a file.
#[derive(Debug, Default)]
struct Function {
    name: Key,
    inputs: Vec<String>,
    outputs: Vec<String>,
    body: Vec<BodyNode>,
    /// Attributes that calls may leave out.
    defaults: Vec<AttributeProto>,
    operator_sets: Vec<OperatorSetIdProto>,
}

/// The domain and name of a function, the default domain being empty.
type Key = (String, String);

fn key(domain: Option<&str>, name: Option<&str>) -> Key {
    (domain.filter(|domain| *domain != "ai.onnx").unwrap_or_default().to_owned(), name.unwrap_or_default().to_owned())
}

fn shown((domain, name): &Key) -> String {
    if domain.is_empty() { name.clone() } else { format!("{domain}.{name}") }
}

/// A node of a function.
#[derive(Debug, Default)]
struct BodyNode {
    node: NodeProto,
    /// Attributes of the node that are those of the call, by both names.
    references: Vec<Reference>,
}

/// An attribute that stands for one of the call.
#[derive(Debug, Default)]
struct Reference {
    name: String,
    /// Its name in the call; empty where the attribute has a value of its own.
    of: String,
}

/// The functions of a file.
#[derive(Debug, Default)]
pub(super) struct Functions(Vec<Function>);

impl Functions {
    /// Those of a file with these bytes.
    pub fn parse(file: &[u8]) -> Result<Self, ProtobufError> {
        Functions::decode(ValueReader::from_buf(file))
    }

    /// The version of the default operator set of the first function that states one.
    pub fn operator_set(&self) -> Option<i64> {
        self.0.iter().find_map(|function| operator_set(&function.operator_sets))
    }

    /// The nodes of `graph`, which loses them, of operator set `opset`; calls of functions are replaced by the
    /// nodes of these, which take memory of `budget`.
    pub fn inline(&self, graph: &mut GraphProto, opset: i64, budget: Budget) -> Result<Vec<Operation>, OnnxProblem> {
        let nodes = std::mem::take(&mut graph.node);
        let mut functions = BTreeMap::new();
        for function in &self.0 {
            if functions.insert(&function.name, function).is_some() {
                return Err(FunctionProblem::Duplicate(shown(&function.name)).into());
            }
        }
        let values =
            graph.initializer.iter().map(|tensor| &tensor.name).chain(graph.input.iter().map(|input| &input.name));
        let names = values.flatten().chain(nodes.iter().flat_map(|node| &node.output)).cloned().collect();
        let mut inlining = Inlining { functions, budget, names, operations: Vec::new(), count: 0 };
        nodes.into_iter().try_for_each(|proto| inlining.add(Operation { proto, opset }, 0))?;
        Ok(inlining.operations)
    }
}

/// The replacement of calls, under way.
struct Inlining<'a> {
    functions: BTreeMap<&'a Key, &'a Function>,
    budget: Budget,
    /// The names of all values.
    names: HashSet<String>,
    operations: Vec<Operation>,
    /// Nodes of functions so far.
    count: usize,
}

impl Inlining<'_> {
    /// Adds a node, or the nodes of the function that it calls, `depth` calls deep.
    fn add(&mut self, operation: Operation, depth: usize) -> Result<(), OnnxProblem> {
        let Operation { proto, opset } = &operation;
        let key = key(proto.domain.as_deref(), proto.op_type.as_deref());
        let Some(&function) = self.functions.get(&key) else {
            self.operations.push(operation);
            return Ok(());
        };
        let caller = || title(proto);
        if depth == MAX_DEPTH {
            return Err(FunctionProblem::Depth { function: shown(&key), caller: caller(), limit: MAX_DEPTH }.into());
        }
        for (what, found, expected) in [
            ("inputs", proto.input.len(), function.inputs.len()),
            ("outputs", proto.output.len(), function.outputs.len()),
        ] {
            if found > expected {
                let (caller, function) = (caller(), shown(&key));
                return Err(FunctionProblem::Count { caller, function, what, found, expected }.into());
            }
        }
        let opset = function.operator_set(*opset)?;
        let scope = proto.name.as_deref().filter(|name| !name.is_empty());
        let scope = scope.or(proto.output.first().map(String::as_str)).unwrap_or_default().to_owned();
        // What the function's names are outside.
        let mut outside: HashMap<&str, String> = HashMap::new();
        for (i, input) in function.inputs.iter().enumerate() {
            outside.insert(input, proto.input.get(i).cloned().unwrap_or_default());
        }
        let mut passed_on = Vec::new();
        for (output, actual) in function.outputs.iter().zip(&proto.output).filter(|(_, actual)| !actual.is_empty()) {
            // An output that is an input, or an output twice.
            match outside.get(output.as_str()) {
                Some(known) => passed_on.push((known.clone(), actual.clone())),
                None => drop(outside.insert(output, actual.clone())),
            }
        }
        for BodyNode { node, references } in &function.body {
            let mut inner = node.clone();
            inner.name = node.name.as_deref().filter(|name| !name.is_empty()).map(|name| format!("{scope}/{name}"));
            for name in node.output.iter().chain(&node.input).filter(|name| !name.is_empty()) {
                if !outside.contains_key(name.as_str()) {
                    outside.insert(name, self.fresh(&format!("{scope}/{name}")));
                }
            }
            for name in inner.input.iter_mut().chain(&mut inner.output) {
                name.clone_from(outside.get(name.as_str()).unwrap_or(&String::new()));
            }
            resolve(&mut inner, references, proto, &function.defaults);
            self.count += 1;
            if self.count > MAX_NODES {
                return Err(FunctionProblem::Nodes { limit: MAX_NODES }.into());
            }
            let size = inner.encoded_len().unwrap_or(u64::MAX) as usize;
            let too_large =
                |source: NodeProblem| source.of(title(&inner), inner.op_type.as_deref().unwrap_or_default());
            self.budget.spend::<u8>(size).map_err(too_large)?;
            self.add(Operation { proto: inner, opset }, depth + 1)?;
        }
        for (from, to) in passed_on {
            let op_type = Some("Identity".to_owned());
            let proto = NodeProto { op_type, input: vec![from], output: vec![to], ..NodeProto::default() };
            self.add(Operation { proto, opset }, depth + 1)?;
        }
        Ok(())
    }

    /// `name`, or a numbered repeat of it, that no value has yet.
    fn fresh(&mut self, name: &str) -> String {
        let repeats = (2..).map(|i| format!("{name}#{i}"));
        let mut candidates = std::iter::once(name.to_owned()).chain(repeats);
        let unused = candidates.find(|name| !self.names.contains(name)).unwrap_or_default();
        self.names.insert(unused.clone());
        unused
    }
}

/// Gives a node of a function the attributes of the node that calls it; without one there, or a default, the
/// node goes without, too.
fn resolve(node: &mut NodeProto, references: &[Reference], call: &NodeProto, defaults: &[AttributeProto]) {
    for Reference { name, of } in references {
        node.attribute.retain(|attribute| attribute.name.as_deref() != Some(name));
        let mut given = call.attribute.iter().chain(defaults);
        if let Some(given) = given.find(|attribute| attribute.name.as_deref() == Some(of)) {
            node.attribute.push(AttributeProto { name: Some(name.clone()), ..given.clone() });
        }
    }
}

impl Function {
    /// The version of its default operator set; `outer` where it states none.
    fn operator_set(&self, outer: i64) -> Result<i64, OnnxProblem> {
        let version = operator_set(&self.operator_sets).unwrap_or(outer);
        if OPERATOR_SETS.contains(&version) {
            return Ok(version);
        }
        let found = format!("{version} (of function {})", shown(&self.name));
        Err(OnnxProblem::OperatorSet { found, supported: OPERATOR_SETS })
    }
}

/// Reads every field of a message.
fn each_field<R: ReadValue<Types = OwnedValues>>(
    mut fields: Fields<R>,
    mut read: impl FnMut(&mut Field<R>) -> Result<(), ProtobufError>,
) -> Result<(), ProtobufError> {
    while let Some(mut field) = fields.next()? {
        read(&mut field)?;
    }
    Ok(())
}

impl DecodeMessage for Functions {
    type Types = OwnedValues;

    fn decode_fields<R: ReadValue<Types = OwnedValues>>(fields: Fields<R>) -> Result<Self, ProtobufError> {
        let mut functions = Functions::default();
        each_field(fields, |field| {
            match field.number() {
                25 => functions.0.push(Function::decode_field(field)?),
                _ => field.skip()?,
            }
            Ok(())
        })?;
        Ok(functions)
    }
}

impl DecodeMessage for Function {
    type Types = OwnedValues;

    fn decode_fields<R: ReadValue<Types = OwnedValues>>(fields: Fields<R>) -> Result<Self, ProtobufError> {
        let (mut function, mut name, mut domain) = (Function::default(), None, None);
        each_field(fields, |field| {
            match field.number() {
                1 => name = Some(field.read_string()?),
                4 => function.inputs.push(field.read_string()?),
                5 => function.outputs.push(field.read_string()?),
                7 => function.body.push(BodyNode::decode_field(field)?),
                9 => function.operator_sets.push(OperatorSetIdProto::decode_field(field)?),
                10 => domain = Some(field.read_string()?),
                11 => function.defaults.push(AttributeProto::decode_field(field)?),
                _ => field.skip()?,
            }
            Ok(())
        })?;
        function.name = key(domain.as_deref(), name.as_deref());
        Ok(function)
    }
}

impl DecodeMessage for BodyNode {
    type Types = OwnedValues;

    fn decode_fields<R: ReadValue<Types = OwnedValues>>(fields: Fields<R>) -> Result<Self, ProtobufError> {
        let mut body = BodyNode::default();
        let BodyNode { node, references } = &mut body;
        each_field(fields, |field| {
            match field.number() {
                1 => node.input.push(field.read_string()?),
                2 => node.output.push(field.read_string()?),
                3 => node.name = Some(field.read_string()?),
                4 => node.op_type = Some(field.read_string()?),
                // An attribute, and whether it stands for one of the call.
                5 => {
                    let bytes = field.read_bytes()?;
                    node.attribute.push(AttributeProto::decode(ValueReader::from_buf(bytes.as_slice()))?);
                    let reference = Reference::decode(ValueReader::from_buf(bytes.as_slice()))?;
                    references.extend(Some(reference).filter(|reference| !reference.of.is_empty()));
                }
                7 => node.domain = Some(field.read_string()?),
                _ => field.skip()?,
            }
            Ok(())
        })?;
        Ok(body)
    }
}

impl DecodeMessage for Reference {
    type Types = OwnedValues;

    fn decode_fields<R: ReadValue<Types = OwnedValues>>(fields: Fields<R>) -> Result<Self, ProtobufError> {
        let mut reference = Reference::default();
        each_field(fields, |field| {
            match field.number() {
                1 => reference.name = field.read_string()?,
                21 => reference.of = field.read_string()?,
                _ => field.skip()?,
            }
            Ok(())
        })?;
        Ok(reference)
    }
}
