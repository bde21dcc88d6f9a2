"""The built pages as they are served: packed when they were built, read once, and named by what is in them."""

import hashlib
import mimetypes
import re
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

PACKED = {"br": ".br", "gzip": ".gz"}
"""Encodings, the smallest first, and what the build calls the files that are in them."""
# What a system says of these differs, and a browser runs no script of another type.
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
_refused = re.compile(r";\s*q=0(\.0*)?\s*$").search


class _Form(NamedTuple):
    body: bytes
    etag: str
    encoding: str


class _File(NamedTuple):
    mtime_ns: int
    media_type: str
    forms: tuple[_Form, ...]
    """The plain one last."""


class Built:
    """The files of one folder. One that was built anew is read anew."""

    def __init__(self, web: Path) -> None:
        self._web = web
        self._files: dict[str, _File] = {}

    def answer(self, request: Request, name: str, cache_control: str) -> Response | None:
        """The file, or that the browser has it already; None where there is none of this name."""
        file = self._file(name)
        if file is None:
            return None
        accepted = _accepted(request.headers.get("accept-encoding", ""))
        form = next(form for form in file.forms if not form.encoding or form.encoding in accepted)
        headers = {"Cache-Control": cache_control, "ETag": form.etag, "Vary": "Accept-Encoding"}
        known = {etag.strip().removeprefix("W/") for etag in request.headers.get("if-none-match", "").split(",")}
        if form.etag in known:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        if form.encoding:
            headers["Content-Encoding"] = form.encoding
        return Response(form.body, media_type=file.media_type, headers=headers)

    def _file(self, name: str) -> _File | None:
        path = self._web / name
        if path.suffix in PACKED.values() or not path.is_file():
            return None
        mtime_ns = path.stat().st_mtime_ns
        file = self._files.get(name)
        if file is None or file.mtime_ns != mtime_ns:
            file = self._files[name] = _read(path, mtime_ns)
        return file


def _read(path: Path, mtime_ns: int) -> _File:
    plain = path.read_bytes()
    digest = hashlib.sha256(plain).hexdigest()[:32]
    packed = [(encoding, path.with_name(path.name + suffix)) for encoding, suffix in PACKED.items()]
    forms = [
        _Form(file.read_bytes(), f'"{digest}-{encoding}"', encoding) for encoding, file in packed if file.is_file()
    ]
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _File(mtime_ns, media_type, (*forms, _Form(plain, f'"{digest}"', "")))


def _accepted(header: str) -> set[str]:
    return {part.partition(";")[0].strip().lower() for part in header.split(",") if not _refused(part)}
