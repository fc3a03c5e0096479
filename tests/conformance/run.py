"""Compares a build of approx-eval with the computations in this folder, integer by integer and bit by bit.

Usage: python3 run.py PROGRAM [--only TEXT] [--keep FOLDER] [OPTIONS OF THE PROGRAM..]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from cases import all_cases
from files import read_tensors, write_network, write_tensors


def write_set(path, images):
    write_tensors(path, {"images": images, "labels": np.arange(len(images), dtype=np.int64) % 2})


def parameters(grids, values):
    """Scales and zero points as the program reads and writes them."""

    def stored(grid, axis):
        scale, zero_point = np.asarray(grid.scale).tolist(), np.asarray(grid.zero_point).tolist()
        return {"scale": scale, "zero_point": zero_point, "q_min": grid.low, "q_max": grid.high, **axis}

    def weight(grid):
        return stored(grid, {"axis": 0} if grid.scale.ndim and grid.scale.size > 1 else {})

    layers = {name: {"input": stored(x, {}), "weight": weight(w)} for name, (x, w) in grids.items()}
    found = {"schema": 1, "layers": layers}
    if values:
        found["values"] = {name: stored(grid, {}) for name, grid in values.items()}
    return found


def write(case, folder):
    write_network(folder / "net.onnx", case.network)
    write_set(folder / "set.safetensors", case.images)
    write_set(folder / "calibration.safetensors", case.calibration)
    (folder / "qparams.json").write_text(json.dumps(parameters(case.grids, case.values)))
    if case.multiplier:
        m = case.multiplier
        metadata = {"name": m.name, "signed": str(bool(m.signed)).lower()}
        write_tensors(folder / "table.safetensors", {"lut": m.products.astype(np.int32)}, metadata)


def run(program, case, mode, folder, more):
    options = ["--model", "net.onnx", "--data", "set.safetensors", "--mode", mode, *(mode if option == "MODE" else option for option in case.options()), *more]
    outputs = ["--logits", f"{mode}.safetensors", "--save-qparams", f"{mode}.json", "-q", "-o", f"{mode}-report.json"]
    if mode != "base":
        outputs += ["--dump", f"{mode}", "--dump-samples", str(case.samples)]
    result = subprocess.run([program, *options, *outputs], cwd=folder, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(" ".join(options) + "\n" + result.stderr)


def computed(folder, mode):
    found = {"logits": read_tensors(folder / f"{mode}.safetensors")["logits"]}
    for layer in json.loads((folder / mode / "index.json").read_text())["layers"]:
        for part in ("input", "weight", "sums", "output"):
            array = np.load(folder / mode / layer[part]["files"]["npy"])
            if part == "weight" and layer["geometry"]["transposed"]:
                array = np.moveaxis(array, -1, 1)
            found[f"{layer['name']}/{part}"] = array
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--only", default="")
    parser.add_argument("--keep")
    arguments, more = parser.parse_known_args()
    program, failed, count = Path(arguments.program).resolve(), 0, 0
    for case in all_cases():
        if arguments.only not in case.name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(arguments.keep or folder)
            write(case, folder)
            for mode in case.modes:
                count += 1
                try:
                    run(program, case, mode, folder, more)
                except RuntimeError as error:
                    print(case.name, mode, error)
                    failed += 1
                    continue
                expected, found = case.expected(mode), computed(folder, mode)
                if sorted(expected) != sorted(found):
                    print(case.name, mode, sorted(expected), sorted(found))
                    failed += 1
                    continue
                for name, array in expected.items():
                    differ = int((array.reshape(-1) != found[name].reshape(-1)).sum()) if array.size == found[name].size else f"{array.shape} {found[name].shape}"
                    if differ:
                        failed += 1
                        print(f"{case.name} {mode} {name}: {differ} of {array.size} differ")
    print(count, "runs", failed, "failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
