from __future__ import annotations

import pytest
from hpack import Decoder, Encoder
from hypothesis import given
from hypothesis import strategies as st

from notifier.alerts.alert import Urgency
from notifier.push.http2.frames import ProtocolError, StreamError
from notifier.push.http2.header_block import HeaderReader, HeaderWriter
from notifier.push.request import PushHeaders

FIRST = PushHeaders(60, Urgency.HIGH, "story-1", "vapid t=abc,k=def")
SECOND = PushHeaders(7200, Urgency.NORMAL, None, "vapid t=" + "x" * 300 + ",k=def")
HUGE = PushHeaders(60, Urgency.HIGH, None, "vapid t=" + "x" * 5000)


def expected(headers: PushHeaders, path: str, length: int) -> list[tuple[str, str]]:
    start = [(":method", "POST"), (":scheme", "https"), (":authority", "push.example.org"), (":path", path)]
    return [*start, *headers.lines(), ("content-length", str(length))]


def decoded(decoder: Decoder, block: bytes) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in decoder.decode(block)]


@given(
    messages=st.lists(
        st.tuples(
            st.sampled_from([FIRST, SECOND, HUGE]),
            st.text("abc/?=%-", max_size=300),
            st.integers(1, 4096),
            st.sampled_from([None, None, None, 0, 100, 1000, 4096, 65536]),
        ),
        max_size=20,
    )
)
def test_a_service_reads_what_was_written_whatever_table_it_allows(
    messages: list[tuple[PushHeaders, str, int, int | None]],
) -> None:
    writer, decoder = HeaderWriter("https://push.example.org".partition("://")[2]), Decoder()
    decoder.max_header_list_size = 1 << 20
    for headers, path, length, table in messages:
        if table is not None:
            writer.resize_table(table)
            decoder.max_allowed_table_size = table
        block = writer.block(headers, "/" + path, length)
        assert decoded(decoder, block) == expected(headers, "/" + path, length)


def test_further_messages_of_an_alert_spell_out_only_path_and_length() -> None:
    writer = HeaderWriter("push.example.org")
    first, second = (len(writer.block(SECOND, "/abc", 400)) for _ in range(2))
    assert first > 400
    assert second < 25


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 400, 404, 410, 429, 500, 503])
@pytest.mark.parametrize("huffman", [True, False])
@pytest.mark.parametrize("table_is_gone", [True, False])
def test_a_status_is_read_in_every_form(status: int, huffman: bool, table_is_gone: bool) -> None:
    reader, encoder = HeaderReader(), Encoder()
    if table_is_gone:
        encoder.header_table_size = 0
        reader.table_is_gone()
    for _ in range(3):
        fields = [(":status", str(status)), ("retry-after", "17"), ("date", "Fri, 01 May 2026 12:00:00 GMT")]
        found = reader.status(encoder.encode(fields, huffman=huffman))
        assert found == (status, "17") or (found == (status, None) and status < 300)


def test_trailers_have_no_status() -> None:
    assert HeaderReader().status(Encoder().encode([("x-checked", "yes")])) == (0, None)


@given(st.binary(max_size=60))
def test_no_block_breaks_the_reader(block: bytes) -> None:
    for table_is_gone in (False, True):
        reader = HeaderReader()
        if table_is_gone:
            reader.table_is_gone()
        try:
            status, _ = reader.status(block)
        except (ProtocolError, StreamError):
            continue
        assert isinstance(status, int)
