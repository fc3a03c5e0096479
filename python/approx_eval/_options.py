"""The command's options as keywords, and what stands for them in memory."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from ._arrays import numbers, table_file

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ._arrays import Array

Path: TypeAlias = str | os.PathLike[str]
Mode: TypeAlias = Literal["base", "quant", "approx", "noise"]
#: A multiplier: its name, its file, or its table as an array, `table[activation][weight]`.
Lut: TypeAlias = "Path | ArrayLike"


class Rule(TypedDict, total=False):
    """Options of the layers that a pattern matches."""

    layers: str
    mode: Mode
    attention: Mode
    lut: Lut
    lut_format: str
    swap_operands: bool
    coding: str
    noise_std: float
    noise_mean: float
    noise_from_lut: Lut
    noise_lut_format: str
    noise_swap_operands: bool
    act_bits: int
    weight_bits: int


class LayerOptions(TypedDict, total=False):
    """Options that every evaluation of a session can have of its own."""

    mode: Mode
    lut: Lut
    #: Tables by the names that options and rules can then give, and that reports show.
    luts: Mapping[str, ArrayLike]
    lut_format: str
    swap_operands: bool
    coding: Literal["signed", "sign-magnitude", "affine"]
    attention: Mode
    #: The file of an assignment or of an earlier report, what such a file holds, a list of rules, or a multiplier or
    #: options for each pattern of layers' names. Later rules override earlier ones.
    assign: Path | Mapping[str, Any] | Sequence[Rule]
    #: Rules as the command line has them, `PATTERN:key=value,...`, after those of `assign`.
    set: str | Sequence[str]
    act_bits: int
    weight_bits: int
    act_scheme: Literal["symmetric", "affine"]
    weight_scheme: Literal["per-channel", "per-tensor"]
    scale: Literal["real", "pow2"]
    calib: str
    noise_std: float
    noise_mean: float
    noise_from_lut: Lut
    acc_bits: int | str
    acc_overflow: Literal["wrap", "saturate"]
    seed: int
    compare: Literal["base", "quant"]
    costs: Path


class EvaluationOptions(LayerOptions, total=False):
    """All options of an evaluation."""

    arch: str
    weights: Path
    input: Sequence[int]
    layout: Literal["nchw", "nhwc", "auto"]
    output_name: str
    task: str
    threshold: float
    no_fold_bn: bool
    data_format: str
    mean: float | Sequence[float]
    std: float | Sequence[float]
    resize: int
    interpolation: str
    crop: int
    channels: str
    #: Calibration images: a dataset's path, an array, or arrays of images and labels.
    calib_data: Path | ArrayLike | tuple[ArrayLike, ArrayLike]
    calib_samples: int
    #: Scales and zero points: a file, or what it holds.
    qparams: Path | Mapping[str, Any]
    requantize: Literal["once", "twice", "truncate"]
    limit: int
    shuffle: int
    batch_size: int
    threads: int
    kernel: str
    layer_errors: bool


#: Options of a session alone.
OPENING = EvaluationOptions.__annotations__.keys() - LayerOptions.__annotations__.keys()


@dataclass
class Request:
    """Options as the native module takes them."""

    arguments: list[str] = field(default_factory=list)
    rules: str | None = None
    qparams: str | None = None
    calibration: tuple[Array, Array] | None = None
    luts: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Request:
        """Reads options of which unknown ones have been refused."""
        request = cls()
        given = {key: value for key, value in options.items() if value is not None}
        for name, table in given.pop("luts", {}).items():
            request.luts[_table_name(name)] = table_file(table, f"luts[{name!r}]")
        for key in ("lut", "noise_from_lut"):
            if key in given:
                given[key] = request._named(given[key], key)
        assign = given.get("assign")
        if assign is not None and not isinstance(assign, (str, os.PathLike)):
            request.rules = request._document(given.pop("assign"))
        if isinstance(given.get("qparams"), Mapping):
            request.qparams = json.dumps(given.pop("qparams"))
        calibration = given.get("calib_data")
        if calibration is not None and not isinstance(calibration, (str, os.PathLike)):
            request.calibration = _calibration(given.pop("calib_data"))
        for key, value in given.items():
            request.arguments += _arguments(key, value)
        return request

    def _named(self, lut: Any, key: str) -> str:
        """The name of a multiplier, which is given to a table."""
        if isinstance(lut, (str, os.PathLike)):
            return _text(lut, key)
        file = table_file(lut, key)
        for number in range(1, len(self.luts) + 2):
            name = "array" if number == 1 else f"array-{number}"
            if self.luts.setdefault(name, file) == file:
                return name
        raise AssertionError("one of these names is free")

    def _document(self, assign: Any) -> str:
        """Rules as their files have them."""
        if isinstance(assign, Mapping):
            if "rules" in assign or "config" in assign:
                return json.dumps(assign)
            assign = [
                {"layers": layers, **(value if isinstance(value, Mapping) else {"lut": value})}
                for layers, value in assign.items()
            ]
        rules = [self._rule(rule, f"assign[{place}]") for place, rule in enumerate(assign)]
        return json.dumps({"schema": 1, "rules": rules})

    def _rule(self, rule: Any, name: str) -> dict[str, Any]:
        if not isinstance(rule, Mapping):
            raise TypeError(f"{name} is {type(rule).__name__}, expected a dict of a pattern 'layers' and its options")
        luts = ("lut", "noise_from_lut")
        named = {key: self._named(rule[key], f"{name}[{key!r}]") for key in luts if rule.get(key) is not None}
        return {key: _plain(value) for key, value in {**rule, **named}.items()}


def refuse_unknown(options: Mapping[str, Any], known: Any, function: str) -> None:
    """Fails as Python does for a keyword that a function does not have."""
    for key in options:
        if key not in known:
            where = " (an option of Session)" if key in OPENING else ""
            raise TypeError(f"{function} got an unexpected keyword argument '{key}'{where}")


def _table_name(name: str) -> str:
    if not name or any(character in name for character in "./\\:"):
        raise ValueError(f"luts: the name '{name}' is empty or has one of . / \\ :")
    return name


def _calibration(value: Any) -> tuple[Array, Array]:
    import numpy as np

    if isinstance(value, tuple) and len(value) == 2:
        return numbers(value[0], "calib_data"), numbers(value[1], "the labels of calib_data")
    images = numbers(value, "calib_data")
    # Nothing is done with labels of a calibration set.
    return images, numbers(np.zeros(images[1][:1], np.uint8), "labels")


def _arguments(key: str, value: Any) -> list[str]:
    name = "--" + key.replace("_", "-")
    if isinstance(value, bool):
        return [name] if value else []
    if key == "set":
        rules = [value] if isinstance(value, str) else value
        return [f"{name}={_text(rule, key)}" for rule in rules]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [f"{name}={','.join(_text(part, key) for part in value)}"]
    return [f"{name}={_text(value, key)}"]


def _text(value: Any, key: str) -> str:
    """A value as the command line has it."""
    value = _plain(value)
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError(f"{key} is {type(value).__name__}, expected a text, a number or a path")
    return value if isinstance(value, str) else repr(value)


def _plain(value: Any) -> Any:
    """A numpy scalar as Python's own."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
