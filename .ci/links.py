"""Fails where a page of a built book, or a Markdown file beside it, links to what is not there.

Usage: links.py BOOK [FILE.md ..]

Links between pages and files are followed, their fragments too. A page may not leave the book: what lies elsewhere in
the repository is named by its path, since a published book does not have it. Addresses of the web are not asked for.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of an HTML page, and the places in it that links can lead to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.places = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("id", "name"):
                self.places.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


def broken(link, page, pages, book):
    """What is wrong with a link of a page, or None."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_relative_to(book):
        return "leaves the book"
    if target.is_dir():
        target /= "index.html"
    if not target.exists():
        return "there is no such file"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
        return "there is no such heading"
    return None


def main(book, *files):
    book = Path(book).resolve()
    pages = {path: Page(path) for path in sorted(book.rglob("*.html"))}
    # All chapters once more, for printers, and a page that stands at any address.
    skipped = {book / "print.html", book / "404.html", book / "toc.html"}
    wrong = []
    for path, page in pages.items():
        for link in page.links if path not in skipped else []:
            if reason := broken(link, path, pages, book):
                wrong.append(f"{path.relative_to(book)}: {link}: {reason}")
    for name in files:
        folder = Path(name).resolve().parent
        for link in re.findall(r"\]\(([^)\s]+)\)", Path(name).read_text(encoding="utf-8")):
            parts = urlsplit(link)
            if parts.scheme or not parts.path:
                continue
            target = folder / unquote(parts.path)
            built = book / Path(unquote(parts.path)).relative_to("docs").with_suffix(".html") if link.startswith("docs/") else None
            if not target.exists():
                wrong.append(f"{name}: {link}: there is no such file")
            elif parts.fragment and built in pages and unquote(parts.fragment) not in pages[built].places:
                wrong.append(f"{name}: {link}: there is no such heading")
    print("\n".join(wrong) or f"{sum(len(page.links) for page in pages.values())} links of {len(pages)} pages lead somewhere")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
