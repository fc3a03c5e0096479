"""The command `approx-eval`, as a console script."""

import signal
import sys

from . import _native


def main() -> int:
    """Runs the command and returns its exit code; a signal ends the process as it ends the program."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # No traceback: what is to be done first is the command's.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.command(["approx-eval", *sys.argv[1:]])
