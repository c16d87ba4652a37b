"""Feeds over TLS: read where the certificate is good, refused in words where it is not."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import uvloop

from notifier.feeds.fetch import FetchRequest
from notifier.feeds.fetch_result import FailureKind, Fetched, FetchFailed, FetchResult
from tests.feeds.web import Names, Site, always, fetcher, response
from tests.pushsink.process import make_certificate

BODY = b"<rss>the news</rss>" * 1000


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """A server's certificate for localhost, with its key; `ca.pem` beside it signed it."""
    make_certificate(tmp_path / "server.pem", tmp_path / "ca.pem")
    return tmp_path / "server.pem"


def ask(host: str, chain: Path, loop: type[asyncio.AbstractEventLoop] | None = None) -> list[FetchResult]:
    """What two requests to `host` give, one after the other."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)

    async def main() -> list[FetchResult]:
        running = Site(always(response(body=BODY)))
        server = await asyncio.start_server(running.serve, "127.0.0.1", 0, ssl=context)
        request = FetchRequest(f"https://{host}:{server.sockets[0].getsockname()[1]}/feed")
        names = Names(localhost=["127.0.0.1"], other_example=["127.0.0.1"])
        async with fetcher(names=names) as asking:
            found = [await asking.fetch(request), await asking.fetch(request)]
        server.close()
        await asyncio.sleep(0.05)  # the server sees that its client is gone
        return found

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(main())


@pytest.mark.parametrize("loop", [None, uvloop.Loop])
def test_a_feed_is_read_over_tls(
    loop: type[asyncio.AbstractEventLoop] | None, chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(chain.with_name("ca.pem")))
    answers = ask("localhost", chain, loop)
    assert [answer.body for answer in answers if isinstance(answer, Fetched)] == [BODY, BODY]


@pytest.mark.parametrize("loop", [None, uvloop.Loop])
@pytest.mark.parametrize(("host", "authority"), [("localhost", "nobody.pem"), ("other.example", "ca.pem")])
def test_a_certificate_of_nobody_or_of_another_host_is_refused(
    host: str,
    authority: str,
    loop: type[asyncio.AbstractEventLoop] | None,
    chain: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(chain.with_name(authority)))
    monkeypatch.setenv("SSL_CERT_DIR", str(chain.with_name("nowhere")))
    for answer in ask(host, chain, loop):
        assert isinstance(answer, FetchFailed)
        assert answer.kind is FailureKind.NETWORK
        assert f"certificate or handshake of {host}" in answer.reason
