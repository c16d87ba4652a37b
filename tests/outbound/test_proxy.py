"""Through the operator's proxy: everything goes there, names are its own to look up, and private hosts stay refused."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from notifier.outbound.addresses import AddressGuard
from notifier.outbound.client import Client
from notifier.outbound.exchange import CannotConnect, Request, Response
from notifier.outbound.route import Route
from tests.outbound.proxy import Proxy, proxy
from tests.outbound.web import Names, Site, always, response, site
from tests.pushsink.process import make_certificate

ANSWER = always(response(body=b"<rss>"))


async def ask(route: Route, url: str, names: Names | None = None) -> Response:
    client = Client(route, resolver=names or Names())
    try:
        return await client.ask(Request(url, {}, max_body_bytes=1000), 5.0)
    finally:
        await client.close()


def asked_through(url: str, status: str = "200 OK", **chosen: object) -> tuple[Response, Proxy, Site]:
    async def main() -> tuple[Response, Proxy, Site]:
        async with site(ANSWER) as running, proxy(running.port, status) as between:
            where = between.url.replace("http://", "http://me:secret@")
            route = Route(proxy=where, **chosen)  # type: ignore[arg-type]
            return await ask(route, url), between, running

    return asyncio.run(main())


def test_a_feed_is_asked_through_the_proxy_which_looks_its_name_up() -> None:
    answer, between, running = asked_through("http://paper.example/feed")
    assert answer.body == b"<rss>"
    assert between.asked == ["GET http://paper.example/feed HTTP/1.1"]
    assert "Proxy-Authorization: Basic bWU6c2VjcmV0" in between.heads[0]
    assert running.asked[0].headers["host"] == "paper.example"


def test_a_secure_feed_is_asked_through_a_tunnel_and_its_head_is_its_own(tmp_path: Path) -> None:
    make_certificate(tmp_path / "server.pem", tmp_path / "ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem")

    async def main() -> tuple[Response, Proxy]:
        running = Site(ANSWER)
        server = await asyncio.start_server(running.serve, "127.0.0.1", 0, ssl=context)
        async with proxy(server.sockets[0].getsockname()[1]) as between:
            guard = AddressGuard.allowing(["localhost"])
            route = Route(guard, tmp_path / "ca.pem", between.url)
            found = await ask(route, "https://localhost/feed")
        server.close()
        await asyncio.sleep(0.05)  # the server sees that its client is gone
        return found, between

    answer, between = asyncio.run(main())
    assert answer.body == b"<rss>"
    assert "via" not in answer.headers
    assert between.asked == ["CONNECT localhost:443 HTTP/1.1"]


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "[::1]", "169.254.169.254", "localhost", "a.localhost"])
def test_no_private_address_is_asked_of_the_proxy(host: str) -> None:
    with pytest.raises(CannotConnect, match="is not a public address"):
        asked_through(f"http://{host}/")


def test_a_host_that_is_reached_directly_is_and_meets_the_guard() -> None:
    async def main() -> tuple[Response, Proxy]:
        async with site(ANSWER) as running, proxy(running.port) as between:
            route = Route(AddressGuard.allowing(["127.0.0.1"]), proxy=between.url, direct=["127.0.0.1", ".lan"])
            with pytest.raises(CannotConnect, match=r"10\.0\.0\.1 is not"):
                await ask(route, "http://feeds.lan/", Names(feeds_lan=["10.0.0.1"]))
            return await ask(route, running.url()), between

    answer, between = asyncio.run(main())
    assert answer.body == b"<rss>"
    assert between.asked == []


def test_a_proxy_that_refuses_a_tunnel_is_no_answer_of_the_feed() -> None:
    with pytest.raises(CannotConnect):
        asked_through("https://paper.example/", "403 Forbidden")


def test_what_the_environment_says_of_proxies_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    async def main() -> Response:
        async with site(ANSWER) as running:
            return await ask(Route(AddressGuard.allowing(["127.0.0.1"])), running.url())

    assert asyncio.run(main()).status == 200


def test_the_proxys_password_is_not_shown() -> None:
    assert "secret" not in repr(Route(proxy="http://me:secret@proxy.lan:3128"))
