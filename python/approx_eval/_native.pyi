"""What Python code cannot do for the package itself; not for others to call."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, final

__all__ = ["Error", "Session", "__version__", "command", "multiplier", "multipliers"]

__version__: str

_Array: TypeAlias = tuple[str, Sequence[int], memoryview]
_Samples: TypeAlias = tuple[_Array, _Array]

class Error(ValueError): ...

def command(arguments: Sequence[str]) -> int: ...
def multipliers(text: str) -> list[str]: ...
def multiplier(
    name: str,
    order: str,
    *,
    coding: str | None = None,
    lut_format: str | None = None,
    swap_operands: bool = False,
) -> tuple[str, bool, list[int], bytearray]: ...

@final
class Session:
    def __new__(
        cls,
        options: Sequence[str],
        *,
        model: bytes | None = None,
        data: _Samples | None = None,
        calibration: _Samples | None = None,
        qparams: str | None = None,
        rules: str | None = None,
        luts: Mapping[str, bytes] | None = None,
    ) -> Session: ...
    def configure(
        self,
        options: Sequence[str],
        *,
        rules: str | None = None,
        luts: Mapping[str, bytes] | None = None,
    ) -> None: ...
    def evaluate(self, progress: Callable[[int, int], object] | None = None) -> tuple[str, bytearray, int]: ...
    def layers(self) -> list[str]: ...
    def qparams(self) -> str: ...
