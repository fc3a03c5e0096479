"""Compares a build of approx-eval with the computations in this folder, integer by integer and bit by bit.

Usage: python3 run.py PROGRAM [--only TEXT] [--keep FOLDER] [OPTIONS OF THE PROGRAM..]

Exits with 1 where anything differs.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from cases import all_cases
from program import run, write

# What all cases must give, so that a change of this folder's own computations is seen.
DIGESTS = Path(__file__).parent / "digests.json"
# Sums in f32 differ from those in f64 by this, relative to the largest logit.
BASE_TOLERANCE = 1e-5


def digest(expected):
    """A hash of all that a case expects."""
    hashed = hashlib.sha256()
    for name, array in sorted(expected.items()):
        array = np.asarray(array)
        hashed.update(f"{name} {array.size} ".encode())
        hashed.update(array.astype("<f4" if array.dtype == np.float32 else "<i8").tobytes())
    return hashed.hexdigest()[:16]


def differences(mode, expected, found):
    """What differs, a line each."""
    for name in sorted(expected):
        text = difference(mode, expected[name], found[name]) if name in found else "missing"
        if text:
            yield f"{name}: {text}"


def difference(mode, expected, found):
    """What differs between two arrays, if anything."""
    e, f = (np.ascontiguousarray(array).reshape(-1) for array in (expected, found))
    if e.size != f.size:
        return f"{f.size} numbers, not {e.size}"
    if mode == "base":
        error = abs(e - f).max() / abs(e).max()
        return None if error <= BASE_TOLERANCE else f"{error:.1e} apart"
    # Of real numbers, bits.
    is_real = e.dtype == np.float32
    wrong = np.flatnonzero(e.view(np.uint32) != f.astype(np.float32).view(np.uint32) if is_real else e != f)
    if not wrong.size:
        return None
    return f"{wrong.size} of {e.size} differ, the first at {wrong[0]}: {f[wrong[0]]}, not {e[wrong[0]]}"


def check(program, case, more, keep):
    """What is wrong with a case, and the digests of what it expects."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if keep:
            folder = keep / case.name
            folder.mkdir(parents=True)
        write(case, folder)
        wrong, digests = [], {}
        for mode in case.modes:
            expected = case.expected(mode)
            if mode != "base":
                digests[mode] = digest(expected)
            try:
                found = run(program, case, mode, folder, more)
                wrong += [f"{case.name}, {mode}: {line}" for line in differences(mode, expected, found)]
            except RuntimeError as error:
                wrong.append(f"{case.name}, {mode}: {error}")
    return wrong, digests


def main():
    parser = argparse.ArgumentParser(description="Compares a build of approx-eval with an independent implementation.")
    parser.add_argument("program", type=Path)
    parser.add_argument("--only", default="", help="cases whose names contain this text")
    parser.add_argument("--keep", type=Path, help="leave all files in this folder")
    parser.add_argument("--write-digests", action="store_true", help="what all cases must give from now on")
    arguments, more = parser.parse_known_args()
    cases = [case for case in all_cases() if arguments.only in case.name]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        program = arguments.program.resolve()
        results = list(pool.map(lambda case: check(program, case, more, arguments.keep), cases))
    wrong = [line for lines, _ in results for line in lines]
    digests = {case.name: found for case, (_, found) in zip(cases, results)}
    known = json.loads(DIGESTS.read_text())
    if arguments.write_digests:
        known = known | digests if arguments.only else digests
        lines = [f"{json.dumps(name)}: {json.dumps(found)}" for name, found in known.items()]
        DIGESTS.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    for name, found in digests.items():
        if known.get(name) != found:
            wrong.append(f"{name}: this folder expects other numbers than digests.json has")
    print(*wrong, sep="\n", end="\n" * bool(wrong))
    runs = sum(len(case.modes) for case in cases)
    print(f"{len(cases)} cases, {runs} runs, {len(wrong)} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
