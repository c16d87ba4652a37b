from __future__ import annotations

from collections.abc import Iterator

import pytest
from hpack import Encoder
from hypothesis import given
from hypothesis import strategies as st

from notifier.alerts.alert import Urgency
from notifier.push.http2 import frames
from notifier.push.http2.connection import Http2Connection
from notifier.push.http2.frames import FRAME_HEADER, ProtocolError, frame, settings
from notifier.push.request import PushRequest, build
from notifier.push.transport import STREAMS, PushResponse

ORIGIN = "https://push.example.org"


def request(number: int = 0, size: int = 100) -> PushRequest:
    return build(
        f"{ORIGIN}/{number}", b"x" * size, ttl_s=60, urgency=Urgency.HIGH, tag="t", authorization="vapid t=a,k=b"
    )


def sent(connection: Http2Connection) -> Iterator[tuple[int, int, int, bytes]]:
    """(kind, flags, stream, payload) of each frame that is waiting to go out; empties the connection's list."""
    data = b"".join(connection.outgoing).removeprefix(frames.PREFACE)
    connection.outgoing.clear()
    while data:
        high, low, kind, flags, stream = FRAME_HEADER.unpack_from(data)
        end = 9 + (high << 8 | low)
        yield kind, flags, stream, data[9:end]
        data = data[end:]


def bodies(connection: Http2Connection) -> list[tuple[int, int, bool]]:
    """(stream, bytes, is the last) of each DATA frame that is waiting to go out."""
    return [
        (stream, len(payload), bool(flags & frames.END_STREAM))
        for kind, flags, stream, payload in sent(connection)
        if kind == frames.DATA
    ]


def block(*fields: tuple[str, str]) -> bytes:
    return Encoder().encode(list(fields))


def answer(stream: int, status: int, *fields: tuple[str, str], flags: int = frames.END_STREAM) -> bytes:
    return frame(frames.HEADERS, frames.END_HEADERS | flags, stream, block((":status", str(status)), *fields))


def ready(*values: tuple[int, int], requests: int = 0, size: int = 100) -> Http2Connection:
    """A connection that has the service's SETTINGS and `requests` open requests."""
    connection = Http2Connection(ORIGIN)
    connection.feed(settings(*values), 0.0)
    list(sent(connection))
    connection.submit([(index, request(index, size)) for index in range(requests)], 10.0)
    return connection


def test_nothing_may_be_sent_before_the_service_said_what_it_allows() -> None:
    connection = Http2Connection(ORIGIN)
    assert connection.room == 0
    connection.feed(settings((frames.MAX_CONCURRENT_STREAMS, 7)), 0.0)
    assert connection.room == 7


def test_a_service_that_names_no_limit_gets_a_hundred_at_a_time() -> None:
    assert ready().room == STREAMS


def test_requests_take_odd_streams_and_give_them_back_when_answered() -> None:
    connection = ready((frames.MAX_CONCURRENT_STREAMS, 2), requests=2)
    assert [stream for stream, *_ in bodies(connection)] == [1, 3]
    assert connection.room == 0
    connection.feed(answer(3, 201) + answer(1, 410), 10.5)
    assert connection.answers == [(1, PushResponse(201, elapsed_s=0.5)), (0, PushResponse(410, elapsed_s=0.5))]
    assert (connection.room, connection.open_streams) == (2, 0)


def test_an_answer_counts_at_once_and_its_stream_until_its_text_has_come() -> None:
    connection = ready((frames.MAX_CONCURRENT_STREAMS, 1), requests=1)
    connection.feed(answer(1, 429, ("retry-after", "9"), flags=0), 10.0)
    assert connection.answers == [(0, PushResponse(429, retry_after="9"))]
    assert connection.room == 0
    connection.feed(frame(frames.DATA, frames.END_STREAM, 1, b"slow down"), 11.0)
    assert connection.room == 1


def test_a_text_without_end_is_cut_off() -> None:
    connection = ready((frames.MAX_CONCURRENT_STREAMS, 1), requests=1)
    list(sent(connection))
    connection.feed(answer(1, 400, flags=0) + frame(frames.DATA, 0, 1, bytes(10_000)) * 2, 10.0)
    assert (frames.RST_STREAM, 0, 1, frames.CANCEL.to_bytes(4, "big")) in list(sent(connection))
    assert connection.room == 1


def test_interim_answers_and_trailers_are_no_answers() -> None:
    connection = ready(requests=1)
    connection.feed(answer(1, 103, flags=0) + answer(1, 201, flags=0), 10.0)
    connection.feed(frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 1, block(("x-sum", "1"))), 10.0)
    assert connection.answers == [(0, PushResponse(201))]


@given(cuts=st.lists(st.integers(1, 120), max_size=12))
def test_bytes_may_come_in_any_pieces(cuts: list[int]) -> None:
    connection = ready(requests=3)
    head = block((":status", "201"), ("location", "https://push.example.org/m/1"))
    data = frame(frames.HEADERS, frames.END_STREAM, 1, head[:2]) + frame(frames.CONTINUATION, 0, 1, head[2:9])
    data += frame(frames.CONTINUATION, frames.END_HEADERS, 1, head[9:]) + answer(5, 404)
    padded = b"\x03" + bytes(5) + block((":status", "503")) + bytes(3)
    flags = frames.END_HEADERS | frames.END_STREAM | frames.PADDED | frames.PRIORITY
    data += frame(frames.HEADERS, flags, 3, padded) + frame(0xFA, 0, 9, b"a kind that nobody knows")
    for cut in cuts:
        connection.feed(data[:cut], 10.0)
        data = data[cut:]
    connection.feed(data, 10.0)
    assert connection.answers == [(0, PushResponse(201)), (2, PushResponse(404)), (1, PushResponse(503))]


def test_the_room_that_answers_texts_took_is_given_back_when_half_of_it_is_used() -> None:
    connection = ready(requests=1)
    connection.feed(answer(1, 201, flags=0), 1.0)
    for _ in range(33):
        connection.feed(frame(frames.DATA, 0, 1, bytes(1 << 14)), 1.0)
    given = [payload for kind, _, stream, payload in sent(connection) if (kind, stream) == (frames.WINDOW_UPDATE, 0)]
    assert given == [(33 << 14).to_bytes(4, "big")]


def test_bodies_wait_for_room_in_both_windows() -> None:
    connection = ready((frames.INITIAL_WINDOW_SIZE, 60), requests=2)
    assert bodies(connection) == [(1, 60, False), (3, 60, False)]
    connection.feed(frame(frames.WINDOW_UPDATE, 0, 3, (15).to_bytes(4, "big")), 10.0)
    assert bodies(connection) == [(3, 15, False)]
    connection.feed(settings((frames.INITIAL_WINDOW_SIZE, 100)), 10.0)
    assert bodies(connection) == [(1, 40, True), (3, 25, True)]


def test_a_window_that_shrinks_below_nothing_holds_until_it_has_grown_again() -> None:
    connection = ready((frames.INITIAL_WINDOW_SIZE, 60), requests=1)
    assert bodies(connection) == [(1, 60, False)]
    connection.feed(settings((frames.INITIAL_WINDOW_SIZE, 10)), 10.0)
    connection.feed(frame(frames.WINDOW_UPDATE, 0, 1, (50).to_bytes(4, "big")), 10.0)
    assert bodies(connection) == []
    connection.feed(frame(frames.WINDOW_UPDATE, 0, 1, (40).to_bytes(4, "big")), 10.0)
    assert bodies(connection) == [(1, 40, True)]


def test_the_connections_own_window_bounds_all_streams_together() -> None:
    connection = ready(requests=17, size=4000)
    assert sum(size for _, size, _ in bodies(connection)) == frames.DEFAULT_WINDOW
    connection.feed(frame(frames.WINDOW_UPDATE, 0, 0, (10_000).to_bytes(4, "big")), 10.0)
    assert bodies(connection) == [(33, 17 * 4000 - frames.DEFAULT_WINDOW, True)]


def test_a_goodbye_gives_back_what_was_not_looked_at_and_waits_for_the_rest() -> None:
    connection = ready(requests=4)
    connection.feed(frame(frames.GOAWAY, 0, 0, (3).to_bytes(4, "big") + bytes(4)), 10.0)
    assert connection.unprocessed == [2, 3]
    assert (connection.room, connection.is_leaving, connection.open_streams) == (0, True, 2)
    connection.feed(answer(1, 201) + answer(3, 201), 10.0)
    assert [index for index, _ in connection.answers] == [0, 1]


def test_a_refused_stream_is_told_apart_from_a_reset_one() -> None:
    connection = ready(requests=2)
    connection.feed(frame(frames.RST_STREAM, 0, 1, frames.REFUSED_STREAM.to_bytes(4, "big")), 10.0)
    connection.feed(frame(frames.RST_STREAM, 0, 3, (2).to_bytes(4, "big")), 10.0)
    assert connection.refused == [0]
    assert connection.answers == [(1, PushResponse(error="reset"))]


def test_settings_and_pings_are_acknowledged() -> None:
    connection = ready()
    connection.feed(settings() + frame(frames.PING, 0, 0, b"12345678") + frame(frames.PING, frames.ACK, 0, bytes(8)), 0)
    assert list(sent(connection)) == [
        (frames.SETTINGS, frames.ACK, 0, b""),
        (frames.PING, frames.ACK, 0, b"12345678"),
    ]


def test_giving_up_answers_everybody_and_tells_the_service() -> None:
    connection = ready(requests=2)
    list(sent(connection))
    connection.give_up("timeout", 13.0)
    assert connection.answers == [
        (0, PushResponse(error="timeout", elapsed_s=3.0)),
        (1, PushResponse(error="timeout", elapsed_s=3.0)),
    ]
    assert [(kind, stream) for kind, _, stream, _ in sent(connection)] == [
        (frames.RST_STREAM, 1),
        (frames.RST_STREAM, 3),
    ]
    connection.feed(answer(1, 201), 14.0)
    assert len(connection.answers) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        frame(frames.PUSH_PROMISE, 0, 1, bytes(8)),
        frame(frames.CONTINUATION, 0, 1, b"\x88"),
        frame(frames.HEADERS, 0, 1, b"\x88") + frame(frames.PING, 0, 0, bytes(8)),
        frame(frames.HEADERS, frames.END_HEADERS, 1, b"\xff\xff\xff\xff\xff"),
        frame(frames.HEADERS, frames.END_HEADERS | frames.PADDED, 1, b"\x09\x88"),
        frame(frames.SETTINGS, 0, 0, bytes(5)),
        frame(frames.GOAWAY, 0, 0, b""),
        frame(frames.HEADERS, 0, 1, bytes(16_000)) + frame(frames.CONTINUATION, 0, 1, bytes(16_000)) * 5,
    ],
)
def test_a_service_that_breaks_the_rules_is_not_listened_to(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        ready(requests=1).feed(data, 10.0)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_connection_in_another_way(data: bytes) -> None:
    connection = ready(requests=3)
    try:
        connection.feed(data, 10.0)
    except ProtocolError:
        return
    assert connection.open_streams <= 3
