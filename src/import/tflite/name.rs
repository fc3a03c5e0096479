//! Short names of layers and nodes, made of a file's long ones.
//!
//! A tensor of a file has the names of all operations that were merged into it, each after the scopes that it was in:
//! `model/activation/Relu;model/batch_normalization/FusedBatchNormV3;model/conv2d/Conv2D`. A layer is named by the
//! scopes of its own operation in the name of its weight, or else of its output (`model/conv2d`); where that is not
//! there, by the scopes before the first part that is no module's. What all layers' names begin with is cut off
//! (`conv2d`), and scopes are joined by dots as PyTorch's module paths are.

/// What operations, and tensors of a module, are called: no part of a module's name.
const NO_MODULES: &[&str] = &[
    "kernel",
    "weight",
    "weights",
    "weights_quant",
    "depthwise_kernel",
    "depthwise_weights",
    "pointwise_weights",
    "bias",
    "biases",
    "read",
    "ReadVariableOp",
    "resource",
    "Const",
    "BiasAdd",
    "FusedBatchNorm",
    "FusedBatchNormV",
    "Relu",
    "Relu6",
    "Conv2D",
    "Conv2D_Fold",
    "depthwise",
    "depthwise_Fold",
    "separable_conv2d",
    "MatMul",
    "Tensordot",
    "Reshape",
    "Softmax",
    "Sigmoid",
    "AvgPool",
    "MaxPool",
    "FakeQuantWithMinMaxVars",
    "act_quant",
    "add_fold",
    "mul_fold",
    "Add",
    "AddV",
    "Mul",
    "Mean",
    "Squeeze",
    "Pad",
    "Transpose",
];

/// Names that converters make up.
const MADE_UP: &[&str] = &["tfl.", "arith.constant", "Identity", "StatefulPartitionedCall", "PartitionedCall"];

/// The scopes of a node that `operations` are the names of, whose tensors have these names: its weight's, if it has
/// one, then its output's.
pub(super) fn scopes<'a>(operations: &[&str], tensors: &[&'a str]) -> Vec<&'a str> {
    let own = |part: &&'a str| {
        let scopes: Vec<&str> = part.split('/').collect();
        let at = scopes.iter().rposition(|scope| operations.contains(&unnumbered(scope)))?;
        Some(modules(&scopes[..at])).filter(|scopes| !scopes.is_empty())
    };
    let parts = || tensors.iter().flat_map(|name| name.split(';'));
    if let Some(scopes) = parts().find_map(|part| own(&part)) {
        return scopes;
    }
    let is_made_up = |name: &&&str| MADE_UP.iter().any(|prefix| name.starts_with(prefix));
    let named = tensors.iter().filter(|name| !is_made_up(name)).flat_map(|name| name.split(';').take(1));
    let up_to_tensor = |part: &'a str| {
        let scopes: Vec<&str> = part.split('/').collect();
        let end = scopes.iter().position(|scope| is_no_module(scope)).unwrap_or(scopes.len());
        Some(modules(&scopes[..end])).filter(|scopes| !scopes.is_empty())
    };
    { named }.find_map(up_to_tensor).unwrap_or_default()
}

/// A scope without the number that tells it from others of its name.
fn unnumbered(scope: &str) -> &str {
    scope.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_')
}

fn is_no_module(scope: &str) -> bool {
    NO_MODULES.contains(&scope) || NO_MODULES.contains(&unnumbered(scope))
}

/// Scopes without those of operations at the end, and without repeats of the one before.
fn modules<'a>(scopes: &[&'a str]) -> Vec<&'a str> {
    let mut modules: Vec<&str> = scopes.iter().copied().filter(|scope| !scope.is_empty()).collect();
    while modules.last().is_some_and(|scope| is_no_module(scope)) {
        modules.pop();
    }
    modules.dedup();
    modules
}

/// How many first scopes all of these share, none of which they are all of.
pub(super) fn shared<'a>(paths: impl Iterator<Item = &'a Vec<&'a str>> + Clone) -> usize {
    let Some(first) = paths.clone().find(|path| !path.is_empty()) else { return 0 };
    let shares = |path: &Vec<&str>| {
        let same = path.iter().zip(first).take_while(|(a, b)| a == b).count();
        same.min(path.len().saturating_sub(1))
    };
    paths.filter(|path| !path.is_empty()).map(shares).min().unwrap_or(0)
}

/// The name of a node of these scopes, without the first ones if they are `prefix`; else that of its operator.
pub(super) fn name(scopes: &[&str], prefix: &[&str], operator: &str) -> String {
    let own = scopes.strip_prefix(prefix).filter(|own| !own.is_empty()).unwrap_or(scopes);
    if own.is_empty() { operator.to_ascii_lowercase() } else { own.join(".") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn layers_are_named_by_the_scopes_of_their_operation() {
        const DEPTHWISE: &str = "functional_1/batch_normalization_1/FusedBatchNormV3;functional_1/depthwise_conv2d/depthwise;\
                                 functional_1/depthwise_conv2d/BiasAdd;functional_1/conv2d_3/Conv2D";
        let cases: [(&[&str], &[&str], &str); 10] = [
            (&["Conv2D"], &["model/conv2d/Conv2D", "model/activation/Relu;model/conv2d/BiasAdd"], "model.conv2d"),
            (&["depthwise"], &[DEPTHWISE, "functional_1/activation_1/Relu"], "functional_1.depthwise_conv2d"),
            (
                &["MatMul"],
                &["tfl.pseudo_qconst", "sequential/dense_1/MatMul;sequential/dense_1/BiasAdd"],
                "sequential.dense_1",
            ),
            (&["MatMul"], &["net/dense/Tensordot/MatMul", "x"], "net.dense"),
            (&["conv2d_transpose"], &["net/conv2d_transpose/conv2d_transpose/ReadVariableOp"], "net.conv2d_transpose"),
            (
                &["Conv2D"],
                &["MobilenetV1/MobilenetV1/Conv2d_0/weights_quant/FakeQuantWithMinMaxVars"],
                "MobilenetV1.Conv2d_0",
            ),
            (&["Conv2D"], &["fc.weight", "y"], "fc.weight"),
            (&["Conv2D"], &["arith.constant3", "block/expand/Relu6;block/bn"], "block.expand"),
            (&["Softmax"], &["Identity"], ""),
            (&["add"], &["model/activation_2/Relu;model/add_1/add"], "model.add_1"),
        ];
        for_each_case(cases, |(operations, tensors, expected)| {
            assert_eq!(scopes(operations, tensors).join("."), expected, "{tensors:?}");
        });
    }

    #[test]
    fn what_all_names_begin_with_is_cut_off() {
        let paths: Vec<Vec<&str>> = vec![vec!["model", "a", "conv"], vec!["model", "a"], vec![], vec!["model", "b"]];
        assert_eq!(shared(paths.iter()), 1);
        assert_eq!(name(&paths[0], &["model"], "CONV_2D"), "a.conv");
        assert_eq!(name(&paths[2], &["model"], "CONV_2D"), "conv_2d");
        assert_eq!(name(&["model"], &["model"], "ADD"), "model");
        assert_eq!(shared([vec!["dense"], vec!["dense", "x"]].iter()), 0);
    }
}
