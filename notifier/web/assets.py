"""The files of static/, each under an address that changes with them: whoever has one keeps it and never asks again.

Enters: files' names. Leaves: `/static/VERSION/NAME`, the same VERSION for all of them, so that a script and what it
loads are of one release. A script goes there as one file with all that it imports, without comments: a phone with a
slow connection waits for each request. A page of another release still finds its files, the present ones, and does not
keep them; whoever names no version, such as the worker of an older release, gets the files as they are.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from notifier.web.compression import BEST, coding_for, compressed

STATIC = Path(__file__).parent / "static"
KEPT = "public, max-age=31536000, immutable"
_VERSION = re.compile(r"v-[0-9a-f]{12}")
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
# The ways in which our modules import and export; there are no others (tests/web/test_assets.py runs each bundle).
_IMPORT = re.compile(r'^import (?:\{[^}]*\} from )?"(\.{1,2}/[\w./-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const |let |function |async function |class )", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?://[^\n]*|/\*.*?\*/[ \t]*)$\n?", re.MULTILINE | re.DOTALL)
# After what ends a statement or opens a list: nowhere else in a line, where it might be a string's.
_REMARK = re.compile(r"(?<=[;{,)]) +//[^\n\"`]*$", re.MULTILINE)
_INDENT = re.compile(r"^\s+", re.MULTILINE)


@cache
def version() -> str:
    """Of the files as they were when the process began."""
    digest = sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(STATIC)}\0".encode() + path.read_bytes())
    return f"v-{digest.hexdigest()[:12]}"


def asset(name: str) -> str:
    """The address of a file of static/."""
    return f"/static/{version()}/{name}"


class Assets(StaticFiles):
    """What is below /static."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, whichever version is asked for; kept for good where it is the present one."""
        named, _, rest = path.partition("/")
        if not _VERSION.fullmatch(named):
            return await super().get_response(path, scope)
        if Path(rest).suffix in _TYPES:
            found = await run_in_threadpool(_sent, rest, scope)
        else:
            found = await super().get_response(rest, scope)
        if named == version():
            found.headers["Cache-Control"] = KEPT
        return found


def _sent(name: str, scope: Scope) -> Response:
    """A script, style or drawing; raises HTTPException where there is none.

    Compressed once, not for each visitor: on the day that everybody comes, that would be half of the work.
    """
    if name not in _texts():
        raise HTTPException(404)
    coding = coding_for(Headers(scope=scope).get("accept-encoding", ""))
    headers = {"Vary": "Accept-Encoding"} | ({"Content-Encoding": coding} if coding else {})
    body = _compressed(name, coding) if coding else sent(name).encode()
    return Response(body, media_type=_TYPES[Path(name).suffix], headers=headers)


@cache
def _compressed(name: str, coding: str) -> bytes:
    return compressed(sent(name).encode(), coding, BEST)


@cache
def _texts() -> frozenset[str]:
    return frozenset(str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.suffix in _TYPES)


@cache
def sent(name: str) -> str:
    """A script with all that it imports, each once and before what needs it; a style; a drawing. Without comments."""
    texts = [
        _IMPORT.sub("", _EXPORT.sub("", (STATIC / one).read_text(encoding="utf-8"))) for one in _with_imports(name)
    ]
    return _INDENT.sub("", _REMARK.sub("", _COMMENT.sub("", "".join(texts))))


def _with_imports(name: str) -> list[str]:
    """The files that `name` needs, and itself at the end."""
    found: dict[str, None] = {}
    for imported in _IMPORT.findall((STATIC / name).read_text(encoding="utf-8")):
        file = (STATIC / name).parent / imported
        found |= dict.fromkeys(_with_imports(str(file.resolve().relative_to(STATIC.resolve()))))
    return [*found, name]
