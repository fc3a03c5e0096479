"""Writes small quantized networks of every operator that approx-eval reads of TensorFlow Lite, and what the reference
kernels of its interpreter compute of them: `python make.py FOLDER`.

`NAME.tflite` is a network of one image, `NAME.expected.safetensors` has `inputs` and `outputs_reference`, with the
images along the first axis, as the files of MLPerf Tiny that the tests compare with have them; of integers also
`output_scale` and `output_zero_point`, of the numbers that they stand for."""

import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from networks import CASES, DTYPES, Builder

sys.path.append(str(Path(__file__).parent.parent))
from files import write_tensors  # noqa: E402

SAMPLES = 12


def images(case, element, rng):
    """Random images: all integers in the first, the range's ends in the second, the rest anywhere."""
    count = int(np.prod(case.shape))
    if element.dtype == np.float32:
        # Numbers that a scale of a power of two puts halfway between integers are among them.
        numbers = rng.normal(0, 2.5, (SAMPLES, count))
        numbers[::2] = np.round(numbers[::2] * 32) / 32
    else:
        numbers = rng.integers(element.least, element.largest + 1, (SAMPLES, count))
        ramp = np.resize(np.arange(element.least, element.largest + 1), count)
        numbers[0] = rng.permutation(ramp)
        numbers[1] = rng.choice([element.least, element.largest], count)
        # As of a network's values: most are near zero.
        near = rng.normal(element.zero_point, 20, (SAMPLES // 3, count))
        numbers[2 : 2 + len(near)] = np.clip(np.round(near), element.least, element.largest)
    return numbers.astype(element.dtype).reshape(SAMPLES, *case.shape[1:])


def network(case, dtype, seed):
    """The file of a case, the elements of its output, and images for it."""
    rng = np.random.default_rng(seed)
    builder = Builder(case, DTYPES[dtype], rng)
    output = case.build(builder)
    count = int(np.prod(builder.shape(output)))
    shape = builder.integers("logits_shape", [1, count])
    output = builder.add("RESHAPE", [output, shape], (1, count), builder.like(output), version=1)
    inputs = images(case, builder.like(builder.input), rng)
    return builder.network.bytes(output), builder.like(output), inputs


def run(model, inputs):
    """What the reference kernels compute of images, one at a time."""
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    [into], [out] = interpreter.get_input_details(), interpreter.get_output_details()
    outputs = []
    for image in inputs:
        interpreter.set_tensor(into["index"], image[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(out["index"])[0])
    return np.stack(outputs)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for number, case in enumerate(CASES):
        for dtype in case.dtypes:
            name = f"{case.name}_{dtype}"
            try:
                model, element, inputs = network(case, dtype, [number, list(DTYPES).index(dtype)])
                tensors = {"inputs": inputs, "outputs_reference": run(model, inputs)}
            except (RuntimeError, ValueError) as error:
                raise SystemExit(f"{name}: {error}") from error
            (folder / f"{name}.tflite").write_bytes(model)
            if element.is_quantized:
                tensors["output_scale"] = np.array([element.scale], np.float32)
                tensors["output_zero_point"] = np.array([element.zero_point], np.int32)
            write_tensors(folder / f"{name}.expected.safetensors", tensors)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: {sys.argv[0]} FOLDER")
    main(Path(sys.argv[1]))
