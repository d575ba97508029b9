"""Files that pages are made of: addresses that carry their content's hash, sent compressed, kept for ever."""

import gzip
import hashlib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

TEXTS = (".js", ".css", ".svg")
PREFIX = "/static/"


@cache
def folders() -> dict[str, Path]:
    """Return the folders that files are served from, by the first part of their name; `` is the desk's own."""
    return {
        "leaflet/": Path(str(resources.files("xstatic.pkg.leaflet") / "data")),
        "": Path(str(resources.files("pipeline.desk") / "static")),
    }


@cache
def asset(name: str) -> str:
    """Return the address of a static file with its content's hash, so that browsers may keep it for ever."""
    first, folder = next((first, folder) for first, folder in folders().items() if name.startswith(first))
    content = (folder / name.removeprefix(first)).read_bytes()
    return f"{PREFIX}{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


@cache
def _compressed(path: str, _changed: float) -> bytes:
    """Return a file's content by gzip; read once for each state of the file."""
    return gzip.compress(Path(path).read_bytes(), 9)


def accepts_gzip(request: Request) -> bool:
    """Say whether a browser takes gzip."""
    return "gzip" in request.headers.get("accept-encoding", "")


class LongLivedFiles(StaticFiles):
    """Static files that may be kept for ever; texts are sent by gzip to who takes it."""

    def file_response(self, full_path: Any, stat_result: Any, scope: Scope, status_code: int = 200) -> Response:
        """Return a file."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        if str(full_path).endswith(TEXTS):
            headers["vary"] = "accept-encoding"
            if response.status_code == 200 and accepts_gzip(Request(scope)):
                headers |= {"content-encoding": "gzip", "etag": response.headers["etag"]}
                body = _compressed(str(full_path), stat_result.st_mtime)
                return Response(body, 200, headers, response.media_type)
        response.headers.update(headers)
        return response


def mount(app: FastAPI) -> None:
    """Serve the files under `/static/`."""
    for first, folder in folders().items():
        app.mount((PREFIX + first).rstrip("/"), LongLivedFiles(directory=folder))


def packed(request: Request, content: bytes, media_type: str = "application/json") -> Response:
    """Answer with content that the browser may keep, if it asks each time whether it still holds (ETag)."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "private, no-cache", "vary": "accept-encoding, cookie"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if accepts_gzip(request):
        return Response(gzip.compress(content, 6), 200, {**headers, "content-encoding": "gzip"}, media_type)
    return Response(content, 200, headers, media_type)
