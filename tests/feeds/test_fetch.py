"""The fetcher against servers that behave and servers that do not: an answer always, within limits and the deadline."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable

import pytest

from notifier.feeds.fetch import Fetcher, FetchRequest, FetchSettings, own_headers
from notifier.feeds.fetch_result import FailureKind, Fetched, FetchFailed, FetchResult, GoneForGood, NotModified
from tests.feeds.web import Asked, Handler, Names, Site, always, fetcher, response, site

BODY = b"<rss>the news</rss>"
BOMB = gzip.compress(bytes(10_000_000))


def ask(
    handler: Handler, path: str = "/feed", *, with_: Fetcher | None = None, **request: str
) -> tuple[FetchResult, Site]:
    """One request to a site that answers by `handler`."""

    async def main() -> tuple[FetchResult, Site]:
        async with site(handler) as running, with_ or fetcher() as asking:
            return await asking.fetch(FetchRequest(running.url(path), **request)), running

    return asyncio.run(main())


def reason(answer: FetchResult, kind: FailureKind) -> str:
    assert isinstance(answer, FetchFailed), answer
    assert answer.kind is kind
    return answer.reason


def test_a_feed_comes_with_its_validators_and_where_it_was() -> None:
    answer, asked = ask(
        always(response(body=BODY, ETag='"1"', Last_Modified="Sun, 01 Mar 2026 12:00:00 GMT", Content_Type="text/xml"))
    )
    assert answer == Fetched(asked.url(), BODY, "text/xml", '"1"', "Sun, 01 Mar 2026 12:00:00 GMT")


def test_the_last_validators_are_sent_and_a_304_is_not_modified() -> None:
    answer, asked = ask(always(b"HTTP/1.1 304 Not Modified\r\n\r\n"), etag='W/"1"', last_modified="yesterday")
    assert answer == NotModified()
    assert asked.asked[0].headers["if-none-match"] == 'W/"1"'
    assert asked.asked[0].headers["if-modified-since"] == "yesterday"


def test_it_says_who_asks_and_what_it_can_read() -> None:
    _, asked = ask(always(response(body=BODY)), with_=fetcher(contact_url="https://notifier.example/about"))
    headers = asked.asked[0].headers
    assert headers["user-agent"].startswith("Notifier/")
    assert headers["user-agent"].endswith("(+https://notifier.example/about)")
    assert headers["accept-encoding"] == "gzip, deflate, br, zstd"


def test_headers_tell_how_fresh_the_feed_is_and_who_pushes_it() -> None:
    link = '<https://hub.example/>; rel="hub", <https://paper.example/feed>; rel=self'
    answer, _ = ask(always(response(body=BODY, Cache_Control="public, max-age=60, s-maxage=120", Link=link)))
    assert isinstance(answer, Fetched)
    assert answer.hints.max_age_s == 120.0
    assert (answer.hints.hub_url, answer.hints.self_url) == ("https://hub.example/", "https://paper.example/feed")


@pytest.mark.parametrize(("status", "kind"), [("410 Gone", GoneForGood), ("404 Not Found", FetchFailed)])
def test_gone_is_for_good_and_not_found_is_not(status: str, kind: type[FetchResult]) -> None:
    answer, _ = ask(always(response(status)))
    assert isinstance(answer, kind)


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_a_server_that_wants_rest_is_heard(status: str) -> None:
    answer, _ = ask(always(response(status, Retry_After="90")))
    assert isinstance(answer, FetchFailed)
    assert answer.retry_after_s == 90.0


def redirects(**places: str) -> Handler:
    """`/feed` -> 301 to the place of that name, and so on; anything else is the feed."""

    async def handle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        place = places.get(asked.path.strip("/"))
        writer.write(response(f"{place[:3]} Moved", Location=place[4:]) if place else response(body=BODY))

    return handle


def test_redirects_are_followed_and_permanent_ones_told() -> None:
    answer, asked = ask(redirects(feed="301 /b", b="308 /c", c="302 /d"))
    assert isinstance(answer, Fetched)
    assert answer.url == asked.url("/d")
    assert answer.hints.moved_to == asked.url("/c")


def test_redirects_in_a_circle_end() -> None:
    answer, asked = ask(redirects(feed="302 /b", b="302 /feed"))
    assert "in a circle" in reason(answer, FailureKind.SERVER)
    assert len(asked.asked) == 2


def test_a_feeds_secrets_do_not_follow_a_redirect_to_another_origin() -> None:
    async def main() -> tuple[Asked, Asked]:
        async with site(always(response(body=BODY))) as other, site(redirects(feed=f"302 {other.url()}")) as first:
            environ = {"PAPER": "basic reader:pass\nX-Key: k"}
            async with fetcher(environ=environ) as asking:
                await asking.fetch(FetchRequest(first.url(), etag='"1"', headers_env="PAPER"))
            return first.asked[0], other.asked[0]

    here, there = asyncio.run(main())
    assert here.headers["authorization"] == "Basic cmVhZGVyOnBhc3M="
    assert here.headers["x-key"] == "k"
    assert not {"authorization", "x-key", "if-none-match"} & there.headers.keys()


SPELLINGS = ("127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]")


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_a_private_address_is_connected_to(host: str) -> None:
    async def main() -> tuple[FetchResult, int]:
        async with site(always(response(body=BODY))) as running, fetcher(allow=()) as asking:
            return await asking.fetch(FetchRequest(running.url(host=host))), len(running.asked)

    answer, asked = asyncio.run(main())
    assert reason(answer, FailureKind.REFUSED)
    assert asked == 0


def test_a_redirect_to_a_private_address_is_refused() -> None:
    async def main() -> tuple[FetchResult, int]:
        async with (
            site(always(response(body=BODY))) as inner,
            site(redirects(feed=f"302 {inner.url()}")) as outer,
            fetcher(allow=(f"127.0.0.1:{outer.port}",)) as asking,
        ):
            return await asking.fetch(FetchRequest(outer.url())), len(inner.asked)

    answer, asked = asyncio.run(main())
    assert "is not a public address" in reason(answer, FailureKind.REFUSED)
    assert asked == 0


def test_a_name_that_resolves_differently_the_second_time_is_refused_then() -> None:
    async def main() -> tuple[FetchResult, FetchResult, int]:
        async def close(_asked: Asked, writer: asyncio.StreamWriter) -> None:
            writer.write(response(body=BODY, Connection="close"))

        names = Names(rebind_example=["127.0.0.1", "127.0.0.2"])
        async with (
            site(close) as running,
            fetcher(allow=(f"127.0.0.1:{running.port}",), names=names, dns_cache_s=0) as asking,
        ):
            request = FetchRequest(running.url(host="rebind.example"))
            return await asking.fetch(request), await asking.fetch(request), len(running.asked)

    first, second, asked = asyncio.run(main())
    assert isinstance(first, Fetched)
    assert "127.0.0.2 is not a public address" in reason(second, FailureKind.REFUSED)
    assert asked == 1


def test_an_allowed_name_may_be_private_and_leads_nobody_else_there() -> None:
    async def main() -> list[FetchResult]:
        names = Names(feeds_lan=["127.0.0.1"], evil_example=["127.0.0.1"])
        async with site(always(response(body=BODY))) as running, fetcher(allow=("feeds.lan",), names=names) as asking:
            return [await asking.fetch(FetchRequest(running.url(host=h))) for h in ("feeds.lan", "evil.example")]

    allowed, refused = asyncio.run(main())
    assert isinstance(allowed, Fetched)
    assert "is not a public address" in reason(refused, FailureKind.REFUSED)


def test_a_name_that_nobody_knows_and_a_closed_port_are_told_apart() -> None:
    async def main() -> list[FetchResult]:
        async with site(always(b"")) as running:
            closed = running.url()
        async with fetcher(names=Names()) as asking:
            return [await asking.fetch(FetchRequest(url)) for url in ("http://nowhere.example/", closed)]

    unknown, closed = asyncio.run(main())
    assert "No address is known for nowhere.example" in reason(unknown, FailureKind.NETWORK)
    assert "Cannot connect" in reason(closed, FailureKind.NETWORK)


async def drip(_asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_headers(_asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def silence(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3)


@pytest.mark.parametrize("handler", [drip, drip_headers, silence])
def test_a_server_that_takes_its_time_ends_at_the_deadline(handler: Handler) -> None:
    began = time.monotonic()
    answer, _ = ask(handler, with_=fetcher(deadline_s=0.4))
    assert "did not answer within 0.4 s" in reason(answer, FailureKind.NETWORK)
    assert time.monotonic() - began < 3


async def endless(_asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
        await writer.drain()


async def huge_header(_asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n")


@pytest.mark.parametrize(
    ("handler", "kind", "words"),
    [
        (endless, FailureKind.CONTENT, "larger than"),
        (always(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"), FailureKind.CONTENT, "larger than"),
        (always(response(body=BOMB, Content_Encoding="gzip")), FailureKind.CONTENT, "larger than"),
        (huge_header, FailureKind.SERVER, "proper HTTP"),
        (always(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), FailureKind.SERVER, "proper HTTP"),
        (always(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx"), FailureKind.SERVER, "proper HTTP"),
    ],
)
def test_a_hostile_answer_is_one_bounded_failure(handler: Handler, kind: FailureKind, words: str) -> None:
    answer, _ = ask(handler)
    assert words in reason(answer, kind)


def test_a_fetcher_goes_on_after_a_hostile_answer() -> None:
    async def main() -> list[FetchResult]:
        async def handle(asked: Asked, writer: asyncio.StreamWriter) -> None:
            await (endless if asked.path == "/bad" else always(response(body=BODY)))(asked, writer)

        async with site(handle) as running, fetcher() as asking:
            return [await asking.fetch(FetchRequest(running.url(path))) for path in ("/bad", "/feed", "/bad", "/feed")]

    bad, good, *_ = asyncio.run(main())
    assert isinstance(bad, FetchFailed)
    assert isinstance(good, Fetched)


def test_no_more_than_two_connections_to_a_host() -> None:
    async def main() -> int:
        inside = most = 0

        async def handle(_asked: Asked, writer: asyncio.StreamWriter) -> None:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.02)
            inside -= 1
            writer.write(response(body=BODY))

        async with site(handle) as running, fetcher() as asking:
            await asyncio.gather(*(asking.fetch(FetchRequest(running.url(f"/{n}"))) for n in range(10)))
        return most

    assert asyncio.run(main()) == 2


def test_waiting_for_a_place_at_a_host_does_not_use_up_the_deadline() -> None:
    async def main() -> list[FetchResult]:
        async def handle(_asked: Asked, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.2)
            writer.write(response(body=BODY))

        async with site(handle) as running, fetcher(deadline_s=0.5) as asking:
            return await asyncio.gather(*(asking.fetch(FetchRequest(running.url(f"/{n}"))) for n in range(8)))

    assert all(isinstance(answer, Fetched) for answer in asyncio.run(main()))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a.example/", "http://", "nonsense", "http://[::1"])
def test_what_is_no_web_address_is_not_asked(url: str) -> None:
    async def main() -> FetchResult:
        async with fetcher() as asking:
            return await asking.fetch(FetchRequest(url))

    reason(asyncio.run(main()), FailureKind.REFUSED)


def post(handler: Handler, ask_: Callable[[Fetcher, Site], Awaitable[int | FetchFailed]]) -> tuple[object, Site]:
    async def main() -> tuple[object, Site]:
        async with site(handler) as running, fetcher() as asking:
            return await ask_(asking, running), running

    return asyncio.run(main())


def test_a_form_reaches_the_hub() -> None:
    status, hub = post(
        always(response("202 Accepted")), lambda f, s: f.post_form(s.url("/hub"), {"hub.mode": "subscribe"})
    )
    assert status == 202
    assert (hub.asked[0].method, hub.asked[0].body) == ("POST", b"hub.mode=subscribe")


def test_a_hub_at_a_private_address_is_refused() -> None:
    async def main() -> int | FetchFailed:
        async with site(always(response())) as running, fetcher(allow=()) as asking:
            return await asking.post_form(running.url(), {})

    answer = asyncio.run(main())
    assert isinstance(answer, FetchFailed)
    assert answer.kind is FailureKind.REFUSED


def test_the_headers_of_a_feed_are_lines_of_a_variable() -> None:
    assert own_headers("X-Key:  secret \n\nbasic me:pass:word\n") == {
        "X-Key": "secret",
        "Authorization": "Basic bWU6cGFzczp3b3Jk",
    }


def test_secrets_are_not_in_the_settings_that_a_log_might_show() -> None:
    assert "hush" not in repr(FetchSettings(environ={"PAPER": "X-Key: hush"}))


def test_a_304_that_nobody_asked_for_is_a_failure_in_words() -> None:
    answer, _ = ask(always(b"HTTP/1.1 304 Not Modified\r\n\r\n"))
    assert isinstance(answer, FetchFailed)
    assert answer.kind is FailureKind.SERVER
    assert "says 304, not modified, though it was asked for the whole feed" in answer.reason
