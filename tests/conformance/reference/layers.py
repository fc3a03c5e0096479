"""Layers: where each of their products comes from, and what they compute of real numbers."""

from dataclasses import dataclass

import numpy as np

from .sums import Geometry, matmul_taps, real_sums

LINEAR = ("Gemm", "MatMul")
WITH_WEIGHTS = ("Conv", "ConvTranspose", *LINEAR)


class Layer:
    """A layer with weights, as a convolution of two axes: `weight` is `[outputs, inputs / groups, kernel]`."""

    def __init__(self, operator, constants):
        name = operator.inputs[1]
        self.name, self.kind, self.attributes = name.removesuffix(".weight"), operator.kind, operator.attributes
        self.bias = constants[operator.inputs[2]] if len(operator.inputs) > 2 else None
        self.groups = self.attributes.get("group", 1)
        weight = constants[name]
        if self.kind in LINEAR:
            weight = (weight if self.attributes.get("transB") else weight.T)[:, :, None, None]
        elif weight.ndim == 3:
            weight = weight[:, :, None]
        if self.kind == "ConvTranspose":
            # Of each group, [inputs, outputs, kernel].
            grouped = weight.reshape(self.groups, -1, *weight.shape[1:])
            weight = np.moveaxis(grouped, 2, 1).reshape(-1, grouped.shape[1], *weight.shape[2:])
        self.weight = weight

    def geometry(self, shape):
        """Sizes of the layer for inputs of a shape."""
        if self.kind in LINEAR:
            return Geometry((1, 1))

        def two(name, default):
            values = list(self.attributes.get(name, []))
            return [default] * (2 - len(values)) + values

        size, kernel = [1, *shape[2:]][-2:], self.weight.shape[2:]
        stride, dilation, extra = two("strides", 1), two("dilations", 1), two("output_padding", 0)
        pads = self.attributes.get("pads", [0, 0, 0, 0])
        top, left, bottom, right = pads if len(pads) == 4 else (0, pads[0], 0, pads[1])
        output = []
        for i, both in enumerate((top + bottom, left + right)):
            reach = dilation[i] * (kernel[i] - 1) + 1
            if self.kind == "ConvTranspose":
                output.append((size[i] - 1) * stride[i] + reach + extra[i] - both)
            else:
                output.append((size[i] + both - reach) // stride[i] + 1)
        transposed = self.kind == "ConvTranspose"
        return Geometry(size, kernel, output, stride, (top, left), dilation, self.groups, transposed)

    def taps(self, x, weight, padding):
        """The products of inputs and weights, where inputs are padded with a number."""
        return self.geometry(x.shape).taps(x, weight, padding)

    def of_output(self, values, shape):
        """Numbers of each output channel, or one of all, as they meet sums over inputs of a shape."""
        return self.geometry(shape).of_output(values)

    def shaped(self, sums, shape):
        """Sums as the layer's output, for inputs of a shape."""
        if self.kind in LINEAR:
            return sums.reshape(*shape[:-1], -1)
        return sums.reshape(shape[0], -1, *sums.shape[7 - len(shape) :])

    def real(self, x):
        bias = 0 if self.bias is None else self.of_output(self.bias, x.shape)
        return self.shaped(real_sums(self.taps(x, self.weight, np.float32(0)), bias), x.shape)


@dataclass
class Product:
    """A matrix product of two activations, which has the same functions."""

    name: str
    bias = None

    def taps(self, a, b, padding):
        return matmul_taps(a, b)

    def of_output(self, values, shape):
        return np.asarray(values)

    def shaped(self, sums, shape):
        return sums

    def real(self, a, b):
        return real_sums(matmul_taps(a, b), 0)
