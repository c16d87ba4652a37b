"""One spelling for a word, whoever compares it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.dates import parse
from notifier.feeds.feed import FeedConfig
from notifier.feeds.publishers import one_spelling
from notifier.stories.agency_copy import publisher_key
from notifier.stories.canonical import title_key
from notifier.text.fold import fold
from notifier.text.tokens import tokens
from notifier.topics.forms import spellings


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("NATO", "nato"),
        ("Élysée", "elysee"),
        ("Ærøskøbing", "aeroskobing"),
        ("Łódź", "lodz"),
        ("\uff2e\uff21\uff34\uff2f", "nato"),  # full width
        ("Straße", "strasse"),
        ("ИСТОРИЙ", "историй"),
        ("ещё", "еще"),
        ("İstanbul", "istanbul"),
        ("co\u00adop", "coop"),
    ],
)
def test_case_accents_and_invisible_characters_do_not_count(written: str, folded: str) -> None:
    assert fold(written) == folded


def test_lodz_is_one_word_for_topics_stories_publishers_and_dates() -> None:
    assert spellings("Łódź") == spellings("Lodz")
    assert tokens("Tram strike in Łódź") == tokens("Tram strike in Lodz")
    assert title_key("Tram strike in Łódź") == title_key("Tram strike in Lodz")
    assert publisher_key("Dziennik Łódzki") == publisher_key("Dziennik Lodzki")
    assert parse("12 października 2025") == parse("12 pazdziernika 2025")
    spelled = "Dziennik Łódzki", "dziennik lodzki"
    feeds = [FeedConfig("https://lodz.example/rss", name, name, "poland") for name in spelled]
    assert {feed.publisher for feed in one_spelling(feeds)} == {"Dziennik Łódzki"}


@given(st.text())
def test_folding_again_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
