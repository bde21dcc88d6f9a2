"""What the built pages weigh: all that a page needs for its first paint, each file as gzip packs it."""

import gzip
from html.parser import HTMLParser
from pathlib import Path

from rtig.gateway.pages import WEB

PAGES = {"sidebar": "agent.html", "board": "board.html", "author": "author.html", "latency": "latency.html"}
MODULES = {"sidebar_module": "embed/rtig-sidebar.js", "board_module": "embed/rtig-board.js"}
"""For other people's pages; each is one file."""
_NEEDED = {"stylesheet", "modulepreload"}


def weights(web: Path = WEB) -> dict[str, dict[str, int]]:
    """For each page and module its files and their bytes. Raises `FileNotFoundError` where they are not built."""
    files = {name: _files(web, page) for name, page in PAGES.items()} | {n: [file] for n, file in MODULES.items()}
    return {name: {file: _packed(web / file) for file in needed} for name, needed in files.items()}


def _packed(file: Path) -> int:
    return len(gzip.compress(file.read_bytes(), mtime=0))


def _files(web: Path, page: str) -> list[str]:
    needs = _Needs()
    needs.feed((web / page).read_text("utf-8"))
    return [page, *needs.files]


class _Needs(HTMLParser):
    """The files of ours that a page's head names; icons are in the page itself."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("src") if tag == "script" else given.get("href") if given.get("rel") in _NEEDED else None
        if name:
            self.files.append(name.removeprefix("./"))
