"""The index of topics: order, evidence, change, and topics without words."""

from __future__ import annotations

import pytest
import structlog

from notifier.errors import QueryError
from notifier.topics.evaluate import evaluate
from notifier.topics.failing import FailingRules
from notifier.topics.match import Evaluate, TopicIndex
from notifier.topics.reading import Text
from notifier.topics.topic import MatchedWord, Topic, TopicMatch, TopicMode
from notifier.topics.tree import Node, Term
from notifier.troubles import Code, Troubles

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


def _fails_on(word: str) -> Evaluate:
    """Asks as the service does, but for one rule, which breaks as a defect of ours would."""

    def ask(tree: Node, text: Text) -> tuple[MatchedWord, ...] | None:
        if tree == Term(word) and "calm" not in text.title:
            raise RecursionError("maximum recursion depth exceeded")
        return evaluate(tree, text)

    return ask


def test_a_rule_that_fails_costs_its_own_topic_and_is_told_once() -> None:
    troubles = Troubles()
    topics = [topic("before", "nato"), topic("broken", "storm"), topic("after", "nato OR storm")]
    index = TopicIndex(topics, FailingRules(troubles), _fails_on("storm"))
    with structlog.testing.capture_logs() as logged:
        for _ in range(100):
            assert slugs(index, Text("Nato and the storm")) == ["before", "after"]
    assert len(logged) == 1
    (trouble,) = troubles.all()
    assert (trouble.code, trouble.subject, trouble.count) == (Code.RULE_FAILING, "broken", 100)
    assert trouble.do

    assert slugs(index, Text("Nato calm after the storm")) == ["before", "broken", "after"]
    assert not troubles.all(), "it works again"


def test_a_failing_rule_is_no_trouble_any_more_once_it_is_changed_or_gone() -> None:
    troubles = Troubles()
    failing = FailingRules(troubles)
    index = TopicIndex([topic("broken", "storm")], failing, _fails_on("storm"))
    index.match(Text("Storm"))
    index.replace(topic("broken", "nato"))
    assert not troubles.all()

    index.replace(topic("broken", "storm"))
    index.match(Text("Storm"))
    TopicIndex([topic("other", "nato")], failing)
    assert not troubles.all()


def test_a_rule_that_takes_too_much_work_on_a_text_is_left_out_for_that_text() -> None:
    chain = " NEAR/100 ".join(["(a NEAR/100 a NEAR/100 a)"] * 5)
    troubles = Troubles()
    index = TopicIndex([topic("costly", chain), topic("plain", "a")], FailingRules(troubles))
    assert slugs(index, Text("a " * 20_000)) == ["plain"]
    (trouble,) = troubles.all()
    assert "too much work" in trouble.what
    assert slugs(index, Text("a b a b a b a b a b a b a b a b a b a b a b a b a b a b a b")) == ["costly", "plain"]
