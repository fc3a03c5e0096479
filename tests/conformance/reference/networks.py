"""Networks: a list of operators as ONNX has them, and what those that are no layers compute of real numbers."""

from dataclasses import dataclass, field, replace

import numpy as np

from .layers import WITH_WEIGHTS, Layer, Product


@dataclass
class Operator:
    kind: str
    name: str
    inputs: list
    output: str
    attributes: dict = field(default_factory=dict)


@dataclass
class Network:
    """Operators in order, from the input `x` of one sample's shape to the last one's output."""

    shape: tuple
    classes: int = 0
    operators: list = field(default_factory=list)
    constants: dict = field(default_factory=dict)
    # Names of products of two activations, where they are not those of their operators.
    products: dict = field(default_factory=dict)
    # Weights and biases of corrected layers, by name.
    corrections: dict = field(default_factory=dict)

    @property
    def output(self):
        return self.operators[-1].output

    def layer(self, operator):
        """The layer that an operator is, if it is one."""
        if operator.kind == "MatMul" and operator.inputs[1] not in self.constants:
            return Product(self.products.get(operator.name, operator.name))
        if operator.kind not in WITH_WEIGHTS:
            return None
        layer = Layer(operator, self.constants)
        if layer.name in self.corrections:
            layer.weight, layer.bias = (self.corrections[layer.name][part] for part in ("weight", "bias"))
        return layer

    def layers(self):
        """Operators that are layers, each with its layer."""
        found = ((operator, self.layer(operator)) for operator in self.operators)
        return [(operator, layer) for operator, layer in found if layer]

    def behind_relu(self, operator):
        """The value of an operator, behind a ReLU that alone reads it: sums are clamped where they are computed."""
        readers = [reader for reader in self.operators if operator.output in reader.inputs]
        is_clamped = [reader.kind for reader in readers] == ["Relu"] and not isinstance(self.layer(operator), Product)
        return readers[0].output if is_clamped else operator.output

    def run(self, images, compute):
        """All values by name. `compute(layer, x)` or `compute(product, a, b)` gives those of layers."""
        values = {"x": images}
        for operator in self.operators:
            layer = self.layer(operator)
            if layer:
                inputs = [values[name] for name in operator.inputs if name in values]
                values[operator.output] = compute(layer, *inputs)
            else:
                inputs = [values[name] if name in values else self.constants[name] for name in operator.inputs]
                values[operator.output] = COMPUTE[operator.kind](operator.attributes, *inputs)
        return values

    def run_real(self, images):
        return self.run(images, lambda layer, *inputs: layer.real(*inputs))


def fold(network):
    """The network without batch normalization, which becomes weights and biases of the convolutions before.

    In f64, rounded once.
    """
    folded = replace(network, operators=[], constants=dict(network.constants))
    for operator in network.operators:
        if operator.kind != "BatchNormalization":
            folded.operators.append(operator)
            continue
        before = folded.operators.pop()
        g, beta, mean, var = (network.constants[name].astype(np.float64) for name in operator.inputs[1:])
        factor = g / np.sqrt(var + np.float64(np.float32(operator.attributes["epsilon"])))
        weight = network.constants[before.inputs[1]]
        bias = network.constants[before.inputs[2]] if len(before.inputs) > 2 else np.zeros_like(beta)
        by_channel = factor.reshape(-1, *[1] * (weight.ndim - 1))
        inputs = [*before.inputs[:2], f"{operator.output}.bias"]
        folded.constants[inputs[1]] = (weight * by_channel).astype(np.float32)
        folded.constants[inputs[2]] = (beta + (bias - mean) * factor).astype(np.float32)
        folded.operators.append(replace(before, inputs=inputs, output=operator.output))
    return folded


def windows(attributes, x, padding):
    """The values under each position of a pool's window, along the last axis, and how many are not padding."""
    (ky, kx), (sy, sx) = attributes["kernel_shape"], attributes["strides"]
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])

    def view(array, value):
        padded = np.pad(array, [(0, 0), (0, 0), (top, bottom), (left, right)], constant_values=value)
        seen = np.lib.stride_tricks.sliding_window_view(padded, (ky, kx), (2, 3))[:, :, ::sy, ::sx]
        return seen.reshape(*seen.shape[:4], -1)

    return view(x, padding), view(np.ones_like(x, np.int64), 0).sum(axis=-1)


def average_pool(attributes, x):
    """Sums in f64, rounded once."""
    seen, count = windows(attributes, x, 0)
    return (seen.astype(np.float64).sum(axis=-1) / count).astype(np.float32)


def softmax(attributes, x):
    """Powers are f32, their sum is f64, and each quotient is rounded once."""
    powers = np.exp((x - x.max(axis=-1, keepdims=True)).astype(np.float64)).astype(np.float32)
    return (powers / powers.sum(axis=-1, keepdims=True, dtype=np.float64)).astype(np.float32)


# Additions and the like are those of f32.
COMPUTE = {
    "Add": lambda attributes, a, b: a + b,
    "AveragePool": average_pool,
    "Concat": lambda attributes, *parts: np.concatenate(parts, axis=attributes["axis"]),
    "Flatten": lambda attributes, x: x.reshape(len(x), -1),
    "GlobalAveragePool": lambda attributes, x: x.mean((2, 3), np.float64, keepdims=True).astype(np.float32),
    "MaxPool": lambda attributes, x: windows(attributes, x, -np.inf)[0].max(axis=-1),
    "Mul": lambda attributes, a, b: a * b,
    "Relu": lambda attributes, x: np.maximum(x, np.float32(0)),
    "Softmax": softmax,
    "Transpose": lambda attributes, x: x.transpose(attributes["perm"]),
}
