"""Charts as accessible SVG: pygal draws, our stylesheet colours, and a sentence says what is to be seen.

pygal adds a style sheet and a script of its own to each chart, which the site's policy forbids; they are taken out, and
with them the title of each bar's tooltip, which a screen reader would read one by one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pygal
from lxml import etree
from markupsafe import Markup

# pygal leaves a finder of the kind before Python 3.4 behind: every later import would be asked of it, with a warning.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != pygal.__name__]

UNWANTED = {"style", "script", "defs", "desc", "title"}
# As many days as have room for their names.
NAMED_DAYS = 7


def bars_a_day(series: Mapping[str, Mapping[date, int]], sentence: str) -> Markup:
    """A group of bars for each day, one for each series; `sentence` is what somebody hears who does not see it."""
    days = _days(series)
    chart = pygal.Bar(**_look(series, days))
    for name, counts in series.items():
        chart.add(name, [counts.get(day, 0) for day in days])
    return _plain(chart.render_tree(), sentence)


def lines_a_day(series: Mapping[str, Mapping[date, int]], sentence: str) -> Markup:
    """A line for each series over the days; a day that a series does not have leaves a gap. No days, no chart."""
    days = _days(series)
    if not days:
        return Markup()
    chart = pygal.Line(**_look(series, days), dots_size=2.5 if len(days) < 40 else 1, allow_interruptions=True)
    for name, counts in series.items():
        chart.add(name, [counts.get(day) for day in days])
    return _plain(chart.render_tree(), sentence)


def _days(series: Mapping[str, Mapping[date, int]]) -> Sequence[date]:
    return sorted({day for counts in series.values() for day in counts})


def _look(series: Mapping[str, Mapping[date, int]], days: Sequence[date]) -> dict[str, Any]:
    most = max((n for counts in series.values() for n in counts.values()), default=0)
    return {
        "width": 660,
        "height": 210,
        "css": (),
        "js": (),
        "disable_xml_declaration": True,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": max(1, len(series)),
        "truncate_label": -1,
        "truncate_legend": -1,
        "margin": 4,
        "y_labels": [{"value": tick, "label": f"{tick:,}"} for tick in _ticks(most)],
        "x_labels": [f"{day.day} {day:%b}" for day in days],
        "x_labels_major_every": max(1, -(-len(days) // NAMED_DAYS)),
        "show_minor_x_labels": False,
        "tooltip_fancy_mode": False,
    }


def _ticks(most: int) -> list[int]:
    """Five ends of round steps: 1, 2 or 5 times a power of ten."""
    step = max(1, -(-most // 4))
    power = 10 ** (len(str(step)) - 1)
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step)
    return list(range(0, max(most, 1) + step, step))


def _plain(svg: etree._Element, sentence: str) -> Markup:
    for element in [e for e in svg.iter() if not isinstance(e.tag, str) or etree.QName(e).localname in UNWANTED]:
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)
    for element in svg.iter():
        element.attrib.pop("style", None)
        element.attrib.pop("id", None)
    svg.set("role", "img")
    svg.set("aria-label", sentence)
    return Markup(etree.tostring(svg, encoding="unicode"))  # noqa: S704 - made by pygal from escaped text
