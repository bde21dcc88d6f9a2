"""What pages weigh: everything that their head names, packed; and the built ones stay small."""

import gzip
from pathlib import Path

import pytest

from rtig.gateway import page_weights
from rtig.gateway.page_weights import weights
from rtig.gateway.pages import WEB

SIDEBAR_BYTES = 40_960
PAGE = """<!doctype html><link rel="icon" href="data:,"><link rel="stylesheet" href="./assets/a.css">
<link rel="modulepreload" href="./assets/b.js"><script type="module" src="./assets/a.js"></script>"""


def test_all_that_a_page_names_is_weighed_as_gzip_packs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_weights, "PAGES", {"sidebar": "agent.html"})
    monkeypatch.setattr(page_weights, "MODULES", {"module": "assets/b.js"})
    (tmp_path / "assets").mkdir()
    contents = {"agent.html": PAGE, "assets/a.css": "a" * 9000, "assets/b.js": "b", "assets/a.js": "c" * 70}
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "assets" / "other.js").write_text("d" * 100)
    found = weights(tmp_path)
    packed = {name: len(gzip.compress(content.encode())) for name, content in contents.items()}
    assert found == {"sidebar": packed, "module": {"assets/b.js": packed["assets/b.js"]}}
    assert found["sidebar"]["assets/a.css"] < 100


def test_a_page_that_is_not_built_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        weights(tmp_path)


def test_the_sidebar_is_light() -> None:
    assert (WEB / "agent.html").is_file(), "The pages have not been built: run `make pages`."
    found = weights()
    assert len(found["sidebar"]) == 3, "its page, its script and its style"
    assert 10_000 < sum(found["sidebar"].values()) < SIDEBAR_BYTES
    assert 10_000 < sum(found["sidebar_module"].values()) < SIDEBAR_BYTES
