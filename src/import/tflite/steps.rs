//! The operators that an output needs, and their nodes' names.

use super::error::TfliteProblem;
use super::lower::{OPERATORS, Step, TfliteOperator};
use super::schema::{Model, Operator};
use super::{builtins, name};
use crate::registry::UnknownName;
use std::collections::HashSet;

/// The number of the tensor that a network is judged by: the output called `asked`, else the only one.
pub(super) fn output(model: &Model, asked: Option<&str>) -> Result<i32, TfliteProblem> {
    /// Further outputs are not listed.
    const LISTED: usize = 64;
    let tensors = model.main.outputs.iter().take(LISTED);
    let named: Vec<_> = tensors.filter_map(|&number| Some((number, model.main.tensor(number)?))).collect();
    let names = || named.iter().map(|(_, tensor)| &*tensor.name);
    match (asked, named.as_slice()) {
        (Some(asked), _) => {
            let found = named.iter().find(|(_, tensor)| tensor.name == asked);
            let unknown = || TfliteProblem::UnknownOutput(UnknownName::new("output", asked, names()));
            Ok(found.ok_or_else(unknown)?.0)
        }
        (None, []) => Err(TfliteProblem::NoOutput),
        (None, &[(number, _)]) => Ok(number),
        (None, several) => {
            let found = several.iter().map(|(_, tensor)| format!("'{}' {}", tensor.name, tensor.describe()));
            Err(TfliteProblem::Outputs { found: found.collect() })
        }
    }
}

/// What messages call the operator that computes a tensor.
pub(super) fn title(model: &Model, output: i32) -> String {
    match model.main.tensor(output) {
        Some(tensor) => format!("the operator that computes '{}'", tensor.name),
        None => format!("the operator that computes tensor {output}"),
    }
}

/// The operators that compute `output` from `input`, in the order of the file.
pub(super) fn needed<'a>(model: &'a Model, input: i32, output: i32) -> Result<Vec<Step<'a>>, TfliteProblem> {
    let mut wanted = HashSet::from([output]);
    let mut needed: Vec<(&Operator, i32)> = Vec::new();
    for operator in model.main.operators.iter().rev() {
        // The first that is wanted is what the operator is for; others have no lowering, which says so.
        let Some(own) = operator.outputs.iter().find(|&number| number != input && wanted.remove(&number)) else {
            continue;
        };
        wanted.extend(operator.inputs.iter());
        needed.push((operator, own));
    }
    needed.reverse();
    let kinds = needed.iter().map(|&(operator, own)| kind(model, operator, own)).collect::<Result<Vec<_>, _>>()?;
    let scopes: Vec<Vec<&str>> =
        needed.iter().zip(&kinds).map(|(&(operator, own), kind)| scopes(model, operator, kind, own)).collect();
    let layers = scopes.iter().zip(&kinds).filter(|(_, kind)| kind.has_weight).map(|(scopes, _)| scopes);
    let shared = name::shared(layers.clone());
    let prefix: Vec<&str> =
        layers.clone().find(|path| !path.is_empty()).map(|path| path[..shared].to_vec()).unwrap_or_default();
    let step =
        |((&(operator, output), kind), scopes): ((&(&'a Operator, i32), &&'static TfliteOperator), &Vec<&str>)| Step {
            operator,
            kind,
            output,
            name: name::name(scopes, &prefix, kind.name),
        };
    Ok(needed.iter().zip(&kinds).zip(&scopes).map(step).collect())
}

/// What an operator is.
fn kind(model: &Model, operator: &Operator, output: i32) -> Result<&'static TfliteOperator, TfliteProblem> {
    let code = model.codes.get(operator.code as usize);
    let name = match code {
        Some(code) if !code.custom.is_empty() => format!("CUSTOM '{}'", code.custom),
        Some(code) => builtins::name(code.builtin).map_or_else(|| format!("{}", code.builtin), str::to_owned),
        None => format!("of code {}, which the file lacks,", operator.code),
    };
    OPERATORS.get(&name).ok_or_else(|| TfliteProblem::Operator {
        operator: name,
        node: title(model, output),
        supported: OPERATORS.names().collect(),
    })
}

/// The scopes of an operator's node in the names of its tensors.
fn scopes<'a>(model: &'a Model, operator: &Operator, kind: &TfliteOperator, output: i32) -> Vec<&'a str> {
    let weight = operator.inputs.get(1).filter(|_| kind.has_weight);
    let tensors = weight.into_iter().chain([output]).filter_map(|number| model.main.tensor(number));
    name::scopes(kind.operations, &tensors.map(|tensor| &*tensor.name).collect::<Vec<_>>())
}
