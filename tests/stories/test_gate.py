"""What recurs is kept from alerting by a named rule, and news that sounds like it is not."""

from __future__ import annotations

import pytest

from notifier.stories.gate import gate
from tests.stories.items import item


@pytest.mark.parametrize(
    ("title", "rule"),
    [
        ("The best early spring laptop deals you can buy today", "deals"),
        ("These headphones are $80 off right now", "deals"),
        ("Wordle today: hints and answer for May 14", "puzzle"),
        ("Horoscope for the week", "horoscope"),
        ("Kempton best bets and odds for Saturday", "betting"),
        ("The week in pictures", "gallery"),
        ("Pixel Nine review: good enough", "review"),
        ("How to watch the regatta", "how to watch"),
        ("The new tax rules explained", "explainer"),
        ("Why has the bank raised its rates", "explainer"),
        ("Who is the new premier of Selvik", "explainer"),
        ("Can the truce hold?", "explainer"),
        ("Norland heads to the polls for the third time in a year", "preview"),
        ("Polls open in Sudmark", "preview"),
        ("Former minister to testify before inquiry", "preview"),
        ("When does season two of Harbour Lights come out", "schedule"),
        ("Live updates", "live shell"),
        ("Video: minister leaves court", "live shell"),
        ("Ocean film tops box office", "box office"),
    ],
)
def test_recurring_kinds_fall_under_their_rule(title: str, rule: str) -> None:
    found = gate(item(1, title))
    assert found is not None
    assert found.rule == rule
    assert found.found.lower() in title.lower()


@pytest.mark.parametrize(
    "title",
    [
        "Ministers sign peace deal after nine years of war",
        "Trade deal between Norland and Sudmark collapses",
        "Live: president safe after shots at gala",
        "Airline connections cut as volcano erupts",
        "Court orders review of ferry licences",
        "Parliament votes to end shutdown of ports",
        "Voters reject new constitution of Norland",
        "Ceasefire set to be extended",
        "Shops on strike in capital",
    ],
)
def test_news_that_sounds_like_it_passes(title: str) -> None:
    assert gate(item(1, title)) is None
