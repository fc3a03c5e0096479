"""A case as files, a run of the program over them, and what it computed."""

import json
import subprocess

import numpy as np
from builder import with_quantization
from case import SAMPLES, parts_of
from files import read_tensors, write_network, write_tensors
from reference.quantization import Grid


def write(case, folder):
    """All files of a case."""
    write_set(folder / "set.safetensors", case.images, np.arange(SAMPLES) % 2)
    write_set(folder / "calibration.safetensors", case.calibration, case.labels())
    (folder / "qparams.json").write_text(json.dumps(parameters(case)))
    if case.multiplier:
        metadata = {"name": case.multiplier.name, "signed": "true" if case.multiplier.signed else "false"}
        write_tensors(folder / "table.safetensors", {"lut": case.multiplier.products.astype(np.int32)}, metadata)
    if case.corrections:
        write_corrected(case, folder)
    else:
        network = with_quantization(case.folded, case.grids) if case.in_file else case.network
        write_network(folder / "net.onnx", network)


def write_set(path, images, labels):
    write_tensors(path, {"images": images, "labels": labels})


def parameters(case):
    """Scales and zero points as `--qparams` reads them."""

    def stored(grid):
        numbers = {name: np.asarray(part) for name, part in parts_of(grid).items()}
        is_one = numbers["scale"].size == 1
        stored = {name: part.item() if part.size == 1 else part.tolist() for name, part in numbers.items()}
        return stored if is_one else {**stored, "axis": 0}

    layers = {name: {"input": stored(x), "weight": stored(w)} for name, (x, w) in case.grids.items()}
    values = {name: stored(grid) for name, grid in case.values.items()}
    return {"schema": 1, "layers": layers} | ({"values": values} if values else {})


def write_corrected(case, folder):
    """The directory of a corrected network, docs/correction.md."""
    directory = folder / "corrected"
    (directory / "network").mkdir(parents=True)
    write_network(directory / "network/model.onnx", case.network)
    (directory / "qparams.json").write_text(json.dumps(parameters(case)))
    tensors = {f"{name}.{part}": array for name, found in case.corrections.items() for part, array in found.items()}
    for operator in case.network.operators:
        if operator.kind == "ConvTranspose":
            tensors[operator.inputs[1]] = np.moveaxis(tensors[operator.inputs[1]], 1, -1)
    write_tensors(directory / "corrections.safetensors", tensors)
    nothing = {"blake3": ""}
    config = {
        "architecture": "onnx",
        "network": {"file": "network/model.onnx"},
        "input": {"shape": [*case.network.shape, 1, 1][:3]},
        "correction": {
            "schema": 1,
            "tool": {"name": "run.py", "version": "1"},
            "source": {"name": "net", "architecture": "onnx", "path": "net.onnx", **nothing},
            "calibration": {"fitted_on": 0, "kept_out": 0, **nothing},
            "layers": {},
        },
    }
    (directory / "config.json").write_text(json.dumps(config))


def run(program, case, mode, folder, more):
    """Runs the program; what it computed, by the names that the case has for it."""
    model = "corrected" if case.corrections else "net.onnx"
    options = [*case.options(mode), "--model", model, "--data", "set.safetensors", *more]
    if mode == "correct":
        call(program, [*options, "--output", "mapped"], folder)
        return mapped(case, folder / "mapped")
    outputs = ["--quiet", "--format", "json", "--logits", f"{mode}.safetensors"]
    if mode != "base":
        outputs += ["--save-qparams", f"{mode}.json"]
    has_integers = mode in ("quant", "approx")
    if has_integers:
        outputs += ["--dump", f"{mode}", "--dump-samples", str(SAMPLES)]
    report = json.loads(call(program, options + outputs, folder))
    found = {"logits": read_tensors(folder / f"{mode}.safetensors")["logits"]}
    if mode != "base":
        found |= saved_parameters(json.loads((folder / f"{mode}.json").read_text()))
    if has_integers:
        found |= dumped(folder / mode)
    for layer in report["layers"]:
        found[f"{layer['name']}/products"] = np.array([layer["opcount"], layer["fan_in"]])
        counts = layer.get("accumulator")
        if counts:
            found[f"{layer['name']}/overflows"] = np.array([counts["overflows"], counts["overflowed_additions"]])
    return found


def call(program, options, folder):
    """What the program prints."""
    result = subprocess.run([program, *options], cwd=folder, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"approx-eval {' '.join(options)}: {result.stderr.strip()}")
    return result.stdout


def mapped(case, directory):
    """The integers of the weights of a corrected network."""
    tensors, found = read_tensors(directory / "corrections.safetensors"), {}
    for _, layer in case.folded.layers():
        weight = tensors.get(f"{layer.name}.weight")
        if weight is not None:
            weight = weight.reshape(len(layer.weight), *weight.shape[1:], *[1] * (4 - weight.ndim))
            layer.weight = np.moveaxis(weight, -1, 1) if layer.kind == "ConvTranspose" else weight
            found[f"{layer.name}/mapped"] = case.grids[layer.name][1].of_second(layer)
    return found


def saved_parameters(file):
    grids = dict(file.get("values", {}))
    for name, layer in file["layers"].items():
        grids |= {f"{name}.input": layer["input"], f"{name}.weight": layer["weight"]}
    grids = {name: Grid(g["scale"], g["zero_point"], g["q_min"], g["q_max"]) for name, g in grids.items()}
    return {f"{name}/{part}": array for name, grid in grids.items() for part, array in parts_of(grid).items()}


def dumped(folder):
    found = {}
    for layer in json.loads((folder / "index.json").read_text())["layers"]:
        for part in ("input", "weight", "sums", "output"):
            array = np.load(folder / layer[part]["files"]["npy"])
            is_transposed = part == "weight" and layer["geometry"]["transposed"]
            found[f"{layer['name']}/{part}"] = np.moveaxis(array, -1, 1) if is_transposed else array
    return found
