"""RFC 9113 and 7541 to the letter where an answer can end a subscription.

What breaks the rules of a connection ends it, what breaks those of one answer costs that one, and a status counts only
where a whole, well-formed head on the very stream said so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hpack import Decoder, Encoder, HPACKError
from hypothesis import given
from hypothesis import strategies as st

from notifier.push.http2 import frames
from notifier.push.http2.connection import LINGER_S, STALLED_S, Http2Connection
from notifier.push.http2.frames import ProtocolError, frame, settings
from notifier.push.transport import PushResponse
from tests.push.http2.test_connection import ORIGIN, answer, ready, request, sent

WHOLE = frames.END_HEADERS | frames.END_STREAM
ACKNOWLEDGED = frame(frames.SETTINGS, frames.ACK, 0)
PROTOCOL = PushResponse(error="protocol")


def head(stream: int, *fields: tuple[str, str], flags: int = WHOLE) -> bytes:
    encoder = Encoder()
    encoder.header_table_size = 0
    return frame(frames.HEADERS, flags, stream, encoder.encode(list(fields)))


def setting(key: int, value: int) -> bytes:
    return frame(frames.SETTINGS, 0, 0, key.to_bytes(2, "big") + value.to_bytes(4, "big"))


def grow(stream: int, size: int) -> bytes:
    return frame(frames.WINDOW_UPDATE, 0, stream, size.to_bytes(4, "big"))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (head(0, (":status", "410")), frames.PROTOCOL_ERROR),
        (head(2, (":status", "410")), frames.PROTOCOL_ERROR),
        (head(99, (":status", "410")), frames.PROTOCOL_ERROR),
        (frame(frames.DATA, 0, 0, b"x"), frames.PROTOCOL_ERROR),
        (frame(frames.DATA, 0, 99, b"x"), frames.PROTOCOL_ERROR),
        (frame(frames.DATA, frames.PADDED, 1, b""), frames.PROTOCOL_ERROR),
        (frame(frames.DATA, frames.PADDED, 1, b"\x05abcd"), frames.PROTOCOL_ERROR),
        (frame(frames.HEADERS, WHOLE | frames.PADDED, 1, b"\x02\x8d"), frames.PROTOCOL_ERROR),
        (frame(frames.HEADERS, WHOLE | frames.PRIORITY, 1, b"\x8d"), frames.PROTOCOL_ERROR),
        (frame(frames.RST_STREAM, 0, 0, bytes(4)), frames.PROTOCOL_ERROR),
        (frame(frames.RST_STREAM, 0, 99, bytes(4)), frames.PROTOCOL_ERROR),
        (frame(frames.RST_STREAM, 0, 1, bytes(5)), frames.FRAME_SIZE_ERROR),
        (frame(frames.SETTINGS, 0, 1), frames.PROTOCOL_ERROR),
        (frame(frames.SETTINGS, 0, 0, bytes(7)), frames.FRAME_SIZE_ERROR),
        (frame(frames.SETTINGS, frames.ACK, 0, bytes(6)), frames.FRAME_SIZE_ERROR),
        (setting(frames.INITIAL_WINDOW_SIZE, 1 << 31), frames.FLOW_CONTROL_ERROR),
        (setting(frames.INITIAL_WINDOW_SIZE, 0xFFFF_FFFF), frames.FLOW_CONTROL_ERROR),
        (setting(frames.MAX_FRAME_SIZE, 16_383), frames.PROTOCOL_ERROR),
        (setting(frames.MAX_FRAME_SIZE, 1 << 24), frames.PROTOCOL_ERROR),
        (setting(frames.ENABLE_PUSH, 1), frames.PROTOCOL_ERROR),
        (setting(frames.ENABLE_PUSH, 2), frames.PROTOCOL_ERROR),
        (grow(0, 0), frames.PROTOCOL_ERROR),
        (grow(0, frames.LARGEST_WINDOW), frames.FLOW_CONTROL_ERROR),
        (grow(99, 1), frames.PROTOCOL_ERROR),
        (frame(frames.WINDOW_UPDATE, 0, 0, bytes(3)), frames.FRAME_SIZE_ERROR),
        (frame(frames.PING, 0, 0, bytes(7)), frames.FRAME_SIZE_ERROR),
        (frame(frames.PING, 0, 1, bytes(8)), frames.PROTOCOL_ERROR),
        (frame(frames.GOAWAY, 0, 1, bytes(8)), frames.PROTOCOL_ERROR),
        (frame(frames.GOAWAY, 0, 0, bytes(7)), frames.FRAME_SIZE_ERROR),
        (frame(frames.PRIORITY_FRAME, 0, 0, bytes(5)), frames.PROTOCOL_ERROR),
        (frame(frames.PUSH_PROMISE, frames.END_HEADERS, 1, bytes(4) + b"\x8d"), frames.PROTOCOL_ERROR),
        (frame(frames.PUSH_PROMISE, frames.END_HEADERS, 0, bytes(4) + b"\x8d"), frames.PROTOCOL_ERROR),
        (frame(frames.CONTINUATION, frames.END_HEADERS, 1, b"\x8d"), frames.PROTOCOL_ERROR),
        (frame(frames.HEADERS, 0, 1, b"\x8d") + frame(frames.CONTINUATION, 4, 3), frames.PROTOCOL_ERROR),
        (frame(frames.HEADERS, 0, 1, b"\x8d") + head(3, (":status", "410")), frames.PROTOCOL_ERROR),
        (frame(frames.HEADERS, 0, 1, b"\x8d") + frame(0xFA, 0, 1), frames.PROTOCOL_ERROR),
        (frame(frames.HEADERS, 0, 1) + frame(frames.CONTINUATION, 0, 1) * 500, frames.ENHANCE_YOUR_CALM),
        (frame(frames.HEADERS, WHOLE, 1, b"\xbe"), frames.COMPRESSION_ERROR),
        (frame(frames.HEADERS, WHOLE, 1, b"\x80"), frames.COMPRESSION_ERROR),
        (frame(frames.HEADERS, WHOLE, 1, b"\x8d\x20"), frames.COMPRESSION_ERROR),
        (frame(frames.HEADERS, WHOLE, 1, b"\x3f\xff\xff\x03\x8d"), frames.COMPRESSION_ERROR),
        (b"\x00\x40\x01" + bytes([frames.HEADERS, WHOLE]) + (1).to_bytes(4, "big") + bytes(9), frames.FRAME_SIZE_ERROR),
    ],
)
def test_what_breaks_the_rules_of_a_connection_ends_it_and_nobody_is_gone(data: bytes, code: int) -> None:
    connection = ready(requests=3)
    with pytest.raises(ProtocolError) as broken:
        connection.feed(data, 10.0)
    assert broken.value.code == code
    assert connection.answers == []


@pytest.mark.parametrize("first", [answer(1, 410), frame(frames.PING, 0, 0, bytes(8)), ACKNOWLEDGED, grow(0, 1)])
def test_a_service_begins_with_its_settings(first: bytes) -> None:
    with pytest.raises(ProtocolError):
        Http2Connection(ORIGIN).feed(first, 0.0)


@pytest.mark.parametrize(
    "data",
    [
        *[head(1, (":status", text)) for text in ("４１０", "٤١٠", "4_1_0", " 410", "410 ", "+410", "0410", "4100")],
        *[head(1, (":status", text)) for text in ("41", "", "099", "600", "999", "0x19a", "4e2", "410.0", "-410")],
        head(1, (":status", "410"), (":status", "410")),
        head(1, (":status", "404"), (":status", "201")),
        head(1, ("x-a", "b"), (":status", "410")),
        head(1, (":status", "410"), (":path", "/")),
        head(1, (":status", "410"), (":unheard", "of")),
        head(1, (":status", "410"), ("Upper-Case", "b")),
        head(1, (":status", "410"), ("a b", "c")),
        head(1, (":status", "410"), ("", "c")),
        head(1, (":status", "410"), ("x-a", "b\r\nc: d")),
        head(1, (":status", "410"), ("x-a", "b\0")),
        head(1, (":status", "410"), ("x-a", " b")),
        head(1, (":status", "410"), ("connection", "close")),
        head(1, (":status", "410"), ("transfer-encoding", "chunked")),
        head(1, ("x-a", "b")),
        head(1, (":path", "/")),
        head(1, (":status", "103")),
        head(1, (":status", "101"), flags=frames.END_HEADERS),
        head(1, flags=frames.END_HEADERS),
        head(1, (":status", "103"), flags=frames.END_HEADERS) * 100,
        frame(frames.DATA, 0, 1, b"gone"),
        frame(frames.DATA, frames.END_STREAM, 1, b"gone"),
        head(1, (":status", "103"), flags=frames.END_HEADERS) + frame(frames.DATA, frames.END_STREAM, 1, b"gone"),
        grow(1, 0),
        frame(frames.PRIORITY_FRAME, 0, 1, bytes(4)),
    ],
)
@pytest.mark.parametrize("table_is_gone", [True, False])
def test_what_breaks_the_rules_of_one_answer_costs_that_one(data: bytes, table_is_gone: bool) -> None:
    connection = ready(requests=2)
    list(sent(connection))
    connection.feed(ACKNOWLEDGED * table_is_gone + data, 10.0)
    assert connection.answers == [(0, PROTOCOL)]
    assert (frames.RST_STREAM, 0, 1, frames.PROTOCOL_ERROR.to_bytes(4, "big")) in list(sent(connection))
    connection.feed(answer(1, 410) + answer(3, 201), 10.0)
    assert connection.answers == [(0, PROTOCOL), (1, PushResponse(201))]
    assert connection.open_streams == 0


def test_a_stream_whose_window_grows_beyond_all_bounds_costs_itself() -> None:
    connection = ready((frames.INITIAL_WINDOW_SIZE, 10), requests=2)
    connection.feed(grow(1, frames.LARGEST_WINDOW) + grow(1, 10) + answer(3, 201), 10.0)
    assert connection.answers == [(1, PushResponse(201))]  # the first body was sent to its end by then
    connection = ready((frames.INITIAL_WINDOW_SIZE, 1), requests=17, size=4000)
    connection.feed(grow(0, 1), 10.0)
    connection.feed(grow(1, 1) + setting(frames.INITIAL_WINDOW_SIZE, 0), 10.0)
    with pytest.raises(ProtocolError):
        connection.feed(grow(0, frames.LARGEST_WINDOW), 10.0)


def test_a_header_list_that_is_too_long_costs_one_answer_once_blocks_stand_alone() -> None:
    large = b"\x8d" + b"".join(b"\x00\x03x-a\x64" + b"y" * 100 for _ in range(1500))
    pieces = [large[at : at + 16_000] for at in range(0, len(large), 16_000)]
    data = frame(frames.HEADERS, frames.END_STREAM, 1, pieces[0])
    data += b"".join(frame(frames.CONTINUATION, 0, 1, piece) for piece in pieces[1:])
    data += frame(frames.CONTINUATION, frames.END_HEADERS, 1)
    connection = ready(requests=2)
    connection.feed(ACKNOWLEDGED + data + answer(3, 201), 10.0)
    assert connection.answers == [(0, PROTOCOL), (1, PushResponse(201))]
    with pytest.raises(ProtocolError):
        ready(requests=2).feed(data, 10.0)


def test_a_list_that_grows_large_by_its_coding_is_refused_too() -> None:
    bomb = b"\x40\x01a\x64" + b"y" * 100 + b"\xbe" * 2000
    with pytest.raises(ProtocolError):
        ready(requests=1).feed(frame(frames.HEADERS, WHOLE, 1, b"\x8d" + bomb), 10.0)


@pytest.mark.parametrize("status", [201, 404, 410])
def test_a_service_that_ignores_our_table_of_no_bytes_makes_nobody_read_anothers_status(status: int) -> None:
    """What it adds beside an acceptance that we know by its first bytes we have not read: nothing may name it later."""
    connection, encoder = ready(requests=40), Encoder()
    connection.feed(ACKNOWLEDGED, 10.0)
    meant = [201, 410, 404, 201, status]
    with pytest.raises(ProtocolError) as broken:  # noqa: PT012 (at whichever of them)
        for place in range(40):
            code = str(meant[place % 5])
            fields = [(":status", code), ("x-status", code), ("x-place", str(place))]
            connection.feed(frame(frames.HEADERS, WHOLE, 2 * place + 1, encoder.encode(fields)), 10.0)
    assert broken.value.code == frames.COMPRESSION_ERROR
    assert all(answered.status == meant[index % 5] for index, answered in connection.answers)


@pytest.mark.parametrize(
    "flood",
    [
        frame(frames.PING, 0, 0, bytes(8)),
        frame(frames.PING, frames.ACK, 0, bytes(8)),
        settings((frames.MAX_CONCURRENT_STREAMS, 100)),
        frame(frames.DATA, 0, 1),
        frame(0xFA, 0, 0),
        frame(frames.RST_STREAM, 0, 1, bytes(4)),
        frame(frames.PRIORITY_FRAME, 0, 1, bytes(5)),
        grow(0, 1),
        grow(1, 1),
        head(1, (":status", "410")),
    ],
)
def test_a_flood_of_frames_that_bring_nothing_ends_the_connection(flood: bytes) -> None:
    connection = ready(requests=1)
    with pytest.raises(ProtocolError) as broken:
        connection.feed(flood * 10_000, 10.0)
    assert broken.value.code in {frames.ENHANCE_YOUR_CALM, frames.FLOW_CONTROL_ERROR}
    assert sum(map(len, connection.outgoing)) < 200_000


def test_pings_for_days_are_no_flood() -> None:
    connection = ready()
    for minute in range(10_000):
        connection.feed(frame(frames.PING, 0, 0, bytes(8)) * 5, 60.0 * minute)


def test_streams_whose_text_never_ends_are_given_back_after_seconds() -> None:
    connection = ready((frames.MAX_CONCURRENT_STREAMS, 3), requests=3)
    connection.feed(b"".join(answer(stream, 503, flags=0) for stream in (1, 3, 5)), 10.0)
    assert connection.room == 0
    connection.expire(10.0 + LINGER_S / 2)
    assert connection.room == 0
    list(sent(connection))
    connection.expire(10.0 + LINGER_S)
    assert connection.room == 3
    assert [kind for kind, *_ in sent(connection)] == [frames.RST_STREAM] * 3
    connection.submit([(9, request(9))], 13.0)
    connection.feed(frame(frames.DATA, 0, 1, b"late") + answer(7, 201), 13.0)
    assert connection.answers[-1] == (9, PushResponse(201))


@pytest.mark.parametrize("begun", [answer(1, 201)[:-1], answer(1, 201)[:5], frame(frames.HEADERS, 0, 1, b"\x8d")])
def test_nothing_more_is_sent_on_a_connection_whose_frame_or_block_does_not_end(begun: bytes) -> None:
    connection = ready(requests=1)
    connection.feed(begun, 10.0)
    connection.expire(10.0 + STALLED_S / 2)
    assert connection.room > 0
    for second in range(20):  # a drop now and then changes nothing
        connection.feed(frame(frames.CONTINUATION, 0, 1, b"\x0f"[:1]) if begun[9:] == b"\x8d" else b"", 11.0 + second)
    assert (connection.room, connection.is_leaving) == (0, True)
    connection.give_up("timeout", 40.0)
    assert [answered.error for _, answered in connection.answers] == ["timeout"]


@dataclass
class Model:
    """What a reader of its own makes of a service's bytes: stream -> the statuses of its well-formed heads."""

    said: dict[int, set[int]] = field(default_factory=dict)
    decoder: Decoder = field(default_factory=Decoder)
    begun: tuple[int, bytes] | None = None

    def read(self, data: bytes) -> None:
        while len(data) >= 9:
            length, kind, flags = int.from_bytes(data[:3], "big"), data[3], data[4]
            stream, payload = int.from_bytes(data[5:9], "big") & 0x7FFF_FFFF, data[9 : 9 + length]
            if len(payload) < length:
                return
            data = data[9 + length :]
            if kind == 4 and flags & 1:
                self.decoder.header_table_size = self.decoder.max_allowed_table_size = 0
            elif kind == 1:
                if flags & 0x8:
                    payload = payload[1 : max(1, length - payload[0])] if payload else b""
                self.begun = stream, payload[5:] if flags & 0x20 else payload
            elif kind == 9 and self.begun is not None:
                self.begun = self.begun[0], self.begun[1] + payload
            if kind in {1, 9} and flags & 0x4 and self.begun is not None:
                self.decode(*self.begun)
                self.begun = None

    def decode(self, stream: int, coded: bytes) -> None:
        try:
            fields = [(bytes(name), bytes(value)) for name, value in self.decoder.decode(coded, raw=True)]
        except HPACKError:
            return
        pseudo = [value for name, value in fields if name[:1] == b":"]
        if len(pseudo) == 1 and fields[0][0] == b":status" and pseudo[0] in {b"404", b"410"}:
            self.said.setdefault(stream, set()).add(int(pseudo[0]))


STATUSES = st.sampled_from(["200", "201", "404", "410", "429", "103", "４１０", "4_1_0", "0410", ""])
STREAMS = st.sampled_from([0, 1, 2, 3, 5, 7, 9, 11])
FIELDS = st.lists(
    st.tuples(st.sampled_from([":status", "x-a", "retry-after", ":path"]), STATUSES), min_size=0, max_size=4
)


@st.composite
def services(draw: st.DrawFn) -> bytes:
    """What a service might send, right or wrong, its blocks by an encoder that may ignore our table of no bytes."""
    encoder, data = Encoder(), b""
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["answer"] * 4 + ["fields", "ack", "data", "raw", "reset", "split", "goaway"]))
        stream = draw(STREAMS)
        if kind == "ack":
            data += ACKNOWLEDGED
            if draw(st.booleans()):
                encoder.header_table_size = 0
        elif kind in {"answer", "fields", "split"}:
            fields = [(":status", draw(STATUSES)), ("x-a", "1")] if kind != "fields" else draw(FIELDS)
            coded = encoder.encode(fields, huffman=draw(st.booleans()))
            flags = draw(st.sampled_from([WHOLE, WHOLE, frames.END_HEADERS, 0]))
            cut = draw(st.integers(0, len(coded))) if kind == "split" else len(coded)
            data += frame(frames.HEADERS, flags if cut == len(coded) else flags & 1, stream, coded[:cut])
            if cut < len(coded):
                data += frame(frames.CONTINUATION, frames.END_HEADERS, stream, coded[cut:])
        elif kind == "data":
            data += frame(frames.DATA, draw(st.integers(0, 255)), stream, draw(st.binary(max_size=5)))
        elif kind == "reset":
            data += frame(frames.RST_STREAM, 0, stream, draw(st.sampled_from([0, 7, 8])).to_bytes(4, "big"))
        elif kind == "goaway":
            data += frame(frames.GOAWAY, 0, 0, stream.to_bytes(4, "big") + bytes(4))
        else:
            data += frame(draw(st.integers(0, 10)), draw(st.integers(0, 255)), stream, draw(st.binary(max_size=12)))
    changes = draw(st.lists(st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255)), max_size=2))
    changed = bytearray(data)
    for place, byte in changes:
        changed[place] = byte
    return bytes(changed)


@given(data=services() | st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=6))
def test_nobody_is_gone_unless_a_well_formed_head_of_that_stream_said_so(data: bytes, cuts: Sequence[int]) -> None:
    connection, model = ready(requests=5), Model()
    try:
        for start, end in pairwise([0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]):
            connection.feed(data[start:end], 10.0)
    except ProtocolError:
        pass
    model.read(data)
    for index, answered in connection.answers:
        if answered.status in {404, 410}:
            assert answered.status in model.said.get(2 * index + 1, ())
    told = [index for index, _ in connection.answers] + connection.unprocessed + connection.refused
    assert len(told) == len(set(told))
    assert len(told) + connection.open_streams == 5


def test_a_connection_that_is_given_up_amid_a_head_takes_nothing_more() -> None:
    connection = ready(requests=1)
    connection.feed(frame(frames.HEADERS, 0, 1, b"\x8d"), 10.0)
    connection.give_up("timeout", 11.0)
    assert (connection.room, connection.is_leaving) == (0, True)
