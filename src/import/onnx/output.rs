//! The output of an ONNX graph that the network is judged by: which it is, and its turn into a vector for
//! each sample.
//!
//! Files may have further outputs, such as features for other programs. Those that others are computed from
//! are taken only where no other can be; among the rest, one alone must be a vector for each sample, or else
//! an image of the input's size, unless the caller names one. What an output is shows when the network is
//! built up to it, so only a few are tried.

use super::error::OnnxProblem;
use super::lower::Lowering;
use super::operation::Operation;
use super::order;
use super::value::Value;
use crate::graph::Dim;
use crate::graph::op::Reshape;
use crate::import::image_input::ImageInput;
use crate::import::output_form::OutputForm;
use crate::registry::UnknownName;
use rten_onnx::onnx::GraphProto;

/// The most outputs that are tried.
const MAX_TRIED: usize = 16;

/// Something that was built up to an output of the file.
pub(super) trait UpToOutput {
    /// What that output is, and its type for messages.
    fn form(&self) -> (&OutputForm, &str);
}

/// The network up to the output that it is judged by: the one `asked` for, else the only one that fits.
/// `build` makes the network up to one of them.
///
/// # Errors
/// When there is no output, none of the name that was asked for, too many to try, or none or several fit.
pub(super) fn choose<'a, T: UpToOutput>(
    graph: &'a GraphProto,
    nodes: &'a [Operation],
    asked: Option<&str>,
    mut build: impl FnMut(&'a str) -> Result<T, OnnxProblem>,
) -> Result<T, OnnxProblem> {
    let names: Vec<&str> = graph.output.iter().filter_map(|output| output.name.as_deref()).collect();
    if let Some(asked) = asked {
        let found = names.iter().find(|name| **name == asked);
        let unknown = || OnnxProblem::UnknownOutput(UnknownName::new("output", asked, names.iter().copied()));
        return build(found.ok_or_else(unknown)?);
    }
    match names.as_slice() {
        [] => Err(OnnxProblem::NoOutput),
        [only] => build(only),
        _ => choose_among(nodes, &names, build),
    }
}

fn choose_among<'a, T: UpToOutput>(
    nodes: &'a [Operation],
    names: &[&'a str],
    mut build: impl FnMut(&'a str) -> Result<T, OnnxProblem>,
) -> Result<T, OnnxProblem> {
    let read = order::read_on_the_way(nodes, names);
    let (inner, last): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| read.contains(*name));
    let mut error = None;
    for tier in [last, inner] {
        if tier.len() > MAX_TRIED {
            let found = tier.iter().map(|name| format!("'{name}'")).collect();
            return Err(OnnxProblem::ManyOutputs { found, limit: MAX_TRIED });
        }
        let (mut vectors, mut images) = (Fitting::default(), Fitting::default());
        for name in tier {
            match build(name) {
                Ok(built) if built.form().0.reconstructs_input => images.add(name, built),
                Ok(built) => vectors.add(name, built),
                Err(problem) => error = error.or(Some(problem)),
            }
        }
        let Fitting { first, found } = if vectors.found.is_empty() { images } else { vectors };
        match (first, found.len()) {
            (Some(first), 1) => return Ok(first),
            (Some(_), _) => return Err(OnnxProblem::Outputs { found }),
            (None, _) => (),
        }
    }
    Err(error.unwrap_or(OnnxProblem::NoOutput))
}

/// Outputs of one kind that a network can be judged by: the first, and all in words.
struct Fitting<T> {
    first: Option<T>,
    found: Vec<String>,
}

impl<T> Default for Fitting<T> {
    fn default() -> Self {
        Fitting { first: None, found: Vec::new() }
    }
}

impl<T: UpToOutput> Fitting<T> {
    fn add(&mut self, name: &str, built: T) {
        self.found.push(format!("'{name}' {}", built.form().1));
        self.first.get_or_insert(built);
    }
}

/// Makes the value called `name` the graph's output, a vector for each sample.
///
/// # Errors
/// When it is neither a vector for each sample nor an image of the input's size.
pub(super) fn set(
    lowering: &mut Lowering,
    name: &str,
    images: &ImageInput,
) -> Result<(OutputForm, String), OnnxProblem> {
    let wrong = |found: String| OnnxProblem::Output { name: name.to_owned(), found };
    let value = lowering.value(name).map_err(|error| error.of(format!("output '{name}'"), ""))?;
    let Some(Value::Computed(id)) = value else { return Err(wrong("a constant".to_owned())) };
    let ty = lowering.graph.ty(id).clone();
    let form = OutputForm::of(&ty, lowering.batch.dim(), images.shape.iter().product());
    let form = form.ok_or_else(|| wrong(ty.to_string()))?;
    let mut output = id;
    if form.reconstructs_input {
        let name = lowering.unused("image");
        output = images.restore(&mut lowering.graph, &name, output)?;
    }
    if !form.is_flat {
        let name = lowering.unused("logits");
        let shape = vec![lowering.batch.dim(), Dim::Fixed(form.count)];
        output = lowering.graph.add_one(&name, Reshape { shape }, &[output])?;
    }
    lowering.graph.set_outputs(&[output]);
    Ok((form, ty.to_string()))
}
