"""Why two items are one story, or are not: every layer of the grouping with its figures and its line.

Enters: two stored items, the items of the days before the newer one, what was recorded of both, the rulings. Leaves: an
`Explanation`, as data and as rows that a person reads. The window is filled anew, in the order in which the items came,
so the figures are those of the newer item's arrival, but for edits and moves that came since. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from notifier.stories.agency_copy import LEAST_STEMS, NEAR_EQUAL, agency, near_equal
from notifier.stories.canonical import title_key
from notifier.stories.cluster import Grouper, Likeness, least_shared
from notifier.stories.exact import LEAST_WORDS, is_one_page
from notifier.stories.rulings import Rulebook
from notifier.stories.signals import Weights
from notifier.stories.story import Grouping, StoryItem
from notifier.text.content import stems

# The figures of a sum are shown rounded; less than this is no part of it.
ROUNDED = 0.02
SAME, APART, MAYBE, OPEN = "same", "apart", "possibly", ""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: which layer it belongs to, what was found, the line that it is held against, and what it says.

    `says` is `same`, `apart`, `possibly`, or empty where it decides nothing by itself.
    """

    layer: str
    found: str
    line: str = ""
    says: str = OPEN


@dataclass(frozen=True, slots=True)
class Explanation:
    """`older` and `newer` are in the order in which they came; `joined` says how each came to its story."""

    older: StoryItem
    newer: StoryItem
    sentence: str
    rows: tuple[Row, ...]
    figures: Mapping[str, Any]
    joined: tuple[Grouping, ...] = ()

    @property
    def together(self) -> bool:
        """Whether they are in one story now."""
        return self.older.story_id is not None and self.older.story_id == self.newer.story_id

    def as_json(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return {
            "together": self.together,
            "sentence": self.sentence,
            "items": [_brief(self.older), _brief(self.newer)],
            "joined": [
                {"item": g.item_id, "signal": g.signal, "evidence": dict(g.evidence), "related": list(g.related)}
                for g in self.joined
            ],
            "layers": dict(self.figures),
        }


@dataclass(slots=True)
class _Account:
    rows: list[Row] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)


def explain(
    one: StoryItem,
    other: StoryItem,
    window: Iterable[StoryItem],
    groupings: Mapping[int, Grouping],
    book: Rulebook,
    reach: timedelta,
) -> Explanation:
    """Compare two items layer by layer. `window` are the grouped items of the `reach` before the newer one."""
    older, newer = sorted((one, other), key=lambda item: (item.first_seen, item.id))
    account = _Account()
    _ruling(account, older, newer, book)
    _exact(account, older, newer)
    _wire(account, older, newer)
    grouper, likeness = _arrive(older, newer, window, reach)
    _event(account, older, newer, likeness, grouper.weights)
    _distance(account, older, newer, reach)
    joined = tuple(groupings[item.id] for item in (older, newer) if item.id in groupings)
    sentence = _sentence(older, newer, joined, account.figures)
    return Explanation(older, newer, sentence, tuple(account.rows), account.figures, joined)


def _arrive(
    older: StoryItem, newer: StoryItem, window: Iterable[StoryItem], reach: timedelta
) -> tuple[Grouper, Likeness]:
    """The window as it was when the newer item came, and how it was like the older one then."""
    grouper = Grouper(window=reach)
    known = {item.id: item for item in window if item.id != newer.id} | {older.id: older}
    for item in sorted(known.values(), key=lambda item: item.id):
        placed = item if item.story_id is not None else _in_a_story_of_its_own(item)
        grouper.adopt(placed, compared=item.id == older.id)
    return grouper, grouper.liken(newer, older.id)


def _in_a_story_of_its_own(item: StoryItem) -> StoryItem:
    """An item that the decider has not seen yet, for the comparison."""
    fields = {name: getattr(item, name) for name in StoryItem.__slots__}
    return StoryItem(**fields | {"story_id": 0})


def _ruling(account: _Account, older: StoryItem, newer: StoryItem, book: Rulebook) -> None:
    names = book.name(older), book.name(newer)
    said, by = OPEN, ""
    if names[0] is not None and names[1] is not None and names[0] != names[1]:
        said = SAME if names[1] in book.together(names[0]) else APART if names[1] in book.away_from(names[0]) else OPEN
        by = book.said_by(names[0], names[1]) if said else ""
    words = {SAME: "called the same", APART: "called apart"}.get(said, "nobody ruled on these two")
    account.rows.append(Row("ruling", words + by, "outranks all", said))
    account.figures["ruling"] = {"says": said or None, "by": by.strip() or None}


def _exact(account: _Account, older: StoryItem, newer: StoryItem) -> None:
    urls = older.canonical_url, newer.canonical_url
    same_url = urls[0] == urls[1] != ""
    found = urls[0] if same_url else f"{urls[0] or 'none'} / {urls[1] or 'none'}"
    same_page = same_url and is_one_page(newer, older)
    line = "equal, and of one publisher or in like words"
    account.rows.append(Row("url", found.replace("https://", ""), line, SAME if same_page else OPEN))
    keys = title_key(older.title), title_key(newer.title)
    length = len(keys[0].split())
    enough = length >= LEAST_WORDS or not keys[0].isascii()
    same_title = keys[0] == keys[1] and enough
    words = "the same words" if keys[0] == keys[1] else "other words"
    account.rows.append(Row("headline", words, f"equal, {LEAST_WORDS} words or more", SAME if same_title else OPEN))
    account.figures["url"] = {"equal": same_url, "counts": same_page, "canonical": list(urls)}
    account.figures["headline"] = {"equal": keys[0] == keys[1], "counts": same_title, "keys": list(keys)}


def _wire(account: _Account, older: StoryItem, newer: StoryItem) -> None:
    left, right = (stems(f"{i.title} {i.summary}", i.language) for i in (older, newer))
    share = len(left & right) / max(1, len(left | right))
    credits_ = agency(older), agency(newer)
    equal = near_equal(older, newer)
    found = f"{share:.0%} of the words in both; {len(left)} and {len(right)} words"
    if any(credits_):
        found += f"; credits {credits_[0] or 'nobody'} and {credits_[1] or 'nobody'}"
    line = f"{NEAR_EQUAL:.0%}, {LEAST_STEMS} words or more"
    account.rows.append(Row("wire copy", found, line, SAME if equal else OPEN))
    account.figures["wire"] = {
        "near_equal": equal,
        "share": round(share, 3),
        "least_share": NEAR_EQUAL,
        "words": [len(left), len(right)],
        "least_words": LEAST_STEMS,
        "agencies": list(credits_),
    }


def _event(account: _Account, older: StoryItem, newer: StoryItem, like: Likeness, weights: Weights) -> None:
    left, right = (stems(f"{i.title} {i.summary}", i.language) for i in (older, newer))
    shared, least = sorted(left & right), least_shared(newer, older)
    account.rows.append(
        Row("event: words in common", f"{len(shared)}: {', '.join(shared[:8]) or 'none'}", f"{least} or more",
            OPEN if len(shared) >= least else APART)
    )  # fmt: skip
    parts: dict[str, Any] = {}
    for name, value in like.signals.as_evidence().items():
        weight = getattr(weights, name)
        if weight:
            parts[name] = {"value": value, "weight": weight, "adds": round(value * weight, 3)}
            words = name.replace("_", " ")
            account.rows.append(Row(f"event: {words}", f"{value:.3f} × {weight:g} = {value * weight + 0.0:+.2f}"))
    account.rows.append(Row("event: start", f"{weights.bias:+.2f}"))
    rest = like.nearest_score - weights.bias - sum(part["adds"] for part in parts.values())
    if abs(rest) >= ROUNDED:  # weights whose share is not simply figure times weight
        account.rows.append(Row("event: the first half day", f"{rest:+.2f}"))
    line = f"merged at {weights.merge_at:g}, possibly at {weights.related_at:g}"
    account.rows.append(Row("event: these two", f"{like.nearest_score:.2f}", line))
    says = SAME if like.score >= weights.merge_at else MAYBE if like.score >= weights.related_at else APART
    if len(shared) < least:
        says = APART
    account.rows.append(Row("event: the whole story", f"{like.score:.2f}", line, says))
    account.figures["event"] = {
        "shared_words": shared,
        "least_shared": least,
        "signals": parts,
        "bias": weights.bias,
        "first_half_day": round(rest, 3),
        "score_of_the_two": round(like.nearest_score, 3),
        "score_of_the_story": round(like.score, 3),
        "nearest_share": weights.nearest_share,
        "merge_at": weights.merge_at,
        "related_at": weights.related_at,
        "says": says,
    }


def _distance(account: _Account, older: StoryItem, newer: StoryItem, reach: timedelta) -> None:
    times = [item.published_at or item.first_seen for item in (older, newer)]
    hours, most = abs((times[1] - times[0]).total_seconds()) / 3600, reach.total_seconds() / 3600
    within = hours <= most
    account.rows.append(Row("window", f"{hours:.1f} h apart", f"{most:g} h at most", OPEN if within else APART))
    account.figures["window"] = {"hours_apart": round(hours, 2), "most_hours": most, "within": within}


def _sentence(
    older: StoryItem, newer: StoryItem, joined: Sequence[Grouping], figures: Mapping[str, Mapping[str, Any]]
) -> str:
    if older.story_id is None or newer.story_id is None:
        return "At least one of them has no story yet: the decider gives it one within a second."
    if older.story_id == newer.story_id:
        return " ".join([f"One story, number {older.story_id}.", *map(_way, joined)])
    return f"Two stories, numbers {older.story_id} and {newer.story_id}{_why_apart(figures)}"


def _why_apart(figures: Mapping[str, Mapping[str, Any]]) -> str:
    event, within = figures["event"], figures["window"]["within"]
    looks_same = figures["url"]["counts"] or figures["headline"]["counts"] or event["says"] == SAME
    if figures["ruling"]["says"] == APART:
        return ": an operator said so."
    if not within:
        return ": too far apart in time."
    if looks_same:
        return ", although they would be one by today's words: each had its story before."
    if len(event["shared_words"]) < event["least_shared"]:
        return ": too few words in common."
    possibly = ", but they are possibly related" if event["says"] == MAYBE else ""
    return f": the score {event['score_of_the_story']:.2f} is under the line {event['merge_at']:g}{possibly}."


def _way(grouping: Grouping) -> str:
    known = grouping.evidence
    near = known.get("nearest_item") or known.get("item") or known.get("with")
    with_ = f" with item {near}" if near else ""
    by = {
        "new": "began it",
        "url": f"joined as the same page{with_}",
        "headline": f"joined by the same headline{with_}",
        "wire": f"joined as wire copy{with_}",
        "event": f"joined as the same event{with_}",
        "operator": f"was put there by an operator{with_}",
    }.get(grouping.signal, f"joined by {grouping.signal}")
    score = f" (score {known['score']:g}, line {known['merge_at']:g})" if "score" in known else ""
    return f"Item {grouping.item_id} {by}{score}."


def _brief(item: StoryItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "story": item.story_id,
        "title": item.title,
        "publisher": item.publisher,
        "url": item.url,
        "published_at": item.published_at.isoformat() if item.published_at else None,
        "first_seen_at": item.first_seen.isoformat(),
    }
