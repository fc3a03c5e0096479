"""Checks the newest version of glibc that programs and libraries ask for: glibc.py VERSION FILE...

Reads the version needs of 64-bit little-endian ELF files (section .gnu.version_r), which is what the loader compares
with what a system has.
"""

import struct
import sys

VERSION_NEEDS = 0x6FFFFFFE


def needs(data: bytes) -> dict[str, set[str]]:
    """The symbol versions that a file needs, by library."""
    if data[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF file")
    (sections,) = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    headers = [struct.unpack_from("<IIQQQQIIQQ", data, sections + i * size) for i in range(count)]

    def text(strings: int, offset: int) -> str:
        start = headers[strings][4] + offset
        return data[start : data.index(b"\0", start)].decode()

    found: dict[str, set[str]] = {}
    for _, kind, _, _, offset, _, strings, entries, *_ in headers:
        if kind != VERSION_NEEDS:
            continue
        at = offset
        for _ in range(entries):
            _, versions, library, first, following = struct.unpack_from("<HHIII", data, at)
            place = at + first
            for _ in range(versions):
                _, _, _, name, after = struct.unpack_from("<IHHII", data, place)
                found.setdefault(text(strings, library), set()).add(text(strings, name))
                place += after
            at += following
    return found


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def main(allowed: str, files: list[str]) -> int:
    is_new = False
    for file in files:
        with open(file, "rb") as opened:
            found = needs(opened.read())
        versions = [name.removeprefix("GLIBC_") for names in found.values() for name in names if name.startswith("GLIBC_")]
        newest = max((version for version in versions if version[0].isdigit()), key=number, default="0")
        print(f"{file}: glibc {newest}, of {', '.join(sorted(found))}")
        is_new |= number(newest) > number(allowed)
    if is_new:
        print(f"expected glibc {allowed} or older", file=sys.stderr)
    return int(is_new)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
