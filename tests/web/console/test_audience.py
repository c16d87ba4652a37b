"""The audience over time: a chart with the same figures in words and in a table, and nobody's identity."""

from __future__ import annotations

from datetime import timedelta

import pytest

from notifier.subscribers.audience import AudienceKind, DayCount, DayEnds
from tests.web.console.newsroom import Console
from tests.web.site import NOW

TODAY = NOW.date()
DAY = timedelta(days=1)


def count(kind: AudienceKind, name: str, number: int, days_ago: int = 0) -> DayCount:
    return DayCount(TODAY - days_ago * DAY, kind, name, number)


@pytest.fixture(autouse=True)
def signed_in(console: Console) -> None:
    console.sign_in()
    console.audience.kept = [count(AudienceKind.ALL, "all", 1000, 1), count(AudienceKind.TOPIC, "ships", 900, 1)]
    console.audience.now = [
        count(AudienceKind.ALL, "all", 1234),
        count(AudienceKind.TOPIC, "ships", 1100),
        count(AudienceKind.BROWSER, "firefox", 1234),
    ]
    console.audience.left = [
        DayEnds(TODAY, "410", "mozilla", 6),
        DayEnds(TODAY - DAY, "stopped", "fcm", 3),
        DayEnds(TODAY - 40 * DAY, "stopped", "fcm", 50),
    ]


def test_a_chart_says_in_words_what_it_shows_and_has_its_figures_below(console: Console) -> None:
    page = console.get("/console/audience").text

    assert 'aria-label="By topic, 2 days. Now: Ships 1,100"' in page
    assert '<td class="number" data-value="900">900</td>' in page
    assert "style=" not in page


def test_the_figures_add_up(console: Console) -> None:
    page = console.get("/console/audience").text

    assert "<dt>Subscriptions now</dt><dd>1,234</dd>" in page
    assert "<dt>Came in 30 days</dt><dd>243</dd>" in page
    assert "<dt>Left in 30 days</dt><dd>9</dd>" in page


def test_why_and_where_others_left_is_said_for_the_chosen_time(console: Console) -> None:
    page = console.get("/console/audience").text
    assert "Took the permission back, or the browser ended it" in page

    assert ">53</td>" in console.get("/console/audience?days=90").text
    assert console.get("/console/audience?days=7").status == 422


def test_with_nobody_the_page_says_how_to_be_the_first(console: Console) -> None:
    console.audience.now = [count(AudienceKind.ALL, "all", 0)]
    console.audience.kept, console.audience.left = [], []

    assert "that is your first subscription" in console.get("/console/audience").text
