"""Charts: what is drawn where, what is said of it, and that no name becomes markup."""

from __future__ import annotations

import re
from datetime import date, timedelta

from lxml import etree

from notifier.web.console.charts import bars_a_day, lines_a_day

FIRST = date(2026, 4, 1)


def days(*counts: int | None) -> dict[date, int]:
    """A count for each day from the first of April on; None for a day that is not known."""
    return {FIRST + timedelta(number): count for number, count in enumerate(counts) if count is not None}


def test_a_bar_is_as_high_as_its_count() -> None:
    svg = bars_a_day({"Ships": days(10, 20, 0)}, "Alerts a day")
    heights = [float(height) for height in re.findall(r'class="rect"[^>]*height="([\d.]+)"', svg)]
    assert heights == [76.0, 152.0, 0.0]


def test_bars_of_two_series_stand_side_by_side() -> None:
    svg = bars_a_day({"Ships": days(1), "Rivers": days(2)}, "Alerts a day")
    (first, width), (second, _) = re.findall(r'class="rect" x="([\d.]+)"[^>]*width="([\d.]+)"', svg)
    assert float(first) + float(width) < float(second)


def test_a_line_has_a_gap_where_a_day_is_not_known() -> None:
    svg = lines_a_day({"Ships": days(1, 2, None, 3), "Rivers": days(1, 1, 1, 1)}, "Subscriptions")
    ships, rivers = re.findall(r'<path class="line" d="(M[^"]+)"/><circle', svg)
    assert (re.sub(r"[^ML]", "", ships), re.sub(r"[^ML]", "", rivers)) == ("MLM", "MLLL")
    assert svg.count("<circle") == 7


def test_names_are_text_and_the_sentence_is_read_aloud() -> None:
    svg = bars_a_day({"<b>&": days(1)}, 'At "most" one')
    found = etree.fromstring(svg)
    assert (found.get("role"), found.get("aria-label")) == ("img", 'At "most" one')
    assert "<b>&" in list(found.itertext())


def test_counts_are_told_in_round_steps_and_days_by_name_as_far_as_there_is_room() -> None:
    told = list(etree.fromstring(lines_a_day({"All": days(*range(0, 2400, 80))}, "Subscriptions")).itertext())
    assert told[:5] == ["0", "1,000", "2,000", "3,000", "1 Apr"]
    assert told[5:] == ["6 Apr", "11 Apr", "16 Apr", "21 Apr", "26 Apr", "All"]


def test_without_days_there_is_no_chart() -> None:
    assert bars_a_day({"Ships": {}}, "Alerts") == lines_a_day({}, "Subscriptions") == ""
