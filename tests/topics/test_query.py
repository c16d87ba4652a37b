"""What reads, what it reads as, and what is refused: with the place, what was expected and a likely fix."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notifier.errors import QueryError
from notifier.topics.query import Query, parse

REFUSED = {
    # expression: (line, column, part of the problem, part of the fix)
    "": (1, 1, "empty", "Write a word"),
    " \n ": (1, 1, "empty", "Write a word"),
    "nato and russia": (1, 6, "small letters", "Write AND"),
    "nato Or russia": (1, 6, "small letters", "Write OR"),
    "nato not russia": (1, 6, "small letters", "Write NOT"),
    "nato\nOR ukraine\nand russia": (3, 1, "small letters", "Write AND"),
    'nato OR "climate change': (1, 9, 'not closed; expected "', "Close it"),
    "(nato OR ukraine": (1, 1, 'not closed; expected ")"', "Close it"),
    "(nato OR (ukraine)": (1, 1, "not closed", "Close it"),
    "nato)": (1, 5, "closes none", "Take it out"),
    "nato ()": (1, 6, "empty; expected a word", "Fill it"),
    "“climate change”": (1, 1, "not a quote", 'straight quotes: "climate change"'),
    "title :nato": (1, 1, "apart", "Write title:word"),
    "title: nato": (1, 1, "apart", "Write title:word"),
    "headline:nato": (1, 1, "no field headline:", "title:, source:, section:, lang:"),
    "nato sorce:bbc": (1, 6, "no field sorce:", "Did you mean source:?"),
    "AND nato": (1, 1, "nothing on its left; expected a word", "before AND"),
    "nato AND": (1, 6, "nothing follows AND; expected a word", "after it"),
    "nato AND OR russia": (1, 10, "nothing on its left", "before OR"),
    "(nato NOT)": (1, 7, "nothing follows NOT", "after it"),
    "nato - russia": (1, 6, "excludes nothing", "-football"),
    "nato *": (1, 6, "stands alone", "elect*"),
    "el*ct": (1, 3, "within a word", "Write el*"),
    "e*": (1, 1, "nearly everything", "two letters"),
    "=elect*": (1, 1, "exact and a beginning", "elect* or =elect"),
    "nato =": (1, 6, "followed by no word", "=May"),
    "nato NEAR russia": (1, 6, "not an operator", "NEAR/5"),
    "nato near/5 russia": (1, 6, "not an operator", "NEAR/5"),
    "nato NEAR/0 russia": (1, 6, "out of range", "NEAR/1"),
    "nato NEAR/101 russia": (1, 6, "out of range", "NEAR/100"),
    "(nato ukraine) NEAR/3 russia": (1, 16, "NEAR takes words", "air defence"),
    "title:nato NEAR/3 russia": (1, 12, "NEAR takes words", "title:(a NEAR/5 b)"),
    "title:(source:bbc)": (1, 1, "a field within", "Take it out"),
    "lang:(en NOT fr)": (1, 1, "takes a language", "lang:en"),
    "nato ...": (1, 6, "no letter or digit", "Write a word"),
    'nato "!"': (1, 6, "no letter or digit", "Write a word"),
}
MATCHES_EVERYTHING = {
    "NOT football": (1, 1),
    "-football": (1, 1),
    "nato OR -football": (1, 9),
    "nato OR\n  NOT football": (2, 3),
    "(NOT a) (NOT b)": (1, 2),
    "NOT (a AND NOT b)": (1, 1),
    "title:nato OR NOT source:bbc": (1, 15),
}


@pytest.mark.parametrize("expression", REFUSED)
def test_a_rule_that_cannot_be_read_is_refused_with_place_and_fix(expression: str) -> None:
    line, column, problem, fix = REFUSED[expression]
    with pytest.raises(QueryError) as refused:
        parse(expression)
    assert (refused.value.line, refused.value.column) == (line, column)
    assert problem in refused.value.problem
    assert fix in refused.value.fix


@pytest.mark.parametrize("expression", MATCHES_EVERYTHING)
def test_a_rule_that_would_match_everything_by_mistake_is_refused_at_its_not(expression: str) -> None:
    with pytest.raises(QueryError, match="nearly everything") as refused:
        parse(expression)
    assert (refused.value.line, refused.value.column) == MATCHES_EVERYTHING[expression]


@pytest.mark.parametrize(
    ("written", "plainly"),
    [
        ("nato russia", "nato AND russia"),
        ("a OR b c", "a OR b AND c"),
        ("(a OR b) c", "(a OR b) AND c"),
        ("a -b", "a AND NOT b"),
        ("a NOT (b OR c)", "a AND NOT (b OR c)"),
        ("((a))", "a"),
        ("a (b (c d))", "a AND b AND c AND d"),
        ('TITLE:"climate   change"', 'title:"climate change"'),
        ("a NEAR/2 b NEAR/3 c", "a NEAR/2 b NEAR/3 c"),
        ("a NEAR/2 (b NEAR/3 c)", "a NEAR/2 (b NEAR/3 c)"),
        ("c -(a NEAR/2 b)", "c AND NOT a NEAR/2 b"),
        ("ANDROID ORANGE NOTHING", "ANDROID AND ORANGE AND NOTHING"),
        ("10:30 anti-war O’Brien AT&T", "10:30 AND anti-war AND O’Brien AND AT&T"),
        ('="warm words" =May', '="warm words" AND =May'),
        ("(a OR NOT b) c", "(a OR NOT b) AND c"),
        ('"and" "AND"', '"and" AND "AND"'),
    ],
)
def test_rules_bind_as_the_page_of_the_language_says(written: str, plainly: str) -> None:
    assert str(parse(written)) == plainly
    assert parse(plainly) == parse(written)


@given(st.text(alphabet='ab"()*:=- \nANDORT/5“’.é北', max_size=24))
@example('a="b"c')
def test_whatever_is_typed_reads_or_is_refused_within_itself(expression: str) -> None:
    query, refused = _read(expression)
    if refused is None:
        assert query is not None
        assert parse(str(query)) == query
        return
    lines = expression.split("\n")
    assert 1 <= (refused.line or 0) <= len(lines)
    assert 1 <= (refused.column or 0) <= len(lines[(refused.line or 1) - 1]) + 1
    assert refused.problem
    assert refused.fix


def _read(expression: str) -> tuple[Query | None, QueryError | None]:
    try:
        return parse(expression), None
    except QueryError as refused:
        return None, refused
