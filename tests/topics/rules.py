"""Hypothesis strategies: rules and texts out of few words, so that they meet often."""

from __future__ import annotations

from hypothesis import strategies as st

from notifier.topics.reading import Text
from notifier.topics.tree import And, FieldScope, In, Near, Node, Not, Or, Term, is_open

WORDS = ["strike", "strikes", "striking", "nato", "summit", "summits", "vote", "voted", "storm", "stormy"]
PUBLISHERS = ["morning post", "evening post", "the storm"]
SECTIONS = ["world", "sport"]
LANGUAGES = ["en", "en-GB", "fr", "xx", None]

words = st.sampled_from(WORDS)
sentences = st.lists(words, max_size=7).map(" ".join)
texts = st.builds(
    Text, sentences, sentences, st.sampled_from(PUBLISHERS), st.sampled_from(SECTIONS), st.sampled_from(LANGUAGES)
)

_phrases = st.builds(Term, st.lists(words, min_size=1, max_size=3).map(" ".join), st.just(True), st.booleans())
_beginnings = st.builds(Term, words.map(lambda word: f"{word[:3]}*"))
_terms = st.one_of(st.builds(Term, words, st.just(False), st.booleans()), _beginnings, _phrases)


def _choice(rules: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.lists(rules, min_size=2, max_size=3).map(lambda inner: Or(_flat(Or, inner)))


_placed: st.SearchStrategy[Node] = st.recursive(
    _terms, lambda inner: st.one_of(_choice(inner), st.builds(Near, inner, inner, st.integers(1, 4))), max_leaves=4
)


def _compound(rules: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    both = st.lists(rules, min_size=2, max_size=3).map(lambda inner: And(_flat(And, inner)))
    return st.one_of(both, _choice(rules), st.builds(Not, rules))


def _flat(kind: type[And] | type[Or], rules: list[Node]) -> tuple[Node, ...]:
    return tuple(inner for rule in rules for inner in (rule.rules if isinstance(rule, kind) else (rule,)))


_plain = st.recursive(_placed, _compound, max_leaves=5)
_labels = st.one_of(
    st.builds(In, st.just(FieldScope.TITLE), _plain),
    st.builds(
        In, st.just(FieldScope.SOURCE), st.sampled_from([Term("post"), Term("morning post", True), Term("sto*")])
    ),
    st.builds(In, st.just(FieldScope.SECTION), st.sampled_from([Term(section) for section in SECTIONS])),
    st.builds(In, st.just(FieldScope.LANG), st.sampled_from([Term("en"), Term("fr"), Or((Term("en"), Term("fr")))])),
)

trees: st.SearchStrategy[Node] = st.recursive(st.one_of(_placed, _labels), _compound, max_leaves=6).filter(
    lambda tree: not is_open(tree)
)
