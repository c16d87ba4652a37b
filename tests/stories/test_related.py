"""Which stories may tell one event: called from either side, as long as the items that say so are open."""

from __future__ import annotations

from notifier.stories.related import RelatedItems, nearby
from tests.stories.items import item

HOME = {1: 10, 2: 20, 3: 30}


def related_items() -> RelatedItems:
    made = RelatedItems()
    made.note(2, (10,))
    made.note(3, (10, 20))
    return made


def of(made: RelatedItems, story_id: int) -> tuple[int, ...]:
    items = [item(i, "Told", story_id=s) for i, s in HOME.items() if s == story_id]
    return made.of(story_id, items, HOME.get)


def test_related_are_known_from_either_side() -> None:
    made = related_items()
    assert [of(made, story) for story in (10, 20, 30)] == [(20, 30), (10, 30), (10, 20)]


def test_what_is_noted_first_stays() -> None:
    made = related_items()
    made.note(2, (99,))
    made.note(2, ())
    assert of(made, 20) == (10, 30)


def test_an_item_that_was_dropped_points_nowhere() -> None:
    made = related_items()
    made.drop(3)
    assert [of(made, story) for story in (10, 20, 30)] == [(20,), (10,), ()]


def test_items_that_are_closed_are_forgotten() -> None:
    made = related_items()
    made.forget(lambda item_id: item_id == 3)
    assert [of(made, story) for story in (10, 20, 30)] == [(30,), (30,), (10, 20)]


def test_the_circle_is_the_related_and_their_related() -> None:
    related = {1: (2,), 2: (1, 3), 3: (2, 4), 4: (3,)}
    assert nearby(1, related[1], related.__getitem__) == (2, 3)
