"""A network as TensorFlow Lite's flat buffer, operator by operator."""

from dataclasses import dataclass

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

OPERATORS = schema.BuiltinOperator
TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.int32): schema.TensorType.INT32,
}


@dataclass(frozen=True)
class Type:
    """The elements of a tensor: a data type and, of integers, the numbers `(q - zero_point) * scale` they stand for."""

    dtype: type
    scale: float | tuple | None = None
    zero_point: int = 0
    axis: int = 0

    @property
    def is_quantized(self):
        return self.scale is not None

    @property
    def least(self):
        return np.iinfo(self.dtype).min

    @property
    def largest(self):
        return np.iinfo(self.dtype).max


F32 = Type(np.float32)
I32 = Type(np.int32)


class Network:
    """Tensors and operators of a graph with one input, in the order in which they are added."""

    def __init__(self, shape, element):
        self.tensors, self.elements, self.operators = [], [], []
        self.buffers = [schema.BufferT()]
        self.codes = []
        self.input = self.tensor("input", shape, element)

    def tensor(self, name, shape, element, data=None):
        """Adds a tensor, a constant where there is data, and returns its number."""
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name, list(shape), TYPES[np.dtype(element.dtype)]
        tensor.hasRank = True
        if element.is_quantized:
            scale = np.atleast_1d(np.float32(element.scale))
            quantization = schema.QuantizationParametersT()
            quantization.scale = scale
            quantization.zeroPoint = np.full(scale.size, element.zero_point, np.int64)
            quantization.quantizedDimension = element.axis
            tensor.quantization = quantization
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, element.dtype).tobytes(), np.uint8)
            tensor.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.tensors.append(tensor)
        self.elements.append(element)
        return len(self.tensors) - 1

    def constant(self, name, data, element):
        """Adds a constant and returns its number."""
        data = np.asarray(data, element.dtype)
        return self.tensor(name, data.shape, element, data)

    def shape(self, tensor):
        return tuple(self.tensors[tensor].shape)

    def add(self, operator, inputs, shape, element, options=None, version=1, **attributes):
        """Adds an operator by its name, with the attributes of its options, and returns its output."""
        number = getattr(OPERATORS, operator)
        output = self.tensor(f"{operator.lower()}{len(self.operators)}", shape, element)
        if (number, version) not in self.codes:
            self.codes.append((number, version))
        node = schema.OperatorT()
        node.opcodeIndex = self.codes.index((number, version))
        node.inputs, node.outputs = list(inputs), [output]
        if options:
            node.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            node.builtinOptions = getattr(schema, f"{options}T")()
            for name, value in attributes.items():
                assert hasattr(node.builtinOptions, name), name
                setattr(node.builtinOptions, name, value)
        self.operators.append(node)
        return output

    def bytes(self, output):
        """The file of the network that ends in tensor `output`."""
        model, graph = schema.ModelT(), schema.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs, graph.name = [self.input], [output], "main"
        model.version, model.description = 3, "approx-eval conformance"
        model.subgraphs, model.buffers = [graph], self.buffers
        model.operatorCodes = []
        for number, version in self.codes:
            code = schema.OperatorCodeT()
            code.builtinCode, code.version = number, version
            code.deprecatedBuiltinCode = min(number, 127)
            model.operatorCodes.append(code)
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
