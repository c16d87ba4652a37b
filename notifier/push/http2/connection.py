"""One HTTP/2 connection without a socket: requests and bytes enter; bytes, answers and what to send again leave."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from notifier.push.http2 import frames
from notifier.push.http2.frames import FRAME_HEADER, ProtocolError, frame
from notifier.push.http2.header_block import HeaderReader, HeaderWriter
from notifier.push.request import PushRequest
from notifier.push.send import STREAMS, Answer, NetworkError

_WHOLE_ANSWER = frames.END_HEADERS | frames.END_STREAM
_LAST_STREAM = 1 << 30
_LONGEST_BLOCK = 1 << 16
_RECEIVE_WINDOW = 1 << 20
_READ_BODY = 1 << 14
"""How much of an answer's text we let come; it is not kept."""


@dataclass(slots=True)
class _Unsent:
    """A body that did not fit into the service's windows yet; `window` is its stream's."""

    body: bytes
    window: int


class Connection:
    """The client's side.

    After `feed`: `answers` holds (index, Answer), `unprocessed` indices that the service left when it said goodbye,
    `refused` those whose single stream it refused; both may be sent again. Whoever reads these lists empties them.
    `outgoing` holds the bytes to send.
    """

    def __init__(self, origin: str) -> None:
        self.answers: list[tuple[int, Answer]] = []
        self.unprocessed: list[int] = []
        self.refused: list[int] = []
        self.outgoing: list[bytes] = [
            frames.PREFACE,
            frames.settings((frames.HEADER_TABLE_SIZE, 0), (frames.ENABLE_PUSH, 0)),
            frame(frames.WINDOW_UPDATE, 0, 0, (_RECEIVE_WINDOW - frames.DEFAULT_WINDOW).to_bytes(4, "big")),
        ]
        self.is_leaving = False
        self._path_at = len(origin)
        self._writer = HeaderWriter(origin.partition("://")[2])
        self._reader = HeaderReader()
        self._is_ready = False
        self._next_stream = 1
        self._max_streams = STREAMS
        self._open: dict[int, tuple[int, float]] = {}
        self._reading: dict[int, int] = {}
        self._unsent: dict[int, _Unsent] = {}
        self._window = self._stream_window = frames.DEFAULT_WINDOW
        self._received = 0
        self._buffer = b""
        self._block: tuple[int, int, bytes] | None = None
        self._last = Answer()

    @property
    def open_streams(self) -> int:
        """Requests without an answer."""
        return len(self._open)

    @property
    def max_streams(self) -> int:
        """What the service allows, or 100 until it says so (RFC 9113 section 6.5.2)."""
        return self._max_streams

    @property
    def room(self) -> int:
        """How many requests may be submitted now; none before the service's own SETTINGS have come."""
        if not self._is_ready or self.is_leaving:
            return 0
        return max(0, self._max_streams - len(self._open) - len(self._reading))

    def submit(self, requests: Iterable[tuple[int, PushRequest]], now_s: float) -> None:
        """Send these, at most `room` of them."""
        out, pack = self.outgoing, FRAME_HEADER.pack
        for index, request in requests:
            stream = self._next_stream
            self._next_stream += 2
            self._open[stream] = index, now_s
            body = request.body
            block = self._writer.block(request.headers, request.endpoint[self._path_at :], len(body))
            out.append(pack(len(block) >> 8, len(block) & 0xFF, frames.HEADERS, frames.END_HEADERS, stream) + block)
            if len(body) <= self._window and len(body) <= self._stream_window and not self._unsent:
                self._window -= len(body)
                out.append(pack(len(body) >> 8, len(body) & 0xFF, frames.DATA, frames.END_STREAM, stream) + body)
            else:
                self._unsent[stream] = _Unsent(body, self._stream_window)
        self._send_unsent()
        if self._next_stream > _LAST_STREAM:
            self.is_leaving = True

    def feed(self, data: bytes, now_s: float) -> None:
        """Take bytes in. Raises ProtocolError: the connection is then of no use."""
        buffer = self._buffer + data
        at, end = 0, len(buffer)
        while end - at >= 9:
            high, low, kind, flags, stream = FRAME_HEADER.unpack_from(buffer, at)
            length = high << 8 | low
            if length > frames.LONGEST_FRAME:
                raise ProtocolError
            if end - at < 9 + length:
                break
            payload = buffer[at + 9 : at + 9 + length]
            if kind == frames.HEADERS and flags == _WHOLE_ANSWER and self._block is None:
                self._fragment(stream & 0x7FFF_FFFF, flags, payload, now_s)  # nearly all
            else:
                self._frame(kind, flags, stream & 0x7FFF_FFFF, payload, now_s)
            at += 9 + length
        self._buffer = buffer[at:]

    def give_up(self, error: NetworkError, now_s: float) -> None:
        """Answer every open request with `error`, and tell the service that nobody waits any more."""
        for stream, (index, started_s) in self._open.items():
            self.answers.append((index, Answer(error=error, elapsed_s=now_s - started_s)))
            self._reset(stream)
        self._open.clear()
        self._unsent.clear()

    def cancel(self, indices: Collection[int]) -> None:
        """Nobody waits for these any more: they get no answer."""
        for stream in [stream for stream, (index, _) in self._open.items() if index in indices]:
            del self._open[stream]
            self._unsent.pop(stream, None)
            self._reset(stream)

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes, now_s: float) -> None:
        if self._block is not None and (kind != frames.CONTINUATION or stream != self._block[0]):
            raise ProtocolError
        match kind:
            case frames.HEADERS:
                self._fragment(stream, flags, frames.unpadded(flags, payload), now_s)
            case frames.DATA:
                self._data(stream, flags, len(payload))
            case frames.CONTINUATION:
                if self._block is None:
                    raise ProtocolError
                _, first_flags, begun = self._block
                self._fragment(stream, first_flags | flags & frames.END_HEADERS, begun + payload, now_s)
            case frames.RST_STREAM:
                self._was_reset(stream, frames.number(payload), now_s)
            case frames.SETTINGS:
                self._settings(flags, payload)
            case frames.PING if not flags & frames.ACK:
                self.outgoing.append(frame(frames.PING, frames.ACK, 0, payload))
            case frames.GOAWAY:
                self._goaway(frames.number(payload))
            case frames.WINDOW_UPDATE:
                self._grow_window(stream, frames.number(payload))
            case frames.PUSH_PROMISE:
                raise ProtocolError

    def _fragment(self, stream: int, flags: int, block: bytes, now_s: float) -> None:
        if len(block) > _LONGEST_BLOCK:
            raise ProtocolError
        if not flags & frames.END_HEADERS:
            self._block = stream, flags, block
            return
        self._block = None
        status, retry_after = self._reader.status(block)
        ends = bool(flags & frames.END_STREAM)
        if stream in self._reading:
            if ends:
                self._ended(stream)
        elif stream in self._open and (status >= 200 or ends):
            index, started_s = self._open.pop(stream)
            self.answers.append((index, self._answer(status, retry_after, now_s - started_s)))
            if ends and not self._unsent:
                return
            self._reading[stream] = 0
            if ends:
                self._ended(stream)

    def _answer(self, status: int, retry_after: str | None, elapsed_s: float) -> Answer:
        """The same object for those that were sent and answered together."""
        if status < 200:
            return Answer(error="protocol")
        last = self._last
        if last.status != status or last.elapsed_s != elapsed_s or last.retry_after != retry_after:
            last = self._last = Answer(status, None, retry_after, elapsed_s)
        return last

    def _ended(self, stream: int) -> None:
        """Both sides are done, or we do not want the rest."""
        del self._reading[stream]
        if self._unsent.pop(stream, None) is not None:
            self._reset(stream)  # it answered without having read the request

    def _data(self, stream: int, flags: int, length: int) -> None:
        self._received += length
        if self._received > _RECEIVE_WINDOW // 2:
            self.outgoing.append(frame(frames.WINDOW_UPDATE, 0, 0, self._received.to_bytes(4, "big")))
            self._received = 0
        if stream not in self._reading:
            return  # the end of what was cancelled
        self._reading[stream] += length
        if flags & frames.END_STREAM:
            self._ended(stream)
        elif self._reading[stream] > _READ_BODY:
            self._reset(stream)
            self._unsent.pop(stream, None)
            self._ended(stream)

    def _reset(self, stream: int) -> None:
        self.outgoing.append(frame(frames.RST_STREAM, 0, stream, frames.CANCEL.to_bytes(4, "big")))

    def _was_reset(self, stream: int, code: int, now_s: float) -> None:
        self._unsent.pop(stream, None)
        self._reading.pop(stream, None)
        opened = self._open.pop(stream, None)
        if opened is None:
            return
        index, started_s = opened
        if code == frames.REFUSED_STREAM:
            self.refused.append(index)
        else:
            self.answers.append((index, Answer(error="reset", elapsed_s=now_s - started_s)))

    def _settings(self, flags: int, payload: bytes) -> None:
        if flags & frames.ACK:
            self._reader.table_is_gone()
            return
        for key, value in frames.settings_in(payload):
            if key == frames.HEADER_TABLE_SIZE:
                self._writer.resize_table(value)
            elif key == frames.MAX_CONCURRENT_STREAMS:
                self._max_streams = value
            elif key == frames.INITIAL_WINDOW_SIZE:
                for unsent in self._unsent.values():
                    unsent.window += value - self._stream_window
                self._stream_window = value
        self._is_ready = True
        self.outgoing.append(frame(frames.SETTINGS, frames.ACK, 0))
        self._send_unsent()

    def _goaway(self, last_stream: int) -> None:
        """Streams above `last_stream` were not looked at (RFC 9113 section 6.8); the others are still answered."""
        self.is_leaving = True
        for stream in [stream for stream in self._open if stream > last_stream]:
            self.unprocessed.append(self._open.pop(stream)[0])
            self._unsent.pop(stream, None)

    def _grow_window(self, stream: int, size: int) -> None:
        if stream == 0:
            self._window += size
        elif stream in self._unsent:
            self._unsent[stream].window += size
        self._send_unsent()

    def _send_unsent(self) -> None:
        """Send as much of the waiting bodies as the windows allow (RFC 9113 section 6.9)."""
        for stream, unsent in list(self._unsent.items()):
            size = min(len(unsent.body), self._window, unsent.window)
            if size <= 0:
                continue
            piece, unsent.body = unsent.body[:size], unsent.body[size:]
            self._window -= size
            unsent.window -= size
            self.outgoing.append(frame(frames.DATA, 0 if unsent.body else frames.END_STREAM, stream, piece))
            if not unsent.body:
                del self._unsent[stream]
