"""A held topic at the decider: its followers wait for an editor, those of other topics do not wait for them."""

from __future__ import annotations

from datetime import timedelta

from notifier.alerts.decide import Hold, Send
from notifier.alerts.decider import Decider
from notifier.stories.overrides import HOLD, Overrides
from notifier.topics.match import TopicIndex
from notifier.topics.topic import Fallback, Then, Topic, TopicMode
from tests.stories.items import NOON, item

FLOODS = Topic("floods", "Floods", "", "flood")
COURTS = Topic("courts", "Courts", "", "court", TopicMode.HELD, held=Fallback(900, Then.SEND))


def decider() -> Decider:
    return Decider(TopicIndex([FLOODS, COURTS]), [FLOODS, COURTS])


def test_one_story_of_two_topics_is_sent_to_one_and_waits_for_the_other() -> None:
    result = decider().take([item(1, "Flood reaches the court of Ilm")], NOON)

    held, sent = result.verdicts
    assert isinstance(held, Hold)
    assert isinstance(sent, Send)
    assert (held.alert.topics, sent.alert.topics) == (frozenset({"courts"}), frozenset({"floods"}))
    assert held.alert.message == sent.alert.message
    assert len(result.stories) == 2, "each verdict beside its story"


def test_a_story_on_hold_is_dropped_in_the_end_whatever_its_topics_say() -> None:
    newsroom = decider()
    newsroom.apply_overrides(Overrides("1", choices={1: HOLD}))

    result = newsroom.take([item(1, "Flood reaches the court of Ilm")], NOON)

    for verdict in result.verdicts:
        assert isinstance(verdict, Hold)
        assert verdict.alert.why.hold.then is Then.DROP
        assert verdict.alert.hold_until == NOON + timedelta(seconds=verdict.alert.ttl_s)
