"""How the built pages are served: packed where the browser takes that, and not sent again while they are the same."""

import gzip
import os
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from rtig.gateway.built import Built
from rtig.gateway.page_weights import weights
from rtig.gateway.pages import WEB

PLAIN = b"let a = 1;" * 50
GZIP = gzip.compress(PLAIN)
BROTLI = b"as brotli has it"


@pytest.fixture
def web(tmp_path: Path) -> Path:
    (tmp_path / "a.js").write_bytes(PLAIN)
    (tmp_path / "a.js.gz").write_bytes(GZIP)
    (tmp_path / "a.js.br").write_bytes(BROTLI)
    (tmp_path / "b.svg").write_bytes(b"<svg/>")
    return tmp_path


def asked(built: Built, name: str = "a.js", **headers: str) -> Response | None:
    named = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
    return built.answer(Request({"type": "http", "headers": named}), name, "no-cache")


def given(built: Built, name: str = "a.js", **headers: str) -> Response:
    answer = asked(built, name, **headers)
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("gzip, br;q=0", "gzip"),
        ("gzip; q=0.000, br ; q=0", ""),
        ("gzip;q=0.01", "gzip"),
        ("deflate", ""),
        ("", ""),
    ],
)
def test_the_smallest_form_that_the_browser_takes(web: Path, accepted: str, encoding: str) -> None:
    answer = given(Built(web), accept_encoding=accepted)
    assert answer.headers.get("content-encoding", "") == encoding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.body == {"br": BROTLI, "gzip": GZIP, "": PLAIN}[encoding]
    assert answer.headers["content-length"] == str(len(answer.body))


def test_without_packed_files_it_is_the_plain_one(web: Path) -> None:
    answer = given(Built(web), "b.svg", accept_encoding="gzip, br")
    assert (answer.body, answer.headers["content-type"]) == (b"<svg/>", "image/svg+xml")
    assert "content-encoding" not in answer.headers


def test_what_the_browser_has_is_not_sent_again(web: Path) -> None:
    built = Built(web)
    first = given(built, accept_encoding="br")
    again = given(built, accept_encoding="br", if_none_match=first.headers["etag"])
    assert (again.status_code, again.body) == (304, b"")
    for name in ("etag", "vary", "cache-control"):
        assert again.headers[name] == first.headers[name]
    weakened = f'"older", W/{first.headers["etag"]}'  # as a proxy may have it
    assert given(built, accept_encoding="br", if_none_match=weakened).status_code == 304
    assert given(built, accept_encoding="br", if_none_match='"older"').status_code == 200


def test_each_form_and_each_content_has_a_tag_of_its_own(web: Path) -> None:
    built = Built(web)
    tags = {given(built, accept_encoding=accepted).headers["etag"] for accepted in ("br", "gzip", "")}
    assert len(tags) == 3
    assert all(tag.startswith('"') for tag in tags), "strong ones"
    assert given(Built(web)).headers["etag"] in tags, "the same from another server"
    (web / "a.js").write_bytes(b"let a = 2;")
    os.utime(web / "a.js", ns=(1, 1))
    changed = given(built)
    assert (changed.body, changed.headers["etag"] in tags) == (b"let a = 2;", False)


@pytest.mark.parametrize("name", ["c.js", "a.js.gz", "a.js.br", "."])
def test_nothing_else_is_there(web: Path, name: str) -> None:
    assert asked(Built(web), name) is None


def test_the_build_packs_every_file_of_a_page() -> None:
    for files in weights().values():
        for name in files:
            plain = given(Built(WEB), name)
            assert gzip.decompress(bytes(given(Built(WEB), name, accept_encoding="gzip").body)) == plain.body
            packed = given(Built(WEB), name, accept_encoding="br")
            assert packed.headers["content-encoding"] == "br"
            assert len(packed.body) < len(plain.body)
