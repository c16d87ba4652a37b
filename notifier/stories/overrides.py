"""What operators said against the rules, as it is applied: rulings on items, and what was said of whole stories.

Enters: what the store keeps of it. Leaves: `Overrides`, why an item was moved, and `Homes`: where what was told of
a story belongs once its items were moved. It goes with the item whose words it used, so that a split repeats nothing
and hides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from notifier.stories.apply_rulings import Trails
from notifier.stories.open_stories import OpenStories
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


@dataclass(frozen=True, slots=True)
class Homes:
    """Where what was told belongs, as items were moved: by the address whose words it used, else by its story."""

    by_url: Mapping[str, int] = field(default_factory=dict)
    by_story: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, trails: Trails, stories: OpenStories) -> Homes:
        """With the moved item whose words it used, else where it was, else where those items went."""
        by_url: dict[str, int] = {}
        went: dict[int, int] = {}
        for item_id, trail in trails.items():
            now = stories.story_of(item_id)
            if now is not None:
                by_url[stories.item(item_id).url] = now
                went |= {move.before: now for move in trail}
        return cls(by_url, {left: into for left, into in went.items() if stories.story(left) is None})

    def home(self, story_id: int, url: str) -> int:
        """The story of what was told of this one in the words of this address."""
        return self.by_url.get(url) or self.by_story.get(story_id, story_id)


def trace(
    item_id: int, story_id: int, trail: tuple[ItemMove, ...], pairs: Iterable[Pair], left: int | None = None
) -> Grouping:
    """Why the item is in its story now: an operator's ruling, with the whole trail so that it can be undone.

    `left` is the story that it was in before (None: before the last of its moves): several may be made at once.
    """
    last = trail[-1]
    by = next((pair.by for pair in pairs if pair.act == last.act), "")
    said = "taken back" if last.undone else "same" if last.same else "apart"
    evidence = {
        "ruling": last.act,
        "said": said,
        "with": last.other,
        "from_story": last.before if left is None else left,
    }
    steps = [[m.act, m.same, m.other, m.before, m.undone, m.began] for m in trail]
    return Grouping(item_id, story_id, "operator", evidence | ({"by": by} if by else {}) | {"trail": steps})


def trail_of(item_id: int, evidence: Mapping[str, object]) -> tuple[ItemMove, ...]:
    """The reverse of `trace`. A step that was written before it said where the item began has five parts."""
    steps = evidence.get("trail")
    return tuple(ItemMove(item_id, *step) for step in steps) if isinstance(steps, list) else ()


def began_in(trail: tuple[ItemMove, ...], story_id: int | None) -> int | None:
    """The story that an item came to, before it was moved to the one that it is in now."""
    if not trail:
        return story_id
    first = trail[0]
    return first.began if first.began is not None else story_id if first.undone else first.before


def left_by(move: Grouping) -> int:
    """The story that a moved item was in."""
    return int(move.evidence["from_story"])
