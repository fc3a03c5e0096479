"""Multipliers that are known by name, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from . import _native
from ._arrays import from_bytes
from ._options import _text

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ._options import Path


def luts(names: str = "designs") -> list[str]:
    """Names of multipliers: those of a list (`shipped`, `designs`, `catalogue`) or of a pattern such as `drum-{3..6}`."""
    return _native.multipliers(names)


def lut(
    name: Path,
    *,
    order: Literal["numeric", "twos-complement"] = "numeric",
    coding: Literal["signed", "sign-magnitude", "affine"] | None = None,
    lut_format: str | None = None,
    swap_operands: bool = False,
) -> npt.NDArray[np.int32]:
    """The products of a named multiplier or of a table's file, `table[activation][weight]`.

    Rows and columns of a signed multiplier go from the most negative operand to the most positive one, or, in the
    order `twos-complement`, by the operands' bit patterns. Names that have a signed and an unsigned form follow
    `coding`.
    """
    _, _, sizes, entries = _native.multiplier(
        _text(name, "name"), order, coding=coding, lut_format=lut_format, swap_operands=swap_operands
    )
    table: npt.NDArray[Any] = from_bytes(entries, "=i4", tuple(sizes))
    return table
