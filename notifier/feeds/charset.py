"""Bytes as a server sent them in; UTF-8 that an XML parser accepts out.

What a publisher declares is wrong often enough that the bytes themselves are asked first: text that is valid UTF-8 by
chance hardly exists. Order: byte order mark (RFC 7303 section 3.3), UTF-16/32 by their zero bytes, valid UTF-8, the
charset of the header, that of the XML declaration, and at last UTF-8 with each stray byte read as Windows-1252.
"""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_STARTS = (
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00<", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
)
_HEADER = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)")
# Not text encodings, or written in plain ASCII bytes with shifts: never believed on a publisher's word alone.
_SEVEN_BIT = ("iso-2022", "hz", "utf-7")
# Python's names for what is no charset; some of them take time by the square of the length.
_NO_CHARSET = re.compile(
    r"idna|punycode|undefined|mbcs|oem|(?:raw[_-]?)?unicode[_-]?(?:escape|internal)", re.IGNORECASE
)
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252"}
# Python marks a byte that is not UTF-8 as U+DC80 to U+DCFF (PEP 383).
_STRAY = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}
_CONTROLS = bytes(n for n in range(32) if n not in b"\t\n\r") + b"\x7f"


def to_utf8(body: bytes, content_type: str | None) -> tuple[bytes, str | None]:
    """The document in UTF-8 without byte order mark and control characters, and what was wrong with it, if anything."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return _clean(body[len(mark) :].decode(name, "replace").encode()), None
    for start, name in _STARTS:
        if body.startswith(start):
            return _clean(body.decode(name, "replace").encode()), None
    declared = _declared(body, content_type)
    if any(name.startswith(_SEVEN_BIT) for name in declared) and (text := _decoded(body, declared)):
        return _clean(text.encode()), None
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return _other(body, declared)
    return _clean(body), None


def _other(body: bytes, declared: list[str]) -> tuple[bytes, str | None]:
    text = _decoded(body, [name for name in declared if not name.startswith("utf-8")])
    if text is not None:
        return _clean(text.encode()), None
    said = declared[0] if declared else "nothing"
    problem = f"The text is not in the charset that it declares ({said}); stray bytes were read as Windows-1252"
    return _clean(body.decode("utf-8", "surrogateescape").translate(_STRAY).encode()), problem


def _declared(body: bytes, content_type: str | None) -> list[str]:
    """Names by the header and by the XML declaration, in that order, lower case."""
    header = _HEADER.search(content_type or "")
    inside = _DECLARED.search(body[:1024])
    names = [header[1].lower()] if header else []
    return names + ([inside[1].decode("ascii", "replace").lower()] if inside else [])


def _decoded(body: bytes, names: list[str]) -> str | None:
    for name in names:
        if _NO_CHARSET.match(name):
            continue
        try:
            return body.decode(_WIDER.get(name, name))
        except (UnicodeError, LookupError):
            continue
    return None


def _clean(body: bytes) -> bytes:
    """XML 1.0 section 2.2 forbids these characters, and a parser stops at the first."""
    body = body.translate(None, _CONTROLS).lstrip()
    return body.replace(b"\xef\xbf\xbe", b"").replace(b"\xef\xbf\xbf", b"") if b"\xef\xbf" in body else body
