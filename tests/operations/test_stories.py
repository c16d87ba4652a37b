"""An operator's override on stories, by whichever surface: kept in their name, and the decider is told each time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from notifier.errors import Conflict, NotFound, RoleTooLow
from notifier.operations.operations import Operations
from notifier.operations.stories import with_words
from tests.operations.conftest import ADA, SERVER, VIC, Told


def test_never_and_hold_are_said_and_undone(operations: Operations, told: Told) -> None:
    stories = operations.stories

    stories.never(ADA, 1)
    assert (stories.book.story(1).choice, stories.book.story(1).chosen_by) == ("never", "Ada")
    stories.hold(SERVER, 1)
    assert (stories.book.story(1).choice, stories.book.story(1).chosen_by) == ("hold", "root (command line)")
    stories.leave_to_the_rules(ADA, 1)
    stories.leave_to_the_rules(ADA, 1)

    assert (stories.book.story(1).choice, told.changed) == ("", 4)


def test_stories_are_merged_and_split_for_good_until_that_is_undone(operations: Operations, told: Told) -> None:
    stories = operations.stories

    ruling = stories.merge(ADA, 1, 3)

    assert [(one.act, one.by, one.same) for one in stories.book.rulings(5)] == [(ruling, "Ada", True)]
    stories.undo(SERVER, ruling)
    with pytest.raises(Conflict):
        stories.undo(ADA, ruling)
    assert told.changed == 2


def test_an_item_is_named_by_number_or_address_on_every_surface(operations: Operations) -> None:
    for item in ("2", "#2", "https://news.example/2"):
        with pytest.raises(Conflict):  # it is alone already
            operations.stories.split(ADA, item)
    assert operations.stories.explain("#1", "https://news.example/3").older.id == 1


def test_what_is_not_there_is_said_also_where_nothing_would_change(operations: Operations, told: Told) -> None:
    stories = operations.stories
    asked: list[Callable[[], object]] = [
        lambda: stories.never(ADA, 99),
        lambda: stories.hold(ADA, 99),
        lambda: stories.leave_to_the_rules(ADA, 99),
        lambda: stories.merge(ADA, 1, 99),
        lambda: stories.split(ADA, "99"),
        lambda: stories.undo(ADA, 99),
    ]

    for ask in asked:
        with pytest.raises(NotFound):
            ask()

    assert told.changed == 0


def test_a_viewer_says_nothing(operations: Operations) -> None:
    stories = operations.stories
    asked: list[Callable[[], object]] = [
        lambda: stories.never(VIC, 1),
        lambda: stories.hold(VIC, 1),
        lambda: stories.leave_to_the_rules(VIC, 1),
        lambda: stories.merge(VIC, 1, 3),
        lambda: stories.split(VIC, "1"),
        lambda: stories.undo(VIC, 1),
    ]

    for ask in asked:
        with pytest.raises(RoleTooLow):
            ask()

    assert stories.book.story(1).choice == ""


def test_a_search_asks_for_all_words_in_any_case(operations: Operations) -> None:
    found = operations.stories.book.stories(10)

    assert [story.id for story in with_words(found, "FARES ferry")] == [3]
    assert len(with_words(found, " ")) == 3
