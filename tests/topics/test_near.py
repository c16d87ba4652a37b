"""NEAR in chains: what it means, by a slow and obvious reading, and what it costs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.errors import TooMuchWork
from notifier.topics.evaluate import evaluate
from notifier.topics.query import parse
from notifier.topics.reading import Text
from notifier.topics.tree import Near, Node, Or, Term
from notifier.topics.work import Work
from tests.examples import examples
from tests.topics.oracle import is_true, near_words

_terms = st.sampled_from([Term("ab"), Term("cd"), Term("ab cd", True), Term("cd ab cd", True), Term("a*"), Term("ef")])
_alternatives = st.lists(_terms, min_size=2, max_size=2).map(lambda terms: Or(tuple(terms)))
_chains: st.SearchStrategy[Node] = st.recursive(
    st.one_of(_terms, _alternatives),
    lambda inner: st.builds(Near, inner, inner, st.integers(1, 4)),
    max_leaves=6,
).filter(lambda node: isinstance(node, Near))
# Few words, so that they stand near each other; long enough for words to be looked up all at once.
_texts = st.lists(st.sampled_from(["ab", "cd", "ef", "xy"]), max_size=14).map(" ".join)
_dense = st.lists(st.sampled_from(["ab", "cd", "cd", "ab", "xy"]), min_size=50, max_size=70).map(" ".join)


@settings(max_examples=examples(400))
@given(_chains, _texts, _texts)
def test_a_chain_is_true_where_a_slow_and_obvious_reading_says_so(chain: Node, title: str, summary: str) -> None:
    text = Text(title, summary)
    assert (evaluate(chain, text) is not None) == is_true(chain, text)


@settings(max_examples=examples(60))
@given(st.builds(Near, st.builds(Near, _terms, _terms, st.integers(1, 5)), _terms, st.integers(1, 5)), _dense)
def test_where_words_are_many_it_is_the_same(chain: Node, title: str) -> None:
    assert (evaluate(chain, Text(title)) is not None) == is_true(chain, Text(title))


@settings(max_examples=examples(400))
@given(_chains, _texts)
def test_the_words_told_are_those_that_make_it_true(chain: Node, title: str) -> None:
    words = evaluate(chain, Text(title))
    if words is not None:
        told = {number for word in words for number in _numbers(title, word.start, word.end)}
        assert told == near_words(chain, title.split(), "en")


def _numbers(title: str, start: int, end: int) -> range:
    return range(title.count(" ", 0, start), title.count(" ", 0, end) + 1)


def _steps(operands: int, distance: int, words: int, shape: str = "{}") -> int:
    chain = f" NEAR/{distance} ".join(["ab"] * operands)
    work = Work()
    assert evaluate(parse(shape.format(chain)).tree, Text(" ".join(["ab"] * words)), work) is not None
    return work.spent


@pytest.mark.parametrize("distance", [1, 5, 100])
@pytest.mark.parametrize("operands", [2, 4, 8, 16])
def test_the_cost_of_a_chain_grows_with_the_text_and_with_the_chain(operands: int, distance: int) -> None:
    short, long = _steps(operands, distance, 250), _steps(operands, distance, 4000)
    assert long < 1.5 * 16 * short
    assert long < 4000 * operands * 20


def test_five_items_of_a_preview_cost_what_they_say() -> None:
    assert _steps(16, 100, 40) < 10_000


def test_a_rule_whose_work_is_spent_is_stopped() -> None:
    with pytest.raises(TooMuchWork):
        evaluate(parse("ab NEAR/9 ab NEAR/9 ab").tree, Text("ab " * 2000), Work(1000))
