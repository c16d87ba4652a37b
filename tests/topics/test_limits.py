"""How large a rule may be: what is too large is refused with its place, what is taken never fails when it is run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.config.files import load_topics
from notifier.errors import ConfigError, QueryError
from notifier.topics.corpus import Corpus, CorpusItem
from notifier.topics.evaluate import MOST_TOLD, evaluate
from notifier.topics.match import TopicIndex
from notifier.topics.query import parse
from notifier.topics.reading import Text
from notifier.topics.topic import Topic
from notifier.topics.tree import Node
from tests.examples import examples
from tests.topics.test_agreement import START

TOO_LARGE = {
    # what: (rule, line, column, part of the problem)
    "groups": ("(" * 300 + "a" + ")" * 300, 1, 33, "nested deeper"),
    "groups that say something": ("(a OR " * 300 + "b" + ")" * 300, 1, 193, "nested deeper"),
    "NOTs": ("a\n" + "NOT " * 300 + "b", 2, 129, "nested deeper"),
    "minus signs": ("a " + "-(" * 300 + "b" + ")" * 300, 1, 35, "nested deeper"),
    "fields": ("title:(" * 300 + "a" + ")" * 300, 1, 113, "nested deeper"),
    "words": ("ab " * 1001, 1, 3001, "more than 1,000 words"),
    "characters": ("a" * 20_001, 1, 20_001, "longer than 20,000"),
    "NEARs": ("a\nNEAR/2 " * 15 + "b NEAR/2 c", 16, 10, "more than 15 NEARs"),
    "NEARs in groups": (" NEAR/2 ".join(["(a NEAR/2 b)"] * 9), 1, 154, "more than 15 NEARs"),
    "words in a phrase": ('b "' + "a " * 33 + '"', 1, 3, "more than 32 words"),
    "letters in a word": ("b " + "a" * 201, 1, 3, "longer than 200"),
    "spellings of a phrase": ('"' + "a-b " * 7 + '"', 1, 1, "more than 64 ways"),
    "spellings of a word": ("/".join(["a-b"] * 30), 1, 1, "more than 64 ways"),
    "digits of a distance": ("a NEAR/" + "9" * 5_000 + " b", 1, 3, "out of range"),
}


@pytest.mark.parametrize("what", TOO_LARGE)
def test_a_rule_that_is_too_large_is_refused_with_its_place(what: str) -> None:
    rule, line, column, problem = TOO_LARGE[what]
    with pytest.raises(QueryError) as refused:
        parse(rule)
    assert (refused.value.line, refused.value.column) == (line, column)
    assert problem in refused.value.problem
    assert refused.value.fix
    assert len(str(refused.value)) < 300, "a sentence, not the rule once more"


def test_the_file_refuses_it_with_the_place_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "topics.yaml"
    path.write_text(f"topics:\n  - slug: a\n    title: A\n    match: {'(' * 300}a{')' * 300}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_topics(path)
    assert (refused.value.line, refused.value.column) == (4, 44)


@pytest.mark.parametrize(
    "rule",
    [
        "(" * 32 + "a" + ")" * 32,
        "(a OR b " * 31 + "c" + ")" * 31,
        "a " + "NOT " * 32 + "b",
        "ab " * 1000,
        " NEAR/100 ".join("abcdefghijklmnop"),
        "c " + "-(a " * 16 + " NEAR/2 ".join("abcdefghijklmnop") + ")" * 16,
    ],
)
def test_the_largest_rules_run_with_little_of_the_stack(rule: str) -> None:
    before = sys.getrecursionlimit()
    query = parse(rule)
    sys.setrecursionlimit(500)
    try:
        text = Text("a b c d")
        index = TopicIndex([Topic("large", "", "", rule)])
        assert [match.slug for match in index.match(text)] == (
            ["large"] if evaluate(query.tree, text) is not None else []
        )
        assert parse(str(query)) == query
    finally:
        sys.setrecursionlimit(before)


_parts = st.sampled_from(
    [
        *(
            "a",
            "storm",
            "a*",
            "st*",
            '"a b"',
            "a-b-c",
            "U.S.",
            "(",
            ")",
            " AND ",
            " OR ",
            " NOT ",
            "-",
            "=",
            " NEAR/3 ",
        ),
        *(
            "title:",
            "source:",
            "lang:en",
            "section:",
            '"',
            "\u0640",
            "é",
            "e\u0301",
            "\u0301",
            "北京",
            "l’",
            "ß",
            "\ud800",
        ),
    ]
)
_rules = st.one_of(
    st.lists(_parts, max_size=60).map("".join),
    st.builds(lambda part, times, end: part * times + "a" + end * times, _parts, st.integers(1, 400), _parts),
    st.text(max_size=60),
)
_texts = st.one_of(st.lists(_parts, max_size=40).map(" ".join), st.text(max_size=80), st.just("a " * 3000))


@settings(max_examples=examples(300))
@given(_rules, _texts, st.text(max_size=20))
def test_whatever_a_rule_says_it_is_refused_or_runs_on_any_text(rule: str, title: str, other: str) -> None:
    tree = _tree(rule)
    if tree is None:
        return
    text = Text(title, other, source=other, section=title, language="de")
    words = evaluate(tree, text)
    assert words is None or len(words) <= MOST_TOLD
    assert bool(TopicIndex([Topic("any", "", "", rule)]).match(text)) == (words is not None)
    item = CorpusItem(1, START, title, other, other, title, "de")
    assert bool(list(Corpus([item]).matching(tree))) == (words is not None)


def _tree(rule: str) -> Node | None:
    """None where the rule is refused, which has to be with a place."""
    try:
        return parse(rule).tree
    except QueryError as refused:
        if not (refused.line and refused.column):
            raise AssertionError(f"{rule!r} is refused without a place") from refused
        return None


@pytest.mark.parametrize(
    "title",
    [
        "a" * 1_000_000,
        "a-" * 500_000,
        "a." * 500_000,
        "A.B" * 300_000,
        "l'" * 500_000,
        "a" + "\u0301\u0323" * 500_000,  # ordering these marks takes the square of their number
        "a\u0301" * 500_000,
        "北京" * 500_000,
        "a " * 500_000,
        "\u0640" * 1_000_000,
    ],
    ids=lambda title: repr(title[:4]),
)
def test_a_text_of_a_megabyte_is_read_in_bounded_work(title: str) -> None:
    words = evaluate(parse('aa* OR 北京 OR "a a" OR a NEAR/9 a').tree, Text(title, title))
    assert words is None or len(words) <= MOST_TOLD
