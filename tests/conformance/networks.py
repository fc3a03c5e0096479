"""Networks: a list of operators as ONNX has them, what each computes of real numbers, and which are layers."""

from dataclasses import dataclass, field

import numpy as np
from sums import Geometry, matmul_taps, real_sums


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
    # Weights and biases of corrected layers, by their names.
    corrections: dict = field(default_factory=dict)

    @property
    def output(self):
        return self.operators[-1].output

    def run(self, images, layer):
        """All values by name; `layer(layer, x)` or `layer(product, a, b)` computes what the mode is about."""
        values = {"x": images}
        for operator in self.operators:
            inputs = [values.get(name, self.constants.get(name)) for name in operator.inputs]
            found = self.layer(operator)
            if found is None:
                values[operator.output] = COMPUTE[operator.kind](operator.attributes, *inputs)
            else:
                values[operator.output] = layer(found, *inputs[: 1 if isinstance(found, Layer) else 2])
        return values

    def layer(self, operator):
        """The layer that an operator is, if it is one."""
        if operator.kind == "MatMul" and operator.inputs[1] not in self.constants:
            return Product(self.products.get(operator.name, operator.name))
        if operator.kind not in LAYERS:
            return None
        layer = Layer(operator, self.constants)
        if layer.name in self.corrections:
            layer.weight, layer.bias = (self.corrections[layer.name][part] for part in ("weight", "bias"))
        return layer

    def behind_relu(self, value):
        """The value behind the ReLU that alone reads another, which the program computes along with it."""
        readers = [operator for operator in self.operators if value in operator.inputs]
        return readers[0].output if [operator.kind for operator in readers] == ["Relu"] else value


class Layer:
    """A layer with weights, as a convolution over height and width: `weight` is `[outputs, inputs / groups, kernel]`."""

    def __init__(self, operator, constants):
        name = operator.inputs[1]
        weight, self.kind, self.attributes = constants[name], operator.kind, operator.attributes
        self.name = name.removesuffix(".weight")
        self.bias = constants[operator.inputs[2]] if len(operator.inputs) > 2 else None
        self.is_linear = self.kind in ("Gemm", "MatMul")
        if self.is_linear:
            weight = weight if self.attributes.get("transB") else weight.T
            self.weight = weight[:, :, None, None]
            return
        self.weight = weight.reshape(*weight.shape[:2], -1, weight.shape[-1])
        if self.kind == "ConvTranspose":
            groups = self.attributes.get("group", 1)
            grouped = self.weight.reshape(groups, -1, *self.weight.shape[1:])
            self.weight = np.moveaxis(grouped, 2, 1).reshape(-1, grouped.shape[1], *self.weight.shape[2:])

    def geometry(self, shape):
        """The sizes of the layer for inputs of a shape."""
        if self.is_linear:
            return Geometry((1, 1))

        def two(name, default):
            values = self.attributes.get(name, [])
            return [default] * (2 - len(values)) + list(values)

        size, kernel = [1, *shape[2:]][-2:], self.weight.shape[2:]
        stride, dilation, extra = two("strides", 1), two("dilations", 1), two("output_padding", 0)
        pads = self.attributes.get("pads", [0, 0, 0, 0])
        pads = pads if len(pads) == 4 else [0, pads[0], 0, pads[1]]
        reach = [dilation[i] * (kernel[i] - 1) + 1 for i in (0, 1)]
        both = [pads[i] + pads[i + 2] for i in (0, 1)]
        transposed = self.kind == "ConvTranspose"
        if transposed:
            output = [(size[i] - 1) * stride[i] + reach[i] + extra[i] - both[i] for i in (0, 1)]
        else:
            output = [(size[i] + both[i] - reach[i]) // stride[i] + 1 for i in (0, 1)]
        groups = self.attributes.get("group", 1)
        return Geometry(size, kernel, output, stride, pads[:2], dilation, groups, transposed)

    def taps(self, x, weight, padding):
        return self.geometry(x.shape).taps(x, weight, padding)

    def of_output(self, values, shape):
        """Numbers of each output channel, or one of all, as they meet sums over inputs of a shape."""
        return self.geometry(shape).of_output(values)

    def shaped(self, sums, shape):
        """Sums as the layer's output, for inputs of a shape."""
        if self.is_linear:
            return sums.reshape(*shape[:-1], -1)
        return sums.reshape(shape[0], -1, *sums.shape[7 - len(shape) :])

    def real(self, x):
        bias = 0 if self.bias is None else self.of_output(self.bias, x.shape)
        return self.shaped(real_sums(self.taps(x, self.weight, np.float32(0)), bias), x.shape)


@dataclass
class Product:
    """A matrix product of two activations."""

    name: str
    bias = None

    def taps(self, a, b, padding):
        return matmul_taps(a, b)

    def of_output(self, values, shape):
        return np.asarray(values)

    def shaped(self, sums, shape):
        return sums

    def real(self, a, b):
        return real_sums(self.taps(a, b, 0), 0)


def fold(network):
    """The network without batch normalization: its factors and shifts become those of the convolutions before."""
    folded = Network(network.shape, network.classes, [], dict(network.constants), network.products)
    for operator in network.operators:
        if operator.kind != "BatchNormalization":
            folded.operators.append(operator)
            continue
        before = folded.operators[-1]
        g, beta, mean, var = (network.constants[name].astype(np.float64) for name in operator.inputs[1:])
        factor = g / np.sqrt(var + np.float64(np.float32(operator.attributes["epsilon"])))
        weight = folded.constants[before.inputs[1]]
        bias = folded.constants[before.inputs[2]] if len(before.inputs) > 2 else np.zeros_like(beta)
        shape = [-1] + [1] * (weight.ndim - 1)
        folded.constants[before.inputs[1]] = (weight * factor.reshape(shape)).astype(np.float32)
        folded.constants[f"{operator.output}.bias"] = (beta + (bias - mean) * factor).astype(np.float32)
        inputs = [*before.inputs[:2], f"{operator.output}.bias"]
        folded.operators[-1] = Operator(before.kind, before.name, inputs, operator.output, before.attributes)
    return folded


def windows(attributes, x, padding):
    """The values under each position of a pool's window, along the last axis, and how many are not padding."""
    (ky, kx), (sy, sx) = attributes["kernel_shape"], attributes.get("strides", [1, 1])
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    edges = [(0, 0), (0, 0), (top, bottom), (left, right)]

    def view(array, value):
        padded = np.pad(array, edges, constant_values=value)
        seen = np.lib.stride_tricks.sliding_window_view(padded, (ky, kx), (2, 3))[:, :, ::sy, ::sx]
        return seen.reshape(*seen.shape[:4], -1)

    return view(x, padding), view(np.ones_like(x, np.int64), 0).sum(axis=-1)


def mean(x, axes, keepdims=True):
    """Sums of f32 in f64, rounded once."""
    return x.astype(np.float64).mean(axis=axes, keepdims=keepdims).astype(np.float32)


def average_pool(attributes, x):
    seen, count = windows(attributes, x, 0)
    count = seen.shape[-1] if attributes.get("count_include_pad") else count
    return (seen.astype(np.float64).sum(axis=-1) / count).astype(np.float32)


def softmax(attributes, x):
    """Powers are f32, their sum is f64, and each quotient is rounded once."""
    powers = np.exp((x - x.max(axis=-1, keepdims=True)).astype(np.float64)).astype(np.float32)
    return (powers / powers.sum(axis=-1, keepdims=True, dtype=np.float64)).astype(np.float32)


LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
# What operators that are no layers compute; additions and the like are those of f32.
COMPUTE = {
    "Add": lambda attributes, a, b: a + b,
    "AveragePool": average_pool,
    "Concat": lambda attributes, *parts: np.concatenate(parts, axis=attributes["axis"]),
    "Flatten": lambda attributes, x: x.reshape(len(x), -1),
    "GlobalAveragePool": lambda attributes, x: mean(x, tuple(range(2, x.ndim))),
    "MaxPool": lambda attributes, x: windows(attributes, x, -np.inf)[0].max(axis=-1),
    "Mul": lambda attributes, a, b: a * b,
    "Relu": lambda attributes, x: np.maximum(x, np.float32(0)),
    "Softmax": softmax,
    "Transpose": lambda attributes, x: x.transpose(attributes["perm"]),
}
