"""Charts as accessible SVG: the stylesheet colours them, and a sentence says what is to be seen.

Enters: counts by day, for each series. Leaves: markup without a style, a script or an id, which the site's policy
forbids or a second chart on the page would repeat. The figures stand in a table under each chart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

Series = Mapping[str, Mapping[date, int]]

WIDTH, HEIGHT, PLOT_HEIGHT = 660, 210, 158
TOP, BASE = 3.0, 155.0
"""Where the highest tick and zero are drawn, down from the top of the plot."""
# As many days as have room for their names.
NAMED_DAYS = 7
# More days than this are a line with small dots.
DOTTED_DAYS = 40


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where days and counts are drawn: `at_edges` puts the first and the last day at the sides, as lines want it."""

    days: Sequence[date]
    ticks: Sequence[int]
    at_edges: bool

    @property
    def left(self) -> int:
        """Room for the widest tick's words."""
        return 12 + 7 * len(f"{self.ticks[-1]:,}")

    @property
    def width(self) -> int:
        return WIDTH - 4 - self.left

    @property
    def day_width(self) -> float:
        return (self.width - 24) / max(1, len(self.days) - self.at_edges)

    def x(self, number: int) -> float:
        """The middle of the day with this number."""
        within = 0.0 if self.at_edges and len(self.days) > 1 else 0.5
        return 12 + (number + within) * self.day_width

    def y(self, count: int) -> float:
        return BASE - (BASE - TOP) * count / self.ticks[-1]


def bars_a_day(series: Series, sentence: str) -> Markup:
    """A group of bars for each day, one for each series; `sentence` is what somebody hears who does not see it."""
    plot = _plot(series, at_edges=False)
    return _chart("bar-graph", plot, list(series), _bars(series, plot), sentence) if plot.days else Markup()


def lines_a_day(series: Series, sentence: str) -> Markup:
    """A line for each series over the days; a day that a series does not have leaves a gap. No days, no chart."""
    plot = _plot(series, at_edges=True)
    return _chart("line-graph", plot, list(series), _lines(series, plot), sentence) if plot.days else Markup()


def _plot(series: Series, *, at_edges: bool) -> _Plot:
    days = sorted({day for counts in series.values() for day in counts})
    most = max((count for counts in series.values() for count in counts.values()), default=0)
    return _Plot(days, _ticks(most), at_edges)


def _ticks(most: int) -> list[int]:
    """Five ends of round steps: 1, 2 or 5 times a power of ten."""
    step = max(1, -(-most // 4))
    power = 10 ** (len(str(step)) - 1)
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step)
    return list(range(0, max(most, 1) + step, step))


def _bars(series: Series, plot: _Plot) -> Iterator[str]:
    """The bars of each series, side by side within four fifths of the day."""
    width = 0.8 * plot.day_width / len(series)
    for number, counts in enumerate(series.values()):
        left = width * (number - len(series) / 2)
        yield "".join(
            f'<rect class="rect" x="{plot.x(day) + left:.1f}" y="{plot.y(count):.1f}"'
            f' width="{width * 0.95:.1f}" height="{BASE - plot.y(count):.1f}"/>'
            for day, count in _known(counts, plot.days)
        )


def _lines(series: Series, plot: _Plot) -> Iterator[str]:
    """The line and the dots of each series: after a day without a count the pen is put down anew."""
    radius = 2.5 if len(plot.days) < DOTTED_DAYS else 1
    for counts in series.values():
        points = [(day, f"{plot.x(day):.1f}", f"{plot.y(count):.1f}") for day, count in _known(counts, plot.days)]
        known = {day for day, _, _ in points}
        path = " ".join(f"{'L' if day - 1 in known else 'M'}{x} {y}" for day, x, y in points)
        dots = "".join(f'<circle class="dot" cx="{x}" cy="{y}" r="{radius}"/>' for _, x, y in points)
        yield f'<path class="line" d="{path}"/>{dots}'


def _known(counts: Mapping[date, int], days: Sequence[date]) -> Iterable[tuple[int, int]]:
    """(number of the day, count) of the days that have one."""
    return [(number, counts[day]) for number, day in enumerate(days) if day in counts]


def _chart(kind: str, plot: _Plot, names: Sequence[str], drawn: Iterable[str], sentence: str) -> Markup:
    inside = "".join(
        f'<g class="series serie-{number} color-{number}">{shapes}</g>' for number, shapes in enumerate(drawn)
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{{}}">'
        f'<g class="{kind}" transform="translate({plot.left}, 4)">{_axes(plot)}<g>{inside}</g></g>'
        f'<g class="legends" transform="translate({plot.left + 10}, 192)">{{}}</g></svg>'
    )
    return Markup(svg).format(sentence, _legend(names))  # noqa: S704 - numbers and our own words; names are escaped


def _axes(plot: _Plot) -> str:
    parts = []
    for tick in plot.ticks:
        y = plot.y(tick)
        parts.append(
            f'<path class="guide line" d="M0 {y:.1f} h{plot.width}"/><text x="-5" y="{y + 3.5:.1f}">{tick:,}</text>'
        )
    every = max(1, -(-len(plot.days) // NAMED_DAYS))
    named = [
        f'<text x="{plot.x(number):.1f}" y="173">{day.day} {day:%b}</text>'
        for number, day in enumerate(plot.days)
        if number % every == 0
    ]
    frame = f'<path class="line" d="M0 0 v{PLOT_HEIGHT}"/>'
    return f'<g class="axis y">{"".join(parts)}</g><g class="axis x">{frame}{"".join(named)}</g>'


def _legend(names: Sequence[str]) -> Markup:
    column = (WIDTH - 30) / max(1, len(names))
    entry = Markup(
        '<g class="legend"><rect class="color-{0}" x="{1:.0f}" y="1" width="12" height="12"/>'
        '<text x="{2:.0f}" y="11.2">{3}</text></g>'
    )
    return Markup().join(
        entry.format(number, number * column, number * column + 17, name) for number, name in enumerate(names)
    )
