from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds import dates

NINE = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "words",
    [
        "Thu, 05 Mar 2026 09:30:00 GMT",
        "Thu, 5 Mar 2026 09:30:00 +0000",
        "5 Mar 2026 9:30 Z",
        "Thu, 05 Mar 26 09:30:00 GMT",
        "Thu, 05 Mar 2026 04:30:00 EST",
        "Thu, 05 Mar 2026 10:30:00 BST",
        "Thu, 05 Mar 2026 11:30:00 CEST",
        "Thu, 05 Mar 2026 19:30:00 AEST",
        "Thu, 05 Mar 2026 10:30:00 GMT+0100",
        "Thu, 05 Mar 2026 10:30:00 UTC+1",
        "Thu, 05 Mar 2026 10:30 (CET)",
        "Thursday, March 5, 2026 9:30 AM UTC",
        "Thu Mar  5 09:30:00 2026",
        "Thu Mar  5 09:30:00 GMT 2026",
        "05-Mar-2026 09:30:00",
        "2026-03-05T09:30:00Z",
        "2026-03-05T10:30:00+01:00",
        "2026-03-05T10:30:00.123456789+01:00",
        "2026-03-05T09:30Z",
        "2026-03-05 09:30:00",
        "2026-03-05 09:30:00 +0000",
        "2026-3-5 10:30 CET",
        "2026/03/05 09:30",
        "20260305T093000Z",
        "1772703000",
        "1772703000000",
        "Do, 05 Mär 2026 10:30:00 +0100",
        "5. März 2026, 09.30",
        "jeu., 05 mars 2026 10:30:00 +0100",
        "5 de marzo de 2026 09:30",
        "gio, 05 marzo 2026 10:30:00 +0100",
        "qui, 05 março 2026 09:30:00 GMT",
        "do, 05 maart 2026 10:30:00 +0100",
        "czw, 5 marca 2026 10:30:00 CET",
        "5 марта 2026 12:30:00 MSK",
        "Πεμ, 05 Μάρ 2026 11:30:00 EET",
        "5 Mart 2026 12:30 TRT",
        "٢٠٢٦-٠٣-٠٥ ٠٩:٣٠",
    ],
)
def test_an_instant_is_understood_in_many_words(words: str) -> None:
    found = dates.parse(words)
    assert found is not None
    assert found.replace(microsecond=0) == NINE
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("words", "month"),
    [("1 juin 2026", 6), ("1 juillet 2026", 7), ("1 června 2026", 6), ("1 července 2026", 7), ("1 июня 2026", 6),
     ("1 июля 2026", 7), ("1 Août 2026", 8), ("1 sierpnia 2026", 8), ("1 października 2026", 10), ("1 Aralık 2026", 12),
     ("1 settembre 2026", 9), ("1 Dezember 2026", 12), ("1 дек 2026", 12), ("1 февраля 2026", 2)],
)  # fmt: skip
def test_months_are_told_apart_in_the_publishers_language(words: str, month: int) -> None:
    assert dates.parse(words) == datetime(2026, month, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "words",
    ["", "yesterday", "soon", "0001-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT", "31 Feb 2026", "2026-13-40",
     "5 Foo 2026 10:00", "99:99", "12345", "9999-12-31T23:59:59-23:59", "-1"],
)  # fmt: skip
def test_what_nobody_can_tell_is_none(words: str) -> None:
    assert dates.parse(words) is None


def test_feedparsers_reading_is_the_second_opinion() -> None:
    assert dates.parse("in words of its own", time.gmtime(NINE.timestamp())) == NINE


def test_a_leap_second_is_the_second_before() -> None:
    assert dates.parse("2026-06-30 23:59:60") == datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC)


def test_a_time_in_the_future_is_the_publishers_word_and_stays() -> None:
    assert dates.parse("2031-01-01T00:00:00Z") == datetime(2031, 1, 1, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_rfc_822_date_is_read_back(when: datetime) -> None:
    when = when.replace(year=1990 + when.year % 100, day=min(when.day, 28), microsecond=0)
    assert dates.parse(f"{when:%a, %d %b %Y %H:%M:%S} GMT") == when


@given(st.text(max_size=200) | st.text(alphabet="0123456789-:/. TZ+janfebGMTpm", max_size=60))
def test_any_words_give_an_aware_time_or_none(words: str) -> None:
    found = dates.parse(words)
    assert found is None or found.tzinfo is UTC
