"""Redirects: followed a few times, never in circles, never with a secret to a stranger."""

from __future__ import annotations

import pytest

from notifier.outbound.redirects import Chain, headers_for, refused_url

START = Chain.starting_at("https://paper.example/feed")


def follow(chain: Chain, *hops: tuple[int, str]) -> Chain:
    for status, location in hops:
        step = chain.follow(status, location)
        assert isinstance(step, Chain), step
        chain = step
    return chain


def test_a_location_may_be_relative() -> None:
    assert follow(START, (302, "/rss?x=1")).url == "https://paper.example/rss?x=1"


@pytest.mark.parametrize(
    ("hops", "moved_to"),
    [
        ([(301, "/b")], "https://paper.example/b"),
        ([(308, "/b"), (301, "/c")], "https://paper.example/c"),
        ([(301, "/b"), (302, "/c")], "https://paper.example/b"),
        ([(302, "/b"), (301, "/c")], None),
        ([(307, "/b")], None),
    ],
)
def test_only_permanent_redirects_from_the_start_on_move_the_feed(
    hops: list[tuple[int, str]], moved_to: str | None
) -> None:
    assert follow(START, *hops).moved_to == moved_to


def test_a_circle_is_seen_at_its_first_round() -> None:
    assert "in a circle" in str(follow(START, (302, "/a")).follow(302, "/feed"))


def test_five_hops_are_enough() -> None:
    chain = follow(START, *((302, f"/{n}") for n in range(5)))
    assert chain.follow(302, "/6") == "redirects more than 5 times"


NOWHERE = (
    "file:///etc/passwd",
    "gopher://a.example/",
    "javascript:1",
    "http://",
    "http://[::1",
    "http://a.example:99999/",
)


@pytest.mark.parametrize("location", NOWHERE)
def test_a_redirect_leads_to_http_or_nowhere(location: str) -> None:
    assert isinstance(START.follow(302, location), str)


@pytest.mark.parametrize("location", [None, ""])
def test_a_redirect_without_a_place_is_a_failure_in_words(location: str | None) -> None:
    assert START.follow(301, location) == "answers 301 without saying where to go"


def test_a_feeds_own_headers_stay_with_its_origin() -> None:
    own, common = {"Authorization": "Basic c2VjcmV0"}, {"User-Agent": "Notifier"}
    assert headers_for(follow(START, (302, "/other")), own, common) == {**common, **own}
    for foreign in ("https://cdn.example/feed", "http://paper.example/feed", "https://paper.example:8443/feed"):
        assert headers_for(follow(START, (302, foreign)), own, common) == common


@pytest.mark.parametrize("url", ["http://a.example/", "https://a.example:8443/x", "http://[::1]/"])
def test_web_addresses_can_be_asked(url: str) -> None:
    assert refused_url(url) is None


@pytest.mark.parametrize("url", ["", "a.example/feed", "ftp://a.example/", "http:///feed", "http://a.example:0/"])
def test_other_addresses_cannot(url: str) -> None:
    assert refused_url(url)
