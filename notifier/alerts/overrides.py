"""The operator's override as the decider applies it: rulings on items, and what was said of whole stories.

Enters: what the store keeps of it. Leaves: `Overrides`, and where each past alert belongs once items were moved: it
goes with the item whose words it used, so that a split repeats nothing and hides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from notifier.alerts.decide import PastAlert
from notifier.stories.apply_rulings import Trails
from notifier.stories.rulings import ItemMove, Pair
from notifier.stories.story import Grouping, StoryItem

NEVER, HOLD = "never", "hold"


@dataclass(frozen=True, slots=True)
class Overrides:
    """All of it at one instant. `version` differs whenever any of it does: of the rulings, a bar, of the choices.

    `pairs` are the rulings in force, oldest first; `items` those of the stories that were ruled on lately; `trails` say
    how items were moved before; `choices` of a story `never` (no alert) or `hold` (its alerts wait for an editor).
    """

    version: str = ""
    pairs: tuple[Pair, ...] = ()
    items: tuple[StoryItem, ...] = ()
    trails: Trails = field(default_factory=dict)
    choices: Mapping[int, str] = field(default_factory=dict)

    @property
    def rulings(self) -> str:
        """The version of the rulings alone."""
        return self.version.partition("|")[0]


def home_of(
    alerts: Iterable[PastAlert],
    trails: Trails,
    story_of: Callable[[int], int | None],
    url_of: Callable[[int], str],
    is_open: Callable[[int], bool],
) -> list[tuple[int, PastAlert]]:
    """(story, alert): with the moved item whose words it used, else where it was, else where those items went."""
    carried: dict[str, int] = {}
    went: dict[int, int] = {}
    for item, trail in trails.items():
        now = story_of(item)
        if now is not None:
            carried[url_of(item)] = now
            went |= {move.before: now for move in trail}
    found = []
    for alert in alerts:
        left = alert.story_id
        found.append((carried.get(alert.url) or (left if is_open(left) else went.get(left, left)), alert))
    return found


def trace(item_id: int, story_id: int, trail: tuple[ItemMove, ...], pairs: Iterable[Pair]) -> Grouping:
    """Why the item is in its story now: an operator's ruling, with the whole trail so that it can be undone."""
    last = trail[-1]
    by = next((pair.by for pair in pairs if pair.act == last.act), "")
    said = "taken back" if last.undone else "same" if last.same else "apart"
    evidence = {"ruling": last.act, "said": said, "with": last.other, "from_story": last.before}
    steps = [[move.act, move.same, move.other, move.before, move.undone] for move in trail]
    return Grouping(item_id, story_id, "operator", evidence | ({"by": by} if by else {}) | {"trail": steps})


def trail_of(item_id: int, evidence: Mapping[str, object]) -> tuple[ItemMove, ...]:
    """The reverse of `trace`."""
    steps = evidence.get("trail")
    if not isinstance(steps, list):
        return ()
    return tuple(ItemMove(item_id, act, same, other, before, taken) for act, same, other, before, taken in steps)
