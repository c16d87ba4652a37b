"""Request bodies on their way out, as far as the service's windows let them (RFC 9113 sections 5.2 and 6.9)."""

from __future__ import annotations

from dataclasses import dataclass

from notifier.push.http2 import frames
from notifier.push.http2.frames import FRAME_HEADER, ProtocolError, StreamError, frame


@dataclass(slots=True)
class _Unsent:
    """A body that did not fit into the service's windows yet; `window` is its stream's."""

    body: bytes
    window: int


class Bodies:
    """Those of one connection; what may be sent is added to `outgoing`."""

    def __init__(self, outgoing: list[bytes]) -> None:
        self._outgoing = outgoing
        self._unsent: dict[int, _Unsent] = {}
        self._window = self._stream_window = frames.DEFAULT_WINDOW

    @property
    def are_waiting(self) -> bool:
        """True while one is not sent to its end."""
        return bool(self._unsent)

    def send(self, stream: int, body: bytes) -> None:
        """At once if there is room and nobody waits; otherwise it waits for `flush`."""
        size = len(body)
        if size <= self._window and size <= self._stream_window and not self._unsent:
            self._window -= size
            self._outgoing.append(
                FRAME_HEADER.pack(size >> 8, size & 0xFF, frames.DATA, frames.END_STREAM, stream) + body
            )
        else:
            self._unsent[stream] = _Unsent(body, self._stream_window)

    def drop(self, stream: int) -> bool:
        """Nobody reads it any more; True if it was not sent to its end."""
        return self._unsent.pop(stream, None) is not None

    def clear(self) -> None:
        """Drop all."""
        self._unsent.clear()

    def resize(self, stream_window: int) -> None:
        """The service's SETTINGS_INITIAL_WINDOW_SIZE. Raises ProtocolError (section 6.9.2)."""
        for unsent in self._unsent.values():
            unsent.window += stream_window - self._stream_window
            if unsent.window > frames.LARGEST_WINDOW:
                raise ProtocolError(frames.FLOW_CONTROL_ERROR)
        self._stream_window = stream_window

    def grow(self, stream: int, size: int) -> None:
        """A WINDOW_UPDATE. Raises ProtocolError for the connection's (stream 0), StreamError for a stream's."""
        if stream:
            unsent = self._unsent.get(stream)
            if not size or (unsent is not None and unsent.window + size > frames.LARGEST_WINDOW):
                raise StreamError
            if unsent is not None:
                unsent.window += size
            return
        self._window += size
        if not size or self._window > frames.LARGEST_WINDOW:
            raise ProtocolError(frames.FLOW_CONTROL_ERROR if size else frames.PROTOCOL_ERROR)

    def flush(self) -> None:
        """Send as much of the waiting bodies as the windows allow."""
        for stream, unsent in list(self._unsent.items()):
            size = min(len(unsent.body), self._window, unsent.window)
            if size <= 0:
                continue
            piece, unsent.body = unsent.body[:size], unsent.body[size:]
            self._window -= size
            unsent.window -= size
            self._outgoing.append(frame(frames.DATA, 0 if unsent.body else frames.END_STREAM, stream, piece))
            if not unsent.body:
                del self._unsent[stream]
