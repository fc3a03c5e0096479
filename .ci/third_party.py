"""Licences of everything that is linked into the program, as one text that goes with binaries.

usage: python3 .ci/third_party.py [FEATURES] > THIRD-PARTY.txt
       python3 .ci/third_party.py --check docs/dependencies.md

The second form holds a page's tables of direct dependencies to the licences that their crates state, and prints nothing.

Crates are those that Cargo.lock and the features (default ones and FEATURES, separated by commas) bring into a program for
x86-64 Linux; crates that run while it is built (build scripts, procedural macros) are not in it. Texts are those of the
crates' own files; each stands once, with the crates that have it. A crate without a text, under another licence than MIT or
Apache-2.0, is an error. Needs nothing but Python and cargo.
"""

import json
import pathlib
import re
import subprocess
import sys

FILES = re.compile(r"^(licen[cs]e|copying|notice|unlicense|copyright)", re.IGNORECASE)


def metadata(features):
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", "x86_64-unknown-linux-gnu"]
    if features:
        command += ["--features", features]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def linked(data):
    """The packages that are linked, without the root."""
    packages = {package["id"]: package for package in data["packages"]}
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    root = data["resolve"]["root"]
    seen, open_ = set(), [root]
    while open_:
        for dependency in nodes[open_.pop()]["deps"]:
            id_ = dependency["pkg"]
            is_normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            is_macro = any("proc-macro" in target["kind"] for target in packages[id_]["targets"])
            if is_normal and not is_macro and id_ not in seen:
                seen.add(id_)
                open_.append(id_)
    return sorted((packages[id_] for id_ in seen), key=lambda package: (package["name"], package["version"]))


def texts(package):
    """The texts of a package's licences and notices, by file name."""
    folder = pathlib.Path(package["manifest_path"]).parent
    # Also those of what a crate bundles: fonts.
    places = [*folder.iterdir(), *folder.glob("assets/*/*")]
    files = sorted(path for path in places if path.is_file() and FILES.match(path.name))
    stated = package["license_file"] and folder / package["license_file"]
    if stated and stated.is_file() and stated not in files:
        files.append(stated)
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in files]


def check(page):
    """Fails where the page states another licence than a direct dependency's own manifest."""
    data = metadata("parquet")
    root = next(node for node in data["resolve"]["nodes"] if node["id"] == data["resolve"]["root"])
    direct = {dependency["pkg"] for dependency in root["deps"]}
    licences = {package["name"]: package["license"] for package in data["packages"] if package["id"] in direct}
    rows = re.findall(r"^\| `([^`]+)` \| [\d.]+ \| ([^|]+) \|", pathlib.Path(page).read_text(encoding="utf-8"), re.MULTILINE)
    stated = dict(rows)
    wrong = [name for name in licences.keys() | stated.keys() if licences.get(name) != stated.get(name)]
    for name in sorted(wrong):
        print(f"{page}: {name}: {stated.get(name)} is stated, {licences.get(name)} is its licence", file=sys.stderr)
    sys.exit(bool(wrong))


def main():
    if sys.argv[1:2] == ["--check"]:
        check(sys.argv[2])
    packages = linked(metadata(",".join(sys.argv[1:])))
    by_text, without = {}, []
    for package in packages:
        name = f"{package['name']} {package['version']}"
        found = texts(package)
        if not found:
            without.append(package)
        for text in found:
            key = " ".join(text.split())
            by_text.setdefault(key, (text, []))[1].append(name)
    print("Crates that are linked into approx-eval, and their licences.\n")
    for package in packages:
        authors = ", ".join(package["authors"]) or "its authors"
        source = package["repository"] or ""
        print(f"{package['name']} {package['version']}: {package['license']} ({authors}) {source}".rstrip())
    if without:
        print("\nWithout a text of their own, under the licence stated above, whose text stands below with others:")
        print(", ".join(package["name"] for package in without))
    for text, names in sorted(by_text.values(), key=lambda entry: (-len(entry[1]), entry[1])):
        print(f"\n{'=' * 100}\n{', '.join(names)}\n\n{text}")
    # The texts of these two are there all the same.
    known = {"MIT", "Apache-2.0"}
    for package in without:
        options = set(re.split(r"[ ()/]+|\bOR\b", package["license"] or ""))
        if not options & known:
            sys.exit(f"{package['name']}: no text of its licence {package['license']}")


main()
