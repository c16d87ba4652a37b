"""A text as words, in any script."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notifier.text.fold import fold
from notifier.text.tokens import LEXEME, tokens


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Trump’s US-led plan isn't 3.5% dead", ["trump", "us", "led", "plan", "isn't", "3", "5", "dead"]),
        ("Zoe\u02bcs U.S. debut", ["zoe", "u", "s", "debut"]),
        ("Нобелевский комитет", ["нобелевский", "комитет"]),
        ("हिन्दी समाचार", ["हिन्दी", "समाचार"]),
        ("北京", ["北京"]),
        ("東京で地震", ["東京", "京で", "で地", "地震"]),
        ("がん", ["がん"]),
        ("首批EAI机器人 到", ["首批eai机器人", "到"]),
        ("서울 지하철", ["서울", "지하", "하철"]),
        ("", []),
    ],
)
def test_words_come_in_order_folded_and_without_possessives(text: str, found: list[str]) -> None:
    assert tokens(text) == found


@given(st.text())
@example("\U0003134b")  # no letter yet in the Unicode of some Pythons
@example("\u02bc")  # an apostrophe, though Unicode calls it a letter
@example("\u0e31")  # a Thai mark with no letter under it
def test_what_is_read_for_rules_is_read_for_stories_too(text: str) -> None:
    assert bool(LEXEME.search(fold(text))) == bool(tokens(text))


@given(st.text(st.characters(max_codepoint=127)))
def test_the_short_way_of_plain_ascii_comes_to_the_same(text: str) -> None:
    found = [word.removesuffix("'s") for word in re.findall("[^\\W_]+(?:'[^\\W_]+)*", text.lower())]
    assert tokens(text) == found
    assert tokens(f"{text} é") == [*found, "e"]
