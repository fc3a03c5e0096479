"""What cannot be used: the command's own messages, options called by their keys."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import approx_eval
import numpy as np
import pytest

from conftest import run
from network import onnx_file

#: Options for the module and for the command.
ALIKE: list[tuple[dict[str, Any], list[str]]] = [
    ({"lut": "drum-44"}, ["--lut", "drum-44"]),
    ({"model": "lenet"}, ["--model", "lenet"]),
    ({"mode": "approx"}, ["--mode", "approx"]),
    ({"lut": "drum-4", "set": "conv9:mode=quant"}, ["--lut", "drum-4", "--set", "conv9:mode=quant"]),
    ({"lut": "mul8s_1L2H", "coding": "affine"}, ["--lut", "mul8s_1L2H", "--coding", "affine"]),
    ({"images": "/nowhere"}, ["--data", "/nowhere"]),
    ({"mode": "quant", "qparams": "/nowhere"}, ["--mode", "quant", "--qparams", "/nowhere"]),
    ({"noise_std": -1.0, "mode": "noise"}, ["--noise-std", "-1.0", "--mode", "noise"]),
    ({"kernel": "fastest"}, ["--kernel", "fastest"]),
    ({"lut": "/nowhere.bin"}, ["--lut", "/nowhere.bin"]),
]


def test_the_module_is_about_the_tests_command() -> None:
    assert run("--version").stdout == f"approx-eval {approx_eval.__version__}\n"
    assert issubclass(approx_eval.Error, ValueError)
    assert approx_eval.Error.__module__ == "approx_eval"


@pytest.mark.parametrize(("options", "arguments"), ALIKE, ids=[" ".join(arguments) for _, arguments in ALIKE])
def test_messages_are_those_of_the_command(options: dict[str, Any], arguments: list[str]) -> None:
    done = run(*arguments, "--limit", 10)
    assert done.returncode == 2
    message = done.stderr.strip().splitlines()[-1].removeprefix("error: ")
    by_key = re.sub(r"--([a-z]+(?:-[a-z]+)*)", lambda option: option[1].replace("-", "_"), message)
    with pytest.raises(approx_eval.Error) as error:
        approx_eval.evaluate(**options, limit=10)
    assert str(error.value) == by_key


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"act_bits": 9}, ["act_bits", "9"]),
        ({"mode": "aprox"}, ["mode", "aprox", "approx"]),
        ({"limit": 0}, ["limit", "0", "at least 1"]),
        ({"shuffle": 1, "limit": None}, ["limit"]),
        ({"mode": "quant", "qparams": {"schema": 2, "layers": {}}}, ["qparams", "schema 2", "expected 1"]),
        ({"mode": "quant", "qparams": {"schema": 1}}, ["qparams", "layers"]),
        ({"assign": [{"layers": "fc1", "lot": "drum-4"}]}, ["assign", "rule 1", "lot", "lut"]),
        ({"assign": {"fc*": {"act_bits": 1}}}, ["act_bits", "2 to 8"]),
        ({"lut": np.zeros((5, 5), int)}, ["array"]),
        ({"lut": np.zeros((256, 256), int)}, ["array"]),
        ({"model": b"not a network"}, ["model"]),
        ({"model": b"PK\3\4 data.pkl"}, ["PyTorch"]),
        ({"model": onnx_file()[:-40]}, ["model"]),
        ({"model": onnx_file()}, ["test set", "data"]),
        ({"images": np.zeros((3, 1, 28, 28), np.uint8), "labels": [0, 1]}, ["3 images", "2 labels"]),
        ({"images": np.zeros((3, 1, 9, 28), np.uint8), "labels": [0, 1, 2]}, ["9 x 28", "28 x 28"]),
        ({"images": np.zeros((2, 1, 28, 28), np.uint8), "labels": [0, 10]}, ["label 10", "0 to 9"]),
        ({"images": np.full((1, 1, 28, 28), np.nan, np.float32), "labels": [0]}, ["NaN"]),
        ({"mode": "quant", "calib_data": np.zeros((3, 2, 28, 28), np.uint8)}, ["calib", "channels"]),
    ],
)
def test_bad_input(options: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(approx_eval.Error) as error:
        approx_eval.evaluate(**({"limit": 10} | options))
    for part in parts:
        assert part in str(error.value)
    assert "--" not in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"acts_bits": 6}, "evaluate() got an unexpected keyword argument 'acts_bits'"),
        ({"mode": object()}, "mode is object, expected a text, a number or a path"),
        ({"limit": [object()]}, "limit is object"),
        ({"lut": [["a"]]}, "lut is an array of"),
        ({"images": np.zeros((1, 1, 28, 28), complex), "labels": [0]}, "images is an array of complex128"),
        ({"images": np.zeros((1, 1, 28, 28), np.uint8)}, "labels: expected"),
        ({"labels": [0]}, "labels: expected none without images"),
        ({"images": "data.npz", "labels": [0]}, "labels: those of"),
        ({"assign": ["fc1"]}, "assign[0] is str, expected a dict"),
        ({"progress": 3}, "'int' object is not callable"),
    ],
)
def test_wrong_types(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError) as error:
        approx_eval.evaluate(**({"limit": 10} | options))
    assert message in str(error.value)


def test_a_session_says_whose_option_it_is() -> None:
    session = approx_eval.Session("lenet5", limit=10)
    options: dict[str, Any] = {"limit": 5}
    with pytest.raises(TypeError, match=r"'limit' \(an option of Session\)"):
        session.evaluate(**options)
    with pytest.raises(approx_eval.Error):
        session.evaluate(lut="drum-44")
    with pytest.raises(ValueError, match="luts: the name"):
        session.evaluate(luts={"a/b": np.zeros((256, 256))})
    assert session.evaluate(lut="drum-4").report["lut"]["name"] == "drum-4"
    with pytest.raises(approx_eval.Error, match="/nowhere"):
        approx_eval.Session(Path("/nowhere.onnx"))
