"""A loopback server in threads of its own that says one thing to everybody and goes on saying it: no fair HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def flooding(first: bytes, then: bytes, *, piece_bytes: int = 1 << 16) -> Iterator[str]:
    """Answer each request by `first` and then by `then` for ever, in sends of `piece_bytes`; gives the URL."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=500)
    over = threading.Event()

    def flood(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        whole = then * (1 + (1 << 20) // len(then)) if then else b""
        with connection, suppress(OSError):
            connection.settimeout(10)
            connection.recv(65_536)
            connection.sendall(first)
            while whole and not over.is_set():
                for at in range(0, len(whole), piece_bytes):
                    connection.sendall(whole[at : at + piece_bytes])
                    if piece_bytes == 1 and at % 16 == 0:  # not far ahead of the reader, who would find large pieces
                        over.wait(0.0001)
            over.wait(20)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=flood, args=[listening.accept()[0]], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/feed"
    finally:
        over.set()
        listening.close()
