"""What cannot be worked out costs itself: one item, one story, one topic; the others of the same poll are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from notifier.alerts.decide import Drop, Send
from notifier.alerts.decider import Decider, DecisionResult
from notifier.stories.story import StoryItem
from notifier.topics.match import TopicIndex
from notifier.topics.reading import Text
from notifier.topics.topic import Topic, TopicMatch
from tests.stories.items import NOON, item

DAMS = Topic("dams", "Dams", "", "dam")
NO_ZONE = datetime(2030, 5, 14, 12)  # noqa: DTZ001 - what no comparison with a time survives


def decider() -> Decider:
    return Decider(TopicIndex([DAMS]), [DAMS])


def outcome(result: DecisionResult) -> dict[int, str]:
    """By item of the story what became of it."""
    return {
        told.item_ids[0]: verdict.code if isinstance(verdict, Drop) else "sent"
        for told, verdict in zip(result.stories, result.verdicts, strict=True)
    }


def test_a_story_that_cannot_be_judged_costs_itself() -> None:
    poison = replace(item(1, "Dam at Kessel holds", "A"), published_at=NO_ZONE)
    result = decider().take([poison, item(2, "Dam near Brey breaks", "B")], NOON)
    assert outcome(result) == {1: "undecidable", 2: "sent"}
    (fault,) = result.faults
    assert (fault.part, fault.name) == ("story", "1")
    assert fault.error.startswith("TypeError")


def test_a_story_whose_related_cannot_be_judged_is_decided_without_it() -> None:
    made = decider()
    poison = replace(item(1, "Dam at Kessel holds", "A", story_id=1), published_at=NO_ZONE)
    made.restore([poison, item(2, "Dams of Brey", "B", story_id=2, near=(1,))], [])
    result = made.take([replace(item(2, "Dams of Brey break", "B", story_id=2), version=2)], NOON)
    assert outcome(result) == {2: "sent"}


def test_an_item_that_no_rule_can_be_asked_about_is_grouped_and_the_others_are_told() -> None:
    class Fragile(TopicIndex):
        """An index that one text breaks."""

        def match(self, text: Text) -> tuple[TopicMatch, ...]:
            if text.title.startswith("Odd"):
                raise RecursionError("too deep")
            return super().match(text)

    made = Decider(Fragile([DAMS]), [DAMS])
    result = made.take([item(1, "Odd dam of Kessel", "A"), item(2, "Dam near Brey breaks", "B")], NOON)
    assert outcome(result) == {1: "no-topic", 2: "sent"}
    assert [(fault.part, fault.name) for fault in result.faults] == [("item", "1")]


def test_a_topic_that_cannot_be_read_stays_as_it_was_and_the_others_are_exchanged() -> None:
    made = decider()
    made.use_topics([replace(DAMS, match="(dam"), Topic("opera", "Opera", "", "opera")])
    result = made.take([item(1, "Dam near Brey breaks", "B"), item(2, "Opera of Lind opens", "C")], NOON)
    assert [v.alert.topics for v in result.verdicts if isinstance(v, Send)] == [{"dams"}, {"opera"}]
    assert [(fault.part, fault.name) for fault in result.faults] == [("topic", "dams")]


def unreadable(one: StoryItem) -> StoryItem:
    """As no type allows it, and a defect could make it."""
    return replace(one, title=None)  # type: ignore[arg-type]


def test_an_edit_that_cannot_be_read_leaves_its_story_as_it_was() -> None:
    made = decider()
    made.take([item(1, "Dam at Kessel holds", "A")], NOON)
    broken = replace(unreadable(item(1, "", "A")), version=2)
    result = made.take([broken, item(2, "Dam near Brey breaks", "B")], NOON)
    assert [(g.item_id, g.signal) for g in result.groupings if g.item_id == 1] == [(1, "undecidable")]
    assert outcome(result)[2] == "sent"


def test_an_odd_item_in_the_memory_does_not_keep_the_decider_from_starting() -> None:
    made = decider()
    made.restore([unreadable(item(1, "", "A", story_id=1)), item(2, "Dam holds", "B", story_id=2)], [])
    result = made.take([item(3, "Dam near Brey breaks", "C")], NOON)
    assert outcome(result) == {3: "sent"}
    assert [fault.name for fault in result.faults] == ["1"]
