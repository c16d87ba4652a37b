from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.charset import to_utf8

WORDS = "<rss>Città: “über” 1–2 €</rss>"


def declared(name: str, words: str = WORDS) -> str:
    return f'<?xml version="1.0" encoding="{name}"?>{words}'


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (declared("utf-8").encode(), None),
        (WORDS.encode(), None),
        (WORDS.encode(), "text/xml"),
        (codecs.BOM_UTF8 + WORDS.encode(), "text/xml; charset=iso-8859-1"),
        (declared("iso-8859-1").encode(), "text/xml; charset=iso-8859-1"),  # both lie
        (declared("windows-1252").encode("cp1252"), None),
        (declared("iso-8859-1").encode("cp1252"), None),  # quotation marks that Latin-1 does not have
        (declared("utf-8").encode("cp1252"), "text/xml; charset=utf-8"),
        (WORDS.encode("cp1252"), 'text/xml; charset="windows-1252"'),
        (WORDS.encode("cp1252"), "text/xml; charset=no-such-charset"),
        (declared("utf-16").encode("utf-16"), None),
        (declared("utf-16").encode("utf-16-le"), None),
        (declared("utf-16").encode("utf-16-be"), "text/xml; charset=utf-8"),
        (declared("utf-32").encode("utf-32"), None),
        (declared("utf-32").encode("utf-32-be"), None),
        (declared("utf-8").encode("utf-16"), None),
    ],
)
def test_the_text_is_the_same_however_it_was_encoded(body: bytes, content_type: str | None) -> None:
    document, _ = to_utf8(body, content_type)
    assert document.decode().endswith(WORDS)


@pytest.mark.parametrize(
    ("charset", "words"),
    [
        ("windows-1251", "Выборы"),
        ("koi8-r", "Выборы"),
        ("shift_jis", "選挙速報"),
        ("euc-jp", "選挙速報"),
        ("iso-2022-jp", "選挙速報"),
        ("gb2312", "选举快讯"),
        ("big5", "選舉快訊"),
        ("euc-kr", "선거 속보"),
        ("iso-8859-9", "İstanbul'da seçim"),
        ("windows-1256", "انتخابات"),
    ],
)
def test_a_declared_charset_that_fits_is_believed(charset: str, words: str) -> None:
    document, problem = to_utf8(declared(charset, words).encode(charset), None)
    assert document.decode().endswith(words)
    assert problem is None


def test_one_stray_byte_does_not_spoil_the_rest() -> None:
    document, problem = to_utf8("<rss>Città".encode() + b" \x93quoted\x94 </rss>", "text/xml; charset=utf-8")
    assert document.decode() == "<rss>Città “quoted” </rss>"
    assert problem is not None
    assert "utf-8" in problem


def test_characters_that_xml_forbids_are_dropped() -> None:
    document, _ = to_utf8(b"\x00 \n<rss>a\x00b\x08c\x1f\td\xef\xbf\xbe</rss>", None)
    assert document == b"<rss>abc\td</rss>"


@pytest.mark.parametrize("name", ["rot13", "hex", "idna", "unicode_escape", "undefined", "../x", "utf-7"])
def test_a_name_that_is_no_charset_of_feeds_does_no_harm(name: str) -> None:
    document, _ = to_utf8(declared(name).encode(), f"text/xml; charset={name}")
    assert document.decode().endswith(WORDS)


@given(st.binary(max_size=300), st.text(max_size=40) | st.none())
def test_any_bytes_become_valid_utf_8_without_control_characters(body: bytes, content_type: str | None) -> None:
    document, _ = to_utf8(body, content_type)
    assert not set(document.decode()) & set(map(chr, [*range(9), 11, 12, *range(14, 32), 127]))


@pytest.mark.parametrize(
    "name", ["idna", "punycode", "unicode_escape", "Raw-Unicode-Escape", "undefined", "zlib", "x\x00"]
)
def test_what_python_knows_and_no_publisher_means_is_not_believed(name: str) -> None:
    text, problem = to_utf8(b"<a>a\xe9-b</a>", f"text/xml; charset={name}")
    assert text == "<a>aé-b</a>".encode()
    assert problem is not None
