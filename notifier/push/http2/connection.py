"""One HTTP/2 connection without a socket: requests and bytes enter; bytes, answers and what to send again leave."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from notifier.push.http2 import frames
from notifier.push.http2.bodies import Bodies
from notifier.push.http2.frames import FRAME_HEADER, ProtocolError, StreamError, frame
from notifier.push.http2.header_block import HeaderReader, HeaderWriter
from notifier.push.request import PushRequest
from notifier.push.transport import STREAMS, NetworkError, PushResponse

_WHOLE_ANSWER = frames.END_HEADERS | frames.END_STREAM
_ON_KNOWN_STREAMS = frozenset({frames.DATA, frames.HEADERS, frames.RST_STREAM, frames.WINDOW_UPDATE})
_LAST_STREAM = 1 << 30
_LONGEST_BLOCK, _LONGEST_PASSED_OVER = 1 << 16, 1 << 20
_MOST_FRAMES_OF_A_BLOCK = 128
_RECEIVE_WINDOW = 1 << 20
_READ_BODY = 1 << 14
"""How much of an answer's text we let come, and the window of its stream; it is not kept."""
_MOST_INTERIM = 8
LINGER_S = 2.0
"""How long the text of an answer may take, and with it a stream."""
STALLED_S = 2.0
"""How long one frame or header block may stay incomplete before nothing more is sent on its connection."""
_MOST_IDLE_FRAMES, _IDLE_FRAMES_PER_S, _IDLE_FRAMES_PER_ANSWER = 4096.0, 100.0, 64.0
"""Frames that bring nobody's answer: at once, and how many more for each second and each answer."""


@dataclass(slots=True)
class _Block:
    """The header block that is under way; nothing of it is kept once it is too long."""

    stream: int
    flags: int
    data: bytes = b""
    length: int = 0
    frames: int = 0


class Http2Connection:
    """The client's side.

    After `feed`: `answers` holds (index, PushResponse), `unprocessed` indices that the service left when it said
    goodbye, `refused` those whose single stream it refused; both may be sent again. Whoever reads these lists empties
    them. `outgoing` holds the bytes to send. A status is an answer only where a whole, well-formed head on the very
    stream of its request said so: what breaks the rules of one answer is that one's error `protocol`, what breaks those
    of the connection raises ProtocolError.
    """

    def __init__(self, origin: str) -> None:
        self.answers: list[tuple[int, PushResponse]] = []
        self.unprocessed: list[int] = []
        self.refused: list[int] = []
        self.outgoing: list[bytes] = [
            frames.PREFACE,
            frames.settings(
                (frames.HEADER_TABLE_SIZE, 0), (frames.ENABLE_PUSH, 0), (frames.INITIAL_WINDOW_SIZE, _READ_BODY)
            ),
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
        self._reading: dict[int, tuple[int, float]] = {}
        self._interim: dict[int, int] = {}
        self._bodies = Bodies(self.outgoing)
        self._received = 0
        self._buffer = b""
        self._block: _Block | None = None
        self._incomplete_since_s: float | None = None
        self._idle_frames, self._fed_at_s = _MOST_IDLE_FRAMES, 0.0
        self._last = PushResponse()

    @property
    def open_streams(self) -> int:
        """Requests without an answer."""
        return len(self._open)

    @property
    def is_stalled(self) -> bool:
        """Whether a frame or header block does not end: nobody behind it can be answered."""
        return self.is_leaving and self._incomplete_since_s is not None

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
            self._bodies.send(stream, body)
        self._bodies.flush()
        if self._next_stream > _LAST_STREAM:
            self.is_leaving = True

    def feed(self, data: bytes, now_s: float) -> None:
        """Take bytes in. Raises ProtocolError: the connection is then of no use."""
        regained = (now_s - self._fed_at_s) * _IDLE_FRAMES_PER_S
        self._idle_frames, self._fed_at_s = min(_MOST_IDLE_FRAMES, self._idle_frames + regained), now_s
        buffer = self._buffer + data
        at, end = 0, len(buffer)
        while end - at >= 9:
            high, low, kind, flags, stream = FRAME_HEADER.unpack_from(buffer, at)
            length = high << 8 | low
            if length > frames.LONGEST_FRAME:
                raise ProtocolError(frames.FRAME_SIZE_ERROR)
            if end - at < 9 + length:
                break
            payload = buffer[at + 9 : at + 9 + length]
            stream &= 0x7FFF_FFFF
            if kind == frames.HEADERS and flags == _WHOLE_ANSWER and self._block is None and stream in self._open:
                try:
                    self._head(stream, payload, ends=True, now_s=now_s)  # nearly all
                except StreamError:
                    self._broke(stream)
            else:
                self._frame(kind, flags, stream, payload, now_s)
            at += 9 + length
        self._buffer = buffer[at:]
        if not (self._buffer or self._block) or (at and self._block is None):
            self._incomplete_since_s = None
        if (self._buffer or self._block) and self._incomplete_since_s is None:
            self._incomplete_since_s = now_s
        self.expire(now_s)

    def expire(self, now_s: float) -> None:
        """Let go of answers whose text does not end, and take nothing more on where a frame or block does not."""
        for stream in [stream for stream, (_, since_s) in self._reading.items() if now_s - since_s >= LINGER_S]:
            self._cut_off(stream)
        if self._incomplete_since_s is not None and now_s - self._incomplete_since_s >= STALLED_S:
            self.is_leaving = True

    def give_up(self, error: NetworkError, now_s: float) -> None:
        """Answer every open request with `error`, and tell the service that nobody waits any more.

        Nothing more is sent where a frame or header block has begun and not ended: nobody could be answered behind it.
        """
        for stream, (index, started_s) in self._open.items():
            self.answers.append((index, PushResponse(error=error, elapsed_s=now_s - started_s)))
            self._reset(stream)
        self._open.clear()
        self._bodies.clear()
        self._interim.clear()
        self.is_leaving = self.is_leaving or self._incomplete_since_s is not None

    @property
    def in_the_way(self) -> int | None:
        """Whose answer is incomplete, so that nobody behind it can be answered; None where that is not known."""
        stream = 0 if self._block is None else self._block.stream
        if not stream and len(self._buffer) >= 9:
            stream = FRAME_HEADER.unpack_from(self._buffer)[-1] & 0x7FFF_FFFF
        opened = self._open.get(stream)
        return None if opened is None else opened[0]

    def abandon(self) -> list[int]:
        """Who has no answer, now that the connection is over; they get none from it."""
        indices = [index for index, _ in self._open.values()]
        self._open.clear()
        self._bodies.clear()
        self._interim.clear()
        self.is_leaving = True
        return indices

    def cancel(self, indices: Collection[int]) -> None:
        """Nobody waits for these any more: they get no answer."""
        for stream in [stream for stream, (index, _) in self._open.items() if index in indices]:
            del self._open[stream]
            self._interim.pop(stream, None)
            self._bodies.drop(stream)
            self._reset(stream)

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes, now_s: float) -> None:
        if self._block is not None and (kind != frames.CONTINUATION or stream != self._block.stream):
            raise ProtocolError
        if not self._is_ready and (kind != frames.SETTINGS or flags & frames.ACK):
            raise ProtocolError  # section 3.4: the server's preface is its SETTINGS
        frames.check(kind, stream, len(payload))
        if kind in _ON_KNOWN_STREAMS and stream and (stream >= self._next_stream or stream % 2 == 0):
            raise ProtocolError  # section 5.1: nothing was sent there
        self._idle_frames -= 1
        if self._idle_frames < 0:
            raise ProtocolError(frames.ENHANCE_YOUR_CALM)
        try:
            self._of_stream(kind, flags, stream, payload, now_s) if stream else self._of_all(kind, flags, payload)
        except StreamError:
            self._broke(stream)

    def _of_stream(self, kind: int, flags: int, stream: int, payload: bytes, now_s: float) -> None:
        match kind:
            case frames.HEADERS:
                self._block = _Block(stream, flags)
                self._fragment(flags, frames.unpadded(flags, payload), now_s)
            case frames.DATA:
                content = len(frames.unpadded(flags & frames.PADDED, payload))
                self._data(stream, flags, len(payload), content)
            case frames.CONTINUATION:
                self._fragment(flags, payload, now_s)
            case frames.RST_STREAM:
                self._was_reset(stream, frames.number(payload), now_s)
            case frames.WINDOW_UPDATE:
                self._bodies.grow(stream, frames.number(payload))
                self._bodies.flush()
            case frames.PRIORITY_FRAME if len(payload) != 5:
                raise StreamError
            case frames.PUSH_PROMISE:
                raise ProtocolError  # we said that we want none

    def _of_all(self, kind: int, flags: int, payload: bytes) -> None:
        match kind:
            case frames.SETTINGS:
                self._settings(flags, payload)
            case frames.PING if not flags & frames.ACK:
                self.outgoing.append(frame(frames.PING, frames.ACK, 0, payload))
            case frames.GOAWAY:
                self._goaway(frames.number(payload))
            case frames.WINDOW_UPDATE:
                self._bodies.grow(0, frames.number(payload))
                self._bodies.flush()
            case frames.PUSH_PROMISE:
                raise ProtocolError

    def _fragment(self, flags: int, fragment: bytes, now_s: float) -> None:
        """One more piece of the block under way. A block that is too long costs one answer if it can be passed over."""
        block = self._block
        if block is None:
            raise ProtocolError
        block.frames += 1
        block.length += len(fragment)
        longest = _LONGEST_PASSED_OVER if self._reader.is_stateless else _LONGEST_BLOCK
        if block.length > longest or block.frames > _MOST_FRAMES_OF_A_BLOCK:
            raise ProtocolError(frames.ENHANCE_YOUR_CALM)
        block.data = block.data + fragment if block.length <= _LONGEST_BLOCK else b""
        if not flags & frames.END_HEADERS:
            return
        self._block = None
        if block.length > _LONGEST_BLOCK:
            self._broke(block.stream)
        else:
            self._head(block.stream, block.data, ends=bool(block.flags & frames.END_STREAM), now_s=now_s)

    def _head(self, stream: int, block: bytes, *, ends: bool, now_s: float) -> None:
        """A whole block: an answer's head, an interim one, trailers, or what still comes on a stream that is over."""
        status, retry_after = self._reader.status(block)
        if stream in self._reading:
            self._ended(stream) if ends and not status else self._broke(stream)
        elif stream not in self._open:
            return
        elif status < 200:
            # Sections 8.1 and 8.6: an interim answer does not end a stream, and none of them changes the protocol.
            self._interim[stream] = self._interim.get(stream, 0) + 1
            if ends or status in {0, 101} or self._interim[stream] > _MOST_INTERIM:
                self._broke(stream)
        else:
            index, started_s = self._open.pop(stream)
            self._interim.pop(stream, None)
            self._idle_frames += _IDLE_FRAMES_PER_ANSWER
            self.answers.append((index, self._answer(status, retry_after, now_s - started_s)))
            if ends and not self._bodies.are_waiting:
                return
            self._reading[stream] = 0, now_s
            if ends:
                self._ended(stream)

    def _answer(self, status: int, retry_after: str | None, elapsed_s: float) -> PushResponse:
        """The same object for those that were sent and answered together."""
        last = self._last
        if last.status != status or last.elapsed_s != elapsed_s or last.retry_after != retry_after:
            last = self._last = PushResponse(status, None, retry_after, elapsed_s)
        return last

    def _ended(self, stream: int) -> None:
        """Both sides are done, or we do not want the rest."""
        del self._reading[stream]
        if self._bodies.drop(stream):
            self._reset(stream)  # it answered without having read the request

    def _broke(self, stream: int) -> None:
        """What came on this stream is no answer, and nothing else of it is waited for (section 5.4.2)."""
        opened = self._open.pop(stream, None)
        if opened is None and self._reading.pop(stream, None) is None:
            return
        if opened is not None:
            self.answers.append((opened[0], PushResponse(error="protocol")))
        self._interim.pop(stream, None)
        self._bodies.drop(stream)
        self._reset(stream, frames.PROTOCOL_ERROR)

    def _cut_off(self, stream: int) -> None:
        """The answer is known; the rest of its text is not wanted."""
        self._reset(stream)
        self._bodies.drop(stream)
        self._ended(stream)

    def _data(self, stream: int, flags: int, length: int, content: int) -> None:
        self._received += length
        if self._received > _RECEIVE_WINDOW // 2:
            self.outgoing.append(frame(frames.WINDOW_UPDATE, 0, 0, self._received.to_bytes(4, "big")))
            self._received = 0
        if stream in self._open:
            self._broke(stream)  # a text before its head
        if stream not in self._reading:
            return  # the end of what was cancelled
        read, since_s = self._reading[stream]
        self._reading[stream] = read + content, since_s
        if flags & frames.END_STREAM:
            self._ended(stream)
        elif read + content >= _READ_BODY:
            self._cut_off(stream)

    def _reset(self, stream: int, code: int = frames.CANCEL) -> None:
        self.outgoing.append(frame(frames.RST_STREAM, 0, stream, code.to_bytes(4, "big")))

    def _was_reset(self, stream: int, code: int, now_s: float) -> None:
        self._bodies.drop(stream)
        self._reading.pop(stream, None)
        self._interim.pop(stream, None)
        opened = self._open.pop(stream, None)
        if opened is None:
            return
        index, started_s = opened
        if code == frames.REFUSED_STREAM:
            self.refused.append(index)
        else:
            self.answers.append((index, PushResponse(error="reset", elapsed_s=now_s - started_s)))

    def _settings(self, flags: int, payload: bytes) -> None:
        if flags & frames.ACK:
            if payload:
                raise ProtocolError(frames.FRAME_SIZE_ERROR)
            self._reader.table_is_gone()
            return
        for key, value in frames.settings_in(payload):
            if key == frames.HEADER_TABLE_SIZE:
                self._writer.resize_table(value)
            elif key == frames.MAX_CONCURRENT_STREAMS:
                self._max_streams = value
            elif key == frames.INITIAL_WINDOW_SIZE:
                self._bodies.resize(value)
        self._is_ready = True
        self.outgoing.append(frame(frames.SETTINGS, frames.ACK, 0))
        self._bodies.flush()

    def _goaway(self, last_stream: int) -> None:
        """Streams above `last_stream` were not looked at (RFC 9113 section 6.8); the others are still answered."""
        self.is_leaving = True
        for stream in [stream for stream in self._open if stream > last_stream]:
            self.unprocessed.append(self._open.pop(stream)[0])
            self._bodies.drop(stream)
            self._interim.pop(stream, None)
