"""What is the same page and the same headline, whatever publishers hang on them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.stories.canonical import canonical_url, components, title_key

PAGE = "https://harbour.example/world/storm"


@pytest.mark.parametrize(
    "url",
    [
        "http://www.harbour.example/world/storm/",
        "https://m.harbour.example/world/storm?utm_source=rss&utm_medium=feed",
        "https://harbour.example/world/storm#comments",
        "https://harbour.example/world/storm/amp",
        "https://amp.harbour.example/world/storm?amp=1",
        "https://www.google.com/amp/s/www.harbour.example/world/storm",
        "https://harbour-example.cdn.ampproject.org/c/s/harbour.example/world/storm",
        "https://HARBOUR.example:443/world/storm?fbclid=abc&at_medium=RSS",
    ],
)
def test_addresses_of_one_page_have_one_form(url: str) -> None:
    assert canonical_url(url) == PAGE


def test_parameters_that_choose_the_page_are_kept_and_sorted() -> None:
    assert canonical_url("https://harbour.example/?page=2&id=7&ref=rss") == "https://harbour.example/?id=7&page=2"


def test_a_host_that_only_begins_like_a_mobile_one_is_left_alone() -> None:
    assert canonical_url("https://m.com/story") == "https://m.com/story"


@given(st.text())
def test_any_text_is_answered_and_answered_alike_the_second_time(text: str) -> None:
    once = canonical_url(text)
    assert canonical_url(text) == once


@pytest.mark.parametrize(
    "title",
    [
        "Storm closes the harbour’s northern gate",
        "BREAKING: Storm closes the harbour's northern gate",
        "Storm closes the Harbours northern gate - Harbour News",
        "  storm closes the härbours northern gate  ",
    ],
)
def test_one_headline_has_one_key_whatever_surrounds_it(title: str) -> None:
    assert title_key(title) == "storm closes the harbours northern gate"


def test_a_dash_inside_a_headline_is_no_masthead() -> None:
    assert title_key("The mayor resigns - and the city breathes") == "the mayor resigns and the city breathes"


@given(st.permutations(["ab", "bc", "cd", "xy", "z"]))
def test_members_that_share_keys_through_others_are_together_in_any_order(members: list[str]) -> None:
    found = {frozenset(group) for group in components(members, [list(member) for member in members])}
    assert found == {frozenset({"ab", "bc", "cd"}), frozenset({"xy"}), frozenset({"z"})}
