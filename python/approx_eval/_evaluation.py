"""Evaluations: one of everything, or many of one network on one data set."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, Unpack

from . import _native
from ._arrays import from_bytes, numbers
from ._options import EvaluationOptions, LayerOptions, Request, _text, refuse_unknown

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ._options import Path

#: A network: the name of a shipped one, a path, or the bytes of an ONNX or TensorFlow Lite file.
Model: TypeAlias = "Path | bytes | bytearray | memoryview"
#: Called with the samples that are done and how many there are, of the calibration and then of the evaluation.
Progress: TypeAlias = Callable[[int, int], object]


class Evaluation(NamedTuple):
    """What an evaluation found."""

    #: The report, as the command's `--format json` has it.
    report: dict[str, Any]
    #: The network's outputs for each sample, `[samples, outputs]`.
    logits: npt.NDArray[np.float32]

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy; of an anomaly detector, its AUC."""
        accuracy = self.report["accuracy"]
        return float(accuracy["auc"] if accuracy.get("top1") is None else accuracy["top1"])

    def __repr__(self) -> str:
        report = self.report
        lut = (report.get("lut") or {}).get("name")
        what = report["config"]["mode"] if lut is None else lut
        samples = report["dataset"]["samples"]
        return f"<Evaluation of {report['model']['name']}, {what}: {self.accuracy:.4f} on {samples} samples>"


class Session:
    """A network, its data and what is observed of them, evaluated under one set of options after another.

    `model` is a shipped network's name, a path, or the bytes of an ONNX or TensorFlow Lite file. `images` is an array
    `[N, C, H, W]`, or of any shape that a dataset's file can have, with as many `labels`; or the path of a dataset;
    by default it is the shipped network's own test set. Arrays are copied. Integers are byte images, which `mean` and
    `std` normalize, floats are what the network takes.

    Options of `LayerOptions` that are given here are those of evaluations that have no others of their own.
    """

    def __init__(
        self,
        model: Model | None = None,
        images: Path | npt.ArrayLike | None = None,
        labels: npt.ArrayLike | None = None,
        **options: Unpack[EvaluationOptions],
    ) -> None:
        refuse_unknown(options, EvaluationOptions.__annotations__, "Session()")
        self._options: dict[str, Any] = dict(options)
        request = Request.of(options)
        arguments = list(request.arguments)
        contents = None
        if isinstance(model, (bytes, bytearray, memoryview)):
            contents = bytes(model)
        elif model is not None:
            arguments.append(f"--model={_text(model, 'model')}")
        data = None
        if isinstance(images, (str, os.PathLike)):
            arguments.append(f"--data={_text(images, 'images')}")
            if labels is not None:
                raise TypeError("labels: those of a dataset's path are in the dataset")
        elif images is not None:
            if labels is None:
                raise TypeError("labels: expected an array of as many labels as there are images")
            data = numbers(images, "images"), numbers(labels, "labels")
        elif labels is not None:
            raise TypeError("labels: expected none without images")
        self._native = _native.Session(
            arguments,
            model=contents,
            data=data,
            calibration=request.calibration,
            qparams=request.qparams,
            rules=request.rules,
            luts=request.luts,
        )

    def evaluate(self, *, progress: Progress | None = None, **options: Unpack[LayerOptions]) -> Evaluation:
        """Evaluates under these options, and those of the session that they do not replace.

        `progress` is called as `progress(done, total)`; an exception that it raises ends the evaluation, and so does
        Ctrl-C, after the batch that is under way. Other threads run meanwhile, but one alone uses a session.
        """
        refuse_unknown(options, LayerOptions.__annotations__, "Session.evaluate()")
        self._configure(options)
        return self._evaluate(progress)

    def qparams(self, **options: Unpack[LayerOptions]) -> dict[str, Any]:
        """The scales and zero points of all layers under such options, as `qparams` takes them."""
        refuse_unknown(options, LayerOptions.__annotations__, "Session.qparams()")
        self._configure(options)
        params: dict[str, Any] = json.loads(self._native.qparams())
        return params

    @property
    def layers(self) -> list[str]:
        """Names of the layers that `assign` and `set` can name, in the order of the network."""
        return self._native.layers()

    def _configure(self, options: Mapping[str, Any]) -> None:
        # What decided the network and its data needs no second reading.
        kept = {key: value for key, value in self._options.items() if key not in ("calib_data", "qparams")}
        request = Request.of({**kept, **options})
        self._native.configure(request.arguments, rules=request.rules, luts=request.luts)

    def _evaluate(self, progress: Progress | None) -> Evaluation:
        report, logits, outputs = self._native.evaluate(progress)
        return Evaluation(json.loads(report), from_bytes(logits, "=f4", (-1, outputs)))


def evaluate(
    model: Model | None = None,
    images: Path | npt.ArrayLike | None = None,
    labels: npt.ArrayLike | None = None,
    *,
    progress: Progress | None = None,
    **options: Unpack[EvaluationOptions],
) -> Evaluation:
    """Evaluates a network on images, as the command does with these options; see `Session` for what they can be."""
    refuse_unknown(options, EvaluationOptions.__annotations__, "evaluate()")
    return Session(model, images, labels, **options)._evaluate(progress)
