//! Layer names: those of the network's state dict, so that quantization parameters of the same network from
//! the zoo fit.

/// The name of a layer whose weight and bias are called `weight` and `bias`, and its node `node`, of
/// operator `operator`.
///
/// The module path is in the weight's name, if exporters left it; else in the bias's, where they
/// transposed the weight and so made a new one of it; else in the node's name.
pub(super) fn layer(weight: &str, bias: Option<&str>, node: &str, operator: &str) -> String {
    let of_weight = module(weight, "weight");
    let of_bias = || bias.and_then(|bias| module(bias, "bias"));
    let of_node = || scope(node, operator).unwrap_or_else(|| node.to_owned());
    of_weight.or_else(of_bias).unwrap_or_else(of_node)
}

/// The name of a product of two activations, the node `node` of operator `operator`: its module path, if its name
/// has that.
pub(super) fn product(node: &str, operator: &str) -> String {
    scope(node, operator).unwrap_or_else(|| node.to_owned())
}

/// The prefix of a tensor's name before `.part` or `_part`.
fn module(tensor: &str, part: &str) -> Option<String> {
    let path = tensor.strip_suffix(part)?;
    let path = path.strip_suffix(['.', '_'])?;
    // Exporters generate names such as `onnx::Conv_193_weight`.
    (!path.is_empty() && !path.contains("::")).then(|| path.to_owned())
}

/// The module path of a node called `/layer1/layer1.0/conv1/Conv`: its scopes without the operator; a
/// scope that the next one repeats is left out.
fn scope(node: &str, operator: &str) -> Option<String> {
    let (scopes, last) = node.rsplit_once('/')?;
    if !last.starts_with(operator) {
        return None;
    }
    let scopes: Vec<&str> = scopes.split('/').filter(|scope| !scope.is_empty()).collect();
    let repeats = |i: usize| {
        let next = scopes.get(i + 1);
        next.is_some_and(|next| next.strip_prefix(scopes[i]).is_some_and(|rest| rest.starts_with('.')))
    };
    let path: Vec<&str> = (0..scopes.len()).filter(|&i| !repeats(i)).map(|i| scopes[i]).collect();
    (!path.is_empty()).then(|| path.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn products_are_named_by_their_scope() {
        let cases = [
            ("/blocks/blocks.0/attn/MatMul", "MatMul", "blocks.0.attn"),
            ("/blocks/blocks.0/attn/MatMul_1", "MatMul", "blocks.0.attn"),
            ("/attn/Einsum", "Einsum", "attn"),
            ("/MatMul", "MatMul", "/MatMul"),
            ("node_matmul_3", "MatMul", "node_matmul_3"),
        ];
        for_each_case(cases, |(node, operator, expected)| assert_eq!(product(node, operator), expected, "{node}"));
    }

    #[test]
    fn names_are_module_paths() {
        let cases = [
            // Weights that kept their names.
            ("conv1.weight", None, "/conv1/Conv", "Conv", "conv1"),
            ("layer1.0.conv1.weight", Some("layer1.0.conv1.weight_bias"), "node_Conv_330", "Conv", "layer1.0.conv1"),
            ("encoder.0.attention.in_proj_weight", None, "node_MatMul_3", "MatMul", "encoder.0.attention.in_proj"),
            // Weights that batch normalization was folded into.
            ("onnx::Conv_193", Some("onnx::Conv_194"), "/layer1/layer1.0/conv1/Conv", "Conv", "layer1.0.conv1"),
            (
                "onnx::Conv_541",
                Some("onnx::Conv_542"),
                "/features/features.1/conv/conv.0/conv.0.0/Conv",
                "Conv",
                "features.1.conv.0.0",
            ),
            // Weights that were transposed.
            ("val_101", Some("encoder.mlp.0.bias"), "node_MatMul_98", "MatMul", "encoder.mlp.0"),
            (
                "onnx::MatMul_565",
                Some("features.1.block.3.bias"),
                "/block/block.3/MatMul",
                "MatMul",
                "features.1.block.3",
            ),
            ("onnx::MatMul_565", None, "/features/features.1/block/block.3/MatMul", "MatMul", "features.1.block.3"),
            // Others.
            ("dense/kernel:0", None, "model/dense/MatMul", "MatMul", "model.dense"),
            ("conv1_w_0", Some("conv1_b_0"), "n0", "Conv", "n0"),
            ("W", None, "some/thing", "Conv", "some/thing"),
            ("W", None, "/Conv", "Conv", "/Conv"),
            ("fc.weight", None, "", "Gemm", "fc"),
        ];
        for_each_case(cases, |(weight, bias, node, operator, expected)| {
            assert_eq!(layer(weight, bias, node, operator), expected, "{weight} {bias:?} {node}");
        });
    }
}
