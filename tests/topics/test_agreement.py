"""Rules and texts from hypothesis: printing, evaluating, matching and back-testing all say what the oracle says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifier.topics.corpus import Corpus, CorpusItem
from notifier.topics.evaluate import evaluate
from notifier.topics.match import TopicIndex
from notifier.topics.print import show
from notifier.topics.query import parse
from notifier.topics.reading import Text
from notifier.topics.topic import Topic
from notifier.topics.tree import Node
from tests.topics import rules
from tests.topics.oracle import is_true

START = datetime(2026, 5, 1, tzinfo=UTC)


@given(rules.trees)
def test_a_printed_rule_reads_back_as_the_same_rule(tree: Node) -> None:
    assert parse(show(tree)).tree == tree


@given(rules.trees, rules.texts)
def test_a_rule_is_true_where_a_slow_and_obvious_reading_says_so(tree: Node, text: Text) -> None:
    assert (evaluate(tree, text) is not None) == is_true(tree, text)


@given(rules.trees, rules.texts)
def test_every_matched_word_stands_where_it_is_said_to_stand(tree: Node, text: Text) -> None:
    for word in evaluate(tree, text) or ():
        assert getattr(text, word.field)[word.start : word.end] == word.text != ""


@given(st.lists(rules.trees, max_size=6), st.lists(rules.texts, max_size=4), st.data())
def test_the_index_finds_the_topics_that_are_true_while_topics_come_and_go(
    trees: list[Node], texts: list[Text], data: st.DataObject
) -> None:
    index, topics = TopicIndex(), dict[str, Node]()
    for number, tree in enumerate(trees):
        slug = f"topic-{data.draw(st.integers(0, number))}"
        index.add(Topic(slug, "", "", show(tree)))
        topics[slug] = tree
        if data.draw(st.booleans()) and texts:
            index.match(texts[0])  # from now on its language has a table that must be kept up
    for slug in data.draw(st.sets(st.sampled_from(sorted(topics)))) if topics else ():
        assert index.remove(slug)
        del topics[slug]
    for text in texts:
        assert {match.slug for match in index.match(text)} == {
            slug for slug, tree in topics.items() if is_true(tree, text)
        }


@given(rules.trees, st.lists(rules.texts, max_size=6))
def test_a_corpus_finds_the_items_that_are_true(tree: Node, texts: list[Text]) -> None:
    items = [
        CorpusItem(
            number, START + timedelta(hours=number), text.title, text.summary, text.source, text.section, text.language
        )
        for number, text in enumerate(texts)
    ]
    found = [item.story_id for item in Corpus(items).matching(tree)]
    assert found == [number for number, text in enumerate(texts) if is_true(tree, text)]
