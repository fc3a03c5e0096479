//! Vision transformers (Dosovitskiy et al., 2020, <https://arxiv.org/abs/2010.11929>, table 1; DeiT:
//! Touvron et al., 2020, <https://arxiv.org/abs/2012.12877>) as torchvision and timm build them, under
//! either's names. Queries, keys and values are one linear layer, as both store them. The two products of an
//! attention are layers of their own, called as the attention's module and `qk`, of queries with keys, or `av`,
//! of attention weights with values.

use super::{Activation, Architecture, Builder, Conv2d};
use crate::graph::op::{Concat, Expand, MatMul, Reshape, Scale, Slice, Softmax, Transpose};
use crate::graph::{Dim, GraphError, ValueId};

pub(super) const VIT_B_16: Architecture =
    Architecture::imagenet("vit_b_16", "ViT-B/16, 86.6 M parameters", |net, x| {
        let names = if net.has("cls_token") { TIMM } else { TORCHVISION };
        build(net, x, names, Size::imagenet(12, 768))
    })
    .aliases(&["vit_base_patch16_224"]);
pub(super) const DEIT_TINY: Architecture =
    Architecture::imagenet("deit_tiny", "DeiT-Ti/16, 5.7 M parameters", |net, x| {
        let names = if net.has("class_token") { TORCHVISION } else { TIMM };
        build(net, x, names, Size::imagenet(3, 192))
    })
    .aliases(&["deit_tiny_patch16_224"]);

pub(super) const VIT_MICRO: Architecture = Architecture {
    name: "vit_micro",
    aliases: &[],
    summary: "ViT of 3 layers on 7x7 patches of 28x28 images, named as timm's, 60,730 parameters",
    input: [1, 28, 28],
    num_classes: 10,
    build: |net, x| build(net, x, TIMM, Size { patch: 7, layers: 3, heads: 3, width: 48, hidden: 96 }),
};

/// What sets the networks apart.
#[derive(Debug, Clone, Copy)]
struct Size {
    /// Pixels of a patch's side.
    patch: usize,
    layers: usize,
    heads: usize,
    /// Numbers of each token.
    width: usize,
    /// Numbers of each token within the perceptron.
    hidden: usize,
}

impl Size {
    /// Of the networks for ImageNet, which differ in their width alone.
    const fn imagenet(heads: usize, width: usize) -> Self {
        Size { patch: 16, layers: 12, heads, width, hidden: 4 * width }
    }
}

/// How a library names the parts.
struct Names {
    patches: &'static str,
    class_token: &'static str,
    positions: &'static str,
    layer: fn(usize) -> String,
    /// Normalizations before attention and before the perceptron.
    norms: [&'static str; 2],
    /// The module of an attention.
    attention: &'static str,
    /// The projection to queries, keys and values in it, what its parameters are called, and the one after.
    projections: [&'static str; 4],
    /// Linear layers of the perceptron; as torchvision's older files have them.
    perceptron: [&'static str; 2],
    old_perceptron: [&'static str; 2],
    norm: &'static str,
    head: &'static str,
}

const TORCHVISION: Names = Names {
    patches: "conv_proj",
    class_token: "class_token",
    positions: "encoder.pos_embedding",
    layer: |i| format!("encoder.layers.encoder_layer_{i}"),
    norms: ["ln_1", "ln_2"],
    attention: "self_attention",
    projections: ["in_proj", "in_proj_weight", "in_proj_bias", "out_proj"],
    perceptron: ["mlp.0", "mlp.3"],
    old_perceptron: ["mlp.linear_1", "mlp.linear_2"],
    norm: "encoder.ln",
    head: "heads.head",
};

const TIMM: Names = Names {
    patches: "patch_embed.proj",
    class_token: "cls_token",
    positions: "pos_embed",
    layer: |i| format!("blocks.{i}"),
    norms: ["norm1", "norm2"],
    attention: "attn",
    projections: ["qkv", "qkv.weight", "qkv.bias", "proj"],
    perceptron: ["mlp.fc1", "mlp.fc2"],
    old_perceptron: ["mlp.fc1", "mlp.fc2"],
    norm: "norm",
    head: "head",
};

fn build(net: &mut Builder, x: ValueId, names: Names, size: Size) -> Result<ValueId, GraphError> {
    let mut x = tokens(net, x, &names, size)?;
    for i in 0..size.layers {
        x = layer(net, x, &names, &(names.layer)(i), size)?;
    }
    let x = net.layer_norm(names.norm, x)?;
    let x = net.node("class", Slice { axis: 1, start: 0, end: 1, step: 1 }, &[x])?;
    let x = net.flatten(x)?;
    net.linear(names.head, x, net.num_classes())
}

/// The class token and one token a patch, with their positions: `[batch, tokens, width]`.
fn tokens(net: &mut Builder, images: ValueId, names: &Names, size: Size) -> Result<ValueId, GraphError> {
    let Size { patch, width, .. } = size;
    let x = net.conv2d(names.patches, images, Conv2d::new(width, patch).stride(patch).bias())?;
    let patches = net.size(x, 2) * net.size(x, 3);
    let shape = vec![Dim::Batch(1), Dim::Fixed(width), Dim::Fixed(patches)];
    let x = net.node("patches", Reshape { shape }, &[x])?;
    let x = net.node("tokens", Transpose { order: vec![0, 2, 1] }, &[x])?;
    let class = net.parameter(names.class_token, &[1, 1, width])?;
    let shape = vec![Dim::Batch(1), Dim::Fixed(1), Dim::Fixed(width)];
    let class = net.node("class_tokens", Expand { shape }, &[class, images])?;
    let x = net.node("all_tokens", Concat { axis: 1 }, &[class, x])?;
    let positions = net.parameter(names.positions, &[1, patches + 1, width])?;
    net.add("placed_tokens", x, positions)
}

/// Attention and a perceptron, each after a normalization and beside a shortcut.
fn layer(net: &mut Builder, x: ValueId, names: &Names, name: &str, size: Size) -> Result<ValueId, GraphError> {
    let part = |part: &str| format!("{name}.{part}");
    let y = net.layer_norm(&part(names.norms[0]), x)?;
    let y = attention(net, y, &part(names.attention), names.projections, size)?;
    let x = net.add(&part("add1"), y, x)?;
    let y = net.layer_norm(&part(names.norms[1]), x)?;
    let is_old = net.has(&format!("{name}.{}.weight", names.old_perceptron[0]));
    let [expand, project] = if is_old { names.old_perceptron } else { names.perceptron };
    let y = net.linear(&part(expand), y, size.hidden)?;
    let y = net.activation(&part("gelu"), y, Activation::Gelu)?;
    let y = net.linear(&part(project), y, size.width)?;
    net.add(&part("add2"), y, x)
}

/// The attention `name` of several heads (Vaswani et al., 2017, <https://arxiv.org/abs/1706.03762>, section 3.2).
fn attention(
    net: &mut Builder,
    x: ValueId,
    name: &str,
    projections: [&str; 4],
    size: Size,
) -> Result<ValueId, GraphError> {
    let [projection, weight, bias, output] = projections.map(|part| format!("{name}.{part}"));
    let Size { heads, width, .. } = size;
    let (tokens, depth) = (net.size(x, 1), width / heads);
    let qkv = net.linear_with(&projection, [&weight, &bias], x, 3 * width)?;
    // One of the three, `[batch, tokens, heads, depth]`, its axes in another order.
    let mut part = |i: usize, part: &str, order: [usize; 4]| {
        let slice = Slice { axis: 2, start: i * width, end: (i + 1) * width, step: 1 };
        let x = net.node(&format!("{projection}.{part}"), slice, &[qkv])?;
        let shape = vec![Dim::Batch(1), Dim::Fixed(tokens), Dim::Fixed(heads), Dim::Fixed(depth)];
        let x = net.node(&format!("{projection}.{part}.heads"), Reshape { shape }, &[x])?;
        net.node(&format!("{projection}.{part}.transpose"), Transpose { order: order.to_vec() }, &[x])
    };
    let queries = part(0, "queries", [0, 2, 1, 3])?;
    let keys = part(1, "keys", [0, 2, 3, 1])?;
    let values = part(2, "values", [0, 2, 1, 3])?;
    let queries = net.node(&format!("{name}.scale"), Scale { factor: (depth as f32).sqrt().recip() }, &[queries])?;
    let scores = net.node(&format!("{name}.qk"), MatMul, &[queries, keys])?;
    let weights = net.node(&format!("{name}.softmax"), Softmax { axis: 3, log: false }, &[scores])?;
    let y = net.node(&format!("{name}.av"), MatMul, &[weights, values])?;
    let y = net.node(&format!("{name}.transpose"), Transpose { order: vec![0, 2, 1, 3] }, &[y])?;
    let shape = vec![Dim::Batch(1), Dim::Fixed(tokens), Dim::Fixed(width)];
    let y = net.node(&format!("{name}.merge"), Reshape { shape }, &[y])?;
    net.linear(&output, y, width)
}
