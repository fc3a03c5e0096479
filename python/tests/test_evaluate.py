"""The module beside the command: the same figures, and the same outputs to the bit."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import approx_eval
import numpy as np
import numpy.typing as npt
import pytest

from conftest import report, tensors
from network import onnx_file, safetensors

Table = npt.NDArray[np.int32]


#: What a report says of where things lie and what files contain.
OF_FILES = ("path", "format", "source", "layout", "external", "blake3")


def without_files(part: Any) -> Any:
    """A part of a report without what is said of files alone; multipliers' files by their names."""
    if isinstance(part, list):
        return [without_files(entry) for entry in part]
    if not isinstance(part, dict):
        return part
    kept = {key: without_files(value) for key, value in part.items() if key not in OF_FILES}
    return {key: Path(value).stem if key == "lut" and isinstance(value, str) else value for key, value in kept.items()}


def figures(found: dict[str, Any]) -> dict[str, Any]:
    """What a report says of the evaluation, without times and without what files are called and contain."""
    kept: dict[str, Any] = without_files({key: value for key, value in found.items() if key != "timing"})
    for part in ("model", "dataset"):
        kept[part] = {key: value for key, value in kept[part].items() if key != "name"}
    return kept


def check(found: approx_eval.Evaluation, *arguments: Any, logits: Path) -> None:
    """Compares with the command on these arguments."""
    expected = report(*arguments, "--logits", logits)
    assert figures(found.report) == figures(expected)
    outputs = tensors(logits)["logits"]
    assert found.logits.dtype == np.float32 and found.logits.shape == outputs.shape
    assert found.logits.tobytes() == outputs.tobytes()


CASES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"mode": "quant"}, ["--mode", "quant"]),
    ({"lut": "drum-4"}, ["--lut", "drum-4"]),
    (
        {"lut": "mitchell", "act_bits": 6, "weight_bits": np.int64(5), "weight_scheme": "per-tensor"},
        ["--lut", "mitchell", "--act-bits", "6", "--weight-bits", "5", "--weight-scheme", "per-tensor"],
    ),
    (
        {"mode": "noise", "noise_std": 0.05, "noise_mean": -0.01, "seed": 3, "batch_size": 32},
        "--mode noise --noise-std 0.05 --noise-mean -0.01 --seed 3 --batch-size 32".split(),
    ),
    ({"mode": "noise", "noise_from_lut": "predicted:udm"}, "--mode noise --noise-from-lut predicted:udm".split()),
    (
        {"lut": "drum-4", "calib": "percentile:99", "calib_samples": 64, "shuffle": 1},
        "--lut drum-4 --calib percentile:99 --calib-samples 64 --shuffle 1".split(),
    ),
    ({"mode": "quant", "acc_bits": 14, "acc_overflow": "saturate"}, "--mode quant --acc-bits 14 --acc-overflow saturate".split()),
    ({"mode": "quant", "requantize": "once"}, "--mode quant --requantize once".split()),
    ({"lut": "udm", "set": "conv1:mode=base"}, ["--lut", "udm", "--set", "conv1:mode=base"]),
    (
        {"lut": "udm", "set": ["conv*:act_bits=7", "fc3:lut=exact"], "compare": "quant"},
        ["--lut", "udm", "--set", "conv*:act_bits=7", "--set", "fc3:lut=exact", "--compare", "quant"],
    ),
    ({"lut": "drum-4", "layer_errors": True, "no_fold_bn": False, "threads": 1}, "--lut drum-4 --layer-errors".split()),
    ({"mean": [0.3], "std": 0.4, "mode": "quant"}, "--mean 0.3 --std 0.4 --mode quant".split()),
]


@pytest.mark.parametrize(("options", "arguments"), CASES, ids=[" ".join(arguments) or "base" for _, arguments in CASES])
def test_options_are_those_of_the_command(options: dict[str, Any], arguments: list[str], tmp_path: Path) -> None:
    found = approx_eval.evaluate("lenet5", limit=200, **options)
    check(found, *arguments, "--limit", 200, logits=tmp_path / "logits.safetensors")


def test_a_table_in_memory_is_read_as_its_file(table: Table, tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", table)
    found = approx_eval.evaluate(lut=table, limit=200)
    check(found, "--lut", tmp_path / "array.npy", "--limit", 200, logits=tmp_path / "logits.safetensors")
    assert found.report["lut"]["name"] == "array"
    assert found.report["lut"]["blake3"] == report("--lut", tmp_path / "array.npy", "--limit", 1)["lut"]["blake3"]
    assert found.accuracy == found.report["accuracy"]["top1"]


@pytest.mark.parametrize("bits", [4, 6])
def test_narrow_and_signed_tables(bits: int, tmp_path: Path) -> None:
    operands = np.arange(-(1 << bits - 1), 1 << bits - 1)
    signed = (np.multiply.outer(operands, operands) // 2) * 2
    np.save(tmp_path / "array.npy", signed)
    found = approx_eval.evaluate(lut=signed, limit=100, swap_operands=True)
    arguments = ["--lut", tmp_path / "array.npy", "--limit", 100, "--swap-operands"]
    check(found, *arguments, logits=tmp_path / "logits.safetensors")
    assert found.report["lut"]["signed"] is True


def test_networks_and_images_in_memory(fashion: tuple[Any, Any], table: Table, tmp_path: Path) -> None:
    images, labels = fashion[0][:128, :, ::2, ::2][:, :, 1:13, 1:13], fashion[1][:128] % 4
    network = onnx_file()
    (tmp_path / "model.onnx").write_bytes(network)
    np.save(tmp_path / "array.npy", table)
    floats = (images / 255).astype(np.float32)
    for pixels in (images, floats, floats.astype(np.float64)):
        (tmp_path / "data.safetensors").write_bytes(safetensors(images=np.ascontiguousarray(pixels), labels=labels))
        arguments = ["--model", tmp_path / "model.onnx", "--data", tmp_path / "data.safetensors"]
        arguments += ["--calib-data", tmp_path / "data.safetensors", "--lut", tmp_path / "array.npy"]
        for given in (network, bytearray(network), tmp_path / "model.onnx"):
            # Views with steps are taken, too.
            found = approx_eval.evaluate(given, pixels, labels, lut=table, calib_data=pixels)
            check(found, *arguments, logits=tmp_path / "logits.safetensors")
        with_labels = approx_eval.evaluate(network, pixels, labels, lut=table, calib_data=(pixels, labels))
        assert with_labels.logits.tobytes() == found.logits.tobytes()
    assert approx_eval.evaluate(network, tmp_path / "data.safetensors", mode="base").report["dataset"]["samples"] == 128


def test_signed_bytes_are_not_bytes_of_images(fashion: tuple[Any, Any]) -> None:
    images, labels = fashion[0][:8].astype(np.int16), fashion[1][:8]
    as_bytes = approx_eval.evaluate("lenet5", images, labels)
    assert as_bytes.logits.tobytes() == approx_eval.evaluate("lenet5", fashion[0][:8], labels).logits.tobytes()
    with pytest.raises(approx_eval.Error, match="pixel value -3 in sample 0.*0 to 255"):
        approx_eval.evaluate("lenet5", np.full((2, 1, 28, 28), -3, np.int8), [0, 1])


def test_tables_by_layer(table: Table, tmp_path: Path) -> None:
    other = table & ~63
    np.save(tmp_path / "array.npy", table)
    np.save(tmp_path / "array-2.npy", other)
    rules = [{"layers": "conv*", "lut": str(tmp_path / "array.npy"), "act_bits": 7}, {"layers": "fc1", "lut": str(tmp_path / "array-2.npy")}]
    (tmp_path / "rules.json").write_text(json.dumps({"schema": 1, "rules": rules}))
    arguments = ["--mode", "quant", "--limit", 100]
    expected = report(*arguments, "--assign", tmp_path / "rules.json")
    layers = [(layer["name"], layer["mode"], layer["lut"]) for layer in expected["layers"]]
    ways: list[Any] = [
        {"conv*": {"lut": table, "act_bits": 7}, "fc1": other},
        [{"layers": "conv*", "lut": table, "act_bits": np.uint8(7)}, {"layers": "fc1", "lut": other}],
        {"schema": 1, "rules": rules},
        expected,
        tmp_path / "rules.json",
        os.fspath(tmp_path / "rules.json"),
    ]
    for assign in ways:
        found = approx_eval.evaluate(assign=assign, mode="quant", limit=100)
        assert [(layer["name"], layer["mode"], layer["lut"]) for layer in found.report["layers"]] == layers
        assert found.report["accuracy"] == expected["accuracy"]
    named = approx_eval.evaluate(lut="mine", luts={"mine": table}, set="fc3:mode=quant", limit=100)
    assert named.report["lut"]["name"] == "mine"
    assert set(named.report["opcount"]["by_multiplier"]) == {"mine", "exact"}


def test_scales_of_a_dict(tmp_path: Path) -> None:
    saved = tmp_path / "qparams.json"
    first = report("--lut", "drum-4", "--limit", 100, "--save-qparams", saved, "--logits", tmp_path / "logits.safetensors")
    params = json.loads(saved.read_text())
    found = approx_eval.evaluate(lut="drum-4", limit=100, qparams=params)
    assert found.report["accuracy"] == first["accuracy"]
    assert found.logits.tobytes() == tensors(tmp_path / "logits.safetensors")["logits"].tobytes()
    assert approx_eval.Session("lenet5").qparams(lut="drum-4") == params


def test_tflite_networks_in_memory() -> None:
    folder = os.environ.get("APPROX_EVAL_TFLITE")
    if not folder:
        pytest.skip("APPROX_EVAL_TFLITE names no folder of networks")
    network = Path(folder) / "add_channels_f32.tflite"
    images = np.zeros((1, 8, 8, 4), np.float32)
    in_memory = approx_eval.Session(network.read_bytes(), images, [0])
    assert in_memory.layers == approx_eval.Session(network, images, [0]).layers


def test_multipliers_by_name(tmp_path: Path) -> None:
    assert {"drum-4", "mitchell", "exact"} <= set(approx_eval.luts())
    assert approx_eval.luts("drum-{3..5}") == ["drum-3", "drum-4", "drum-5"]
    assert "mul8s_1L2H" in approx_eval.luts("catalogue")
    exact = approx_eval.lut("exact")
    assert exact.dtype == np.int32 and (exact == np.multiply.outer(range(256), range(256))).all()
    signed = approx_eval.lut("exact", coding="signed")
    assert (signed == np.multiply.outer(range(-128, 128), range(-128, 128))).all()
    patterns = approx_eval.lut("exact-signed", order="twos-complement")
    assert (patterns == np.roll(signed, 128, (0, 1))).all()
    drum = approx_eval.lut("drum-3")
    np.save(tmp_path / "mine.npy", drum)
    assert (approx_eval.lut(tmp_path / "mine.npy") == drum).all()
    by_name, by_table = (approx_eval.evaluate(lut=lut, limit=50) for lut in ("drum-3", drum))
    assert by_name.logits.tobytes() == by_table.logits.tobytes()
