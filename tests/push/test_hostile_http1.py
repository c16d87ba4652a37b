"""A service that speaks HTTP/1.1 and writes what it likes: only a whole, well-formed head is an answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import certifi
import pytest

from notifier.addresses import AddressGuard
from notifier.alerts.alert import Urgency
from notifier.push.curl_transport import CurlTransport
from notifier.push.request import build
from notifier.push.transport import PushResponse

DEADLINE_S = 1.0


@contextmanager
def service_that_says(said: bytes, *, hangs_up: bool) -> Iterator[str]:
    """The origin of a service that says this to everybody, and then hangs up or keeps still."""
    listening = socket.create_server(("127.0.0.1", 0))
    opened: list[socket.socket] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                opened.append(client)
                client.recv(65536)
                client.sendall(said)
                if hangs_up:
                    client.shutdown(socket.SHUT_RDWR)
                    client.close()

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    server.join()
    for client in opened:
        client.close()


def answer_of(said: bytes, *, hangs_up: bool = True) -> PushResponse:
    with service_that_says(said, hangs_up=hangs_up) as origin:
        transport = CurlTransport(AddressGuard.allowing([origin.partition("://")[2]]), Path(certifi.where()))
        request = build(f"{origin}/a", b"x", ttl_s=1, urgency=Urgency.LOW, tag=None, authorization="vapid t=a,k=b")
        (answer,) = transport.send([request], DEADLINE_S)
        transport.close()
    return answer


@pytest.mark.parametrize("status", [b"410 Gone", b"404 Not Found", b"410"])
def test_a_well_formed_head_is_an_answer(status: bytes) -> None:
    assert answer_of(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n").status == int(status[:3])


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1 4100 Gone",
        b"HTTP/1.1 0410 Gone",
        b"HTTP/1.1 4_1_0 Gone",
        "HTTP/1.1 ４１０ Gone".encode(),
        "HTTP/1.1 ٤١٠ Gone".encode(),
        b"HTTP/1.1 41 0",
        b"HTTP/1.1 -410 Gone",
        b"HTTP/1.1 +410 Gone",
        b"HTTP/1.1 0x19A",
        b"HTTP/1.1 610 Gone",
        b"HTTP/1.1 910 Gone",
        b"HTTP/1.1 000 Gone",
        b"HTTP/3.14 410 Gone",
        b"410 Gone",
        b"ICY 410 Gone",
        b"",
    ],
)
def test_a_status_line_that_is_none_is_no_answer(line: bytes) -> None:
    answer = answer_of(line + b"\r\nContent-Length: 0\r\n\r\n")
    assert answer.status is None
    assert answer.error


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 410 Gone\r\n", b"HTTP/1.1 410 Gone\r\nX: y\r\nContent-Le", b"HTTP/1.1 410"]
)
@pytest.mark.parametrize("hangs_up", [True, False])
def test_half_a_head_is_no_answer(said: bytes, hangs_up: bool) -> None:
    assert answer_of(said, hangs_up=hangs_up).status not in {404, 410}


def test_only_the_last_of_several_heads_counts() -> None:
    said = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\nHTTP/1.1 410 Gone\r\n\r\n"
    assert answer_of(said).status == 201


def test_a_text_without_end_is_cut_off_and_its_status_counts() -> None:
    said = b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 40_000
    answer = answer_of(said, hangs_up=False)
    assert (answer.status, answer.retry_after) == (429, "7")
    assert answer.elapsed_s < DEADLINE_S
