"""Does what docs/extending.md says, in a copy of the repository.

Usage: follow.py apply TREE    writes the page's new files and applies its patches
       follow.py commands      prints the page's commands, one a line

Blocks of Rust with a path behind the language are files; blocks of the language `diff` are patches, which must apply
where they say or near by.
"""

import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs/extending.md"


def blocks():
    """Words behind the fence, and content, of the page's blocks."""
    words, lines = None, []
    for line in PAGE.read_text(encoding="utf-8").splitlines(keepends=True):
        if not line.startswith("```"):
            lines.append(line)
        elif words is None:
            words, lines = line[3:].split(), []
        else:
            yield words, "".join(lines)
            words = None


def main(action, tree=None):
    for words, content in blocks():
        if action == "commands" and words == ["sh"]:
            print(content, end="")
        elif action == "apply" and words[0] == "rust":
            path = Path(tree, words[1])
            if path.exists():
                raise SystemExit(f"{path} exists already")
            path.write_text(content, encoding="utf-8")
        elif action == "apply" and words == ["diff"]:
            subprocess.run(["patch", "-p1", "--no-backup-if-mismatch", "-d", tree], input=content, text=True, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
