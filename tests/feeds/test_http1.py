"""HTTP/1.1 on paper: a response is the same in whatever pieces it comes, and ends where it says."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.feeds.http1 import BadResponse, Response, ResponseReader, TooMuch, request_bytes, target_of

LIMIT = 1000
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 5\r\n\r\n<rss>"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;ext=1\r\n<r\r\n003\r\nss>\r\n0\r\nX-Sum: 1\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + PLAIN


def read(*pieces: bytes, ends: bool = False, wants_body: bool = True) -> tuple[Response | None, bool]:
    """The response, and whether the connection may be used again."""
    reader = ResponseReader(wants_body, LIMIT)
    answer = None
    for piece in pieces:
        answer = reader.feed(piece)
        if answer is not None:
            break
    if answer is None and ends:
        answer = reader.end()
    return answer, reader.reusable


def body_of(*pieces: bytes, ends: bool = False) -> bytes | None:
    answer, _ = read(*pieces, ends=ends)
    assert answer is not None
    return answer.body


@settings(deadline=None)
@given(st.sampled_from([PLAIN, CHUNKED, INTERIM]), st.lists(st.integers(0, 200)))
def test_the_same_answer_comes_of_any_pieces(whole: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    pieces = [whole[a:b] for a, b in pairwise(places)]
    assert read(*pieces) == read(whole)
    assert body_of(*pieces) == b"<rss>"


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_whatever_make_it_raise_anything_else(rubbish: bytes) -> None:
    for start in (b"", b"HTTP/1.1 200 OK\r\n", CHUNKED[:48]):
        reader = ResponseReader(True, LIMIT)
        try:
            answer = reader.feed(start + rubbish) or reader.end()
        except (BadResponse, TooMuch):
            continue
        assert answer.body is None or len(answer.body) <= LIMIT


@pytest.mark.parametrize("whole", [PLAIN, CHUNKED])
def test_an_answer_that_is_cut_short_is_no_answer(whole: bytes) -> None:
    for size in range(1, len(whole)):
        with pytest.raises(BadResponse):
            read(whole[:size], ends=True)


def test_without_a_length_the_body_is_all_that_comes() -> None:
    answer, reusable = read(b"HTTP/1.1 200 OK\r\n\r\n<r", b"ss>", ends=True)
    assert answer == Response(200, {}, b"<rss>")
    assert not reusable


@pytest.mark.parametrize(
    ("whole", "reusable"),
    [
        (PLAIN, True),
        (CHUNKED, True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n", True),
        (b"HTTP/1.1 304 Not Modified\r\nConnection: Keep-Alive, Close\r\n\r\n", False),
        (b"HTTP/1.0 304 Not Modified\r\n\r\n", False),
        (b"HTTP/1.0 304 Not Modified\r\nConnection: keep-alive\r\n\r\n", True),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno!", True),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nn", False),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", False),
        (PLAIN + b"more", False),
        (CHUNKED + b"HTTP/1.1 200 OK\r\n\r\n", False),
    ],
)
def test_a_connection_is_used_again_only_where_the_answer_surely_ended(whole: bytes, reusable: bool) -> None:
    answer, again = read(whole)
    assert answer is not None
    assert again is reusable


def test_only_the_body_of_a_feed_is_waited_for() -> None:
    moved = b"HTTP/1.1 301 Moved\r\nLocation: /b\r\nContent-Length: 9999999\r\n\r\n"
    assert read(moved)[0] == Response(301, {"location": "/b", "content-length": "9999999"})
    assert read(PLAIN[:-5], wants_body=False)[0] is not None


def test_careless_servers_are_understood() -> None:
    careless = b"HTTP/1.0 200\nETag : a\x00b\nX: 1\n  2\nrubbish\nETag: second\nLink: <a>\nlink: <b>\nY: \xe9\n\n"
    answer, _ = read(careless, ends=True)
    assert answer is not None
    assert answer.headers == {"etag": "a b", "x": "1 2", "link": "<a>, <b>", "y": "é"}


@pytest.mark.parametrize(
    "whole",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"220 mail.example ESMTP",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n<rss>",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n<rss>\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 5000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
    ],
)
def test_what_is_not_proper_http_is_told_at_once(whole: bytes) -> None:
    with pytest.raises(BadResponse):
        read(whole)


def test_several_equal_lengths_are_one() -> None:
    assert body_of(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n<rss>") == b"<rss>"


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n" + b"x" * 1001,
    ],
)
def test_a_body_beyond_the_limit_ends_when_that_is_known(start: bytes) -> None:
    with pytest.raises(TooMuch):
        read(start)


@pytest.mark.parametrize(
    ("url", "host", "first_lines"),
    [
        ("http://a.example", "a.example", "GET / HTTP/1.1\r\nHost: a.example\r\n"),
        ("HTTPS://A.example:443/x y?q=ü#part", "a.example", "GET /x%20y?q=%C3%BC HTTP/1.1\r\nHost: a.example\r\n"),
        ("http://bücher.example:8080/", "xn--bcher-kva.example", "Host: xn--bcher-kva.example:8080\r\n"),
        ("http://[::1]:80/a", "::1", "Host: [::1]\r\n"),
        ("http://me:p%40ss@a.example/", "a.example", "Authorization: Basic bWU6cEBzcw==\r\n"),
        ("http://a.example/%2e%2e/%41?a=b+c", "a.example", "GET "),
    ],
)
def test_a_url_becomes_an_origin_and_a_request(url: str, host: str, first_lines: str) -> None:
    target = target_of(url)
    assert target.host == host
    assert first_lines in request_bytes("GET", target, {"Accept": "*/*"}).decode()


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nX: y", "a\rb"])
def test_no_header_value_can_become_another_header(value: str) -> None:
    with pytest.raises(ValueError, match="more than one line"):
        request_bytes("GET", target_of("http://a.example/"), {"If-None-Match": value})


def test_a_body_is_sent_with_its_length() -> None:
    assert request_bytes("POST", target_of("http://a.example/"), {}, b"a=b").endswith(b"Content-Length: 3\r\n\r\na=b")
