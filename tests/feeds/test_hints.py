"""What headers say beside the feed."""

from __future__ import annotations

import pytest

from notifier.feeds.hints import links_of, max_age_s


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("max-age=60", 60.0),
        ("public, Max-Age=60, s-maxage=120", 120.0),
        ('max-age="60"', 60.0),
        ("no-cache, max-age=60", 0.0),
        ("no-store", 0.0),
        ("private", None),
        ("max-age=soon", None),
        ("max-age=-1", None),
        ("max-age=99999999999999", 999_999_999.0),
        (",,=,", None),
        ("", None),
        (None, None),
    ],
)
def test_freshness_is_read_from_cache_control(header: str | None, seconds: float | None) -> None:
    assert max_age_s(header) == seconds


@pytest.mark.parametrize(
    ("header", "links"),
    [
        ('<https://hub.example/>; rel="hub"', {"hub": "https://hub.example/"}),
        ("</h>;rel=hub , <//b.example/self> ; title=\"a, b\"; rel='self'", {"hub": "https://a.example/h"}),
        ('<h>; REL="Self hub"; x', {"self": "https://a.example/dir/h", "hub": "https://a.example/dir/h"}),
        ("<1>; rel=hub, <2>; rel=hub", {"hub": "https://a.example/dir/1"}),
        ("<http://[bad>; rel=hub, <>; rel=hub, <x>, ;;, <y", {}),
        ("", {}),
    ],
)
def test_links_are_read_with_their_relations(header: str, links: dict[str, str]) -> None:
    found = links_of(header, "https://a.example/dir/feed")
    assert {name: found[name] for name in ("hub", "self") if name in found} == links


def test_a_long_link_header_takes_no_long_time() -> None:
    for header in ("<" * 60_000, "<a>" + ";a=b" * 15_000, "<a>;a=" + '"' * 60_000, "<a>;" + " " * 60_000):
        assert links_of(header, "https://a.example/") == {}
