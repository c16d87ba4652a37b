"""The index of topics: order, evidence, change, and topics without words."""

from __future__ import annotations

import pytest

from notifier.errors import QueryError
from notifier.topics.match import TopicIndex
from notifier.topics.text import Text
from notifier.topics.topic import MatchedWord, Topic, TopicMatch, TopicMode

STORY = Text("Nato summit opens", "Leaders meet", source="The Morning Post", section="world", language="en")


def topic(slug: str, match: str, mode: TopicMode = TopicMode.EVERY) -> Topic:
    return Topic(slug, slug.title(), "", match, mode)


def slugs(index: TopicIndex, text: Text = STORY) -> list[str]:
    return [match.slug for match in index.match(text)]


def test_a_match_carries_the_words_and_where_they_stand() -> None:
    index = TopicIndex([topic("nato", "Nato summits")])
    assert index.match(STORY) == (
        TopicMatch("nato", (MatchedWord("title", 0, 4, "Nato"), MatchedWord("title", 5, 11, "summit"))),
    )


def test_topics_come_in_the_order_in_which_they_were_given() -> None:
    assert slugs(TopicIndex([topic("b", "summit"), topic("a", "nato"), topic("c", "section:world")])) == ["b", "a", "c"]


def test_every_kind_of_rule_is_found_by_the_index() -> None:
    rules = [
        "nato",
        "summ*",
        '"nato summit"',
        "source:morning",
        "section:world",
        "lang:en",
        "title:nato -rain",
        "zz* OR storm",
    ]
    index = TopicIndex([topic(str(number), rule) for number, rule in enumerate(rules)])
    assert slugs(index) == [str(number) for number in range(7)]


def test_a_breaking_topic_without_a_match_takes_every_story() -> None:
    index = TopicIndex([topic("breaking", "", TopicMode.BREAKING)])
    assert index.match(STORY) == (TopicMatch("breaking", ()),)


@pytest.mark.parametrize("mode", [TopicMode.EVERY, TopicMode.HELD])
def test_any_other_topic_without_a_match_is_refused(mode: TopicMode) -> None:
    with pytest.raises(QueryError, match="every story"):
        TopicIndex([topic("all", " ", mode)])


def test_a_topic_that_is_added_again_keeps_its_place_and_follows_its_new_rule() -> None:
    index = TopicIndex([topic("a", "storm"), topic("b", "nato")])
    index.add(topic("a", "summit"))
    assert slugs(index) == ["a", "b"]
    assert slugs(index, Text("Storm")) == []


def test_a_topic_whose_new_rule_cannot_be_read_keeps_its_old_one() -> None:
    index = TopicIndex([topic("a", "nato")])
    with pytest.raises(QueryError):
        index.add(topic("a", "nato and"))
    assert slugs(index) == ["a"]


def test_a_removed_topic_is_found_no_more() -> None:
    index = TopicIndex([topic("a", "nato"), topic("b", "summ*"), topic("c", "section:world OR nat*")])
    assert slugs(index) == ["a", "b", "c"]
    assert [index.remove(slug) for slug in ("a", "b", "c", "a")] == [True, True, True, False]
    assert slugs(index) == []
    assert len(index) == 0
    assert "a" not in index


def test_languages_keep_their_own_inflections() -> None:
    index = TopicIndex([topic("vote", "elections")])
    assert slugs(index, Text("L’élection", language="fr")) == ["vote"]
    assert slugs(index, Text("An election", language="en")) == ["vote"]
    index.add(topic("late", "wahlen"))
    assert slugs(index, Text("Die Wahl", language="de")) == ["late"]
