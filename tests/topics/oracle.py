"""A slow and obvious evaluator, to hold the real one against: it reads a text word by word, with no index.

Its texts are words of small letters with one space between them.
"""

from __future__ import annotations

from itertools import product

from notifier.text.languages import primary_language
from notifier.text.stems import stem
from notifier.topics.reading import Text
from notifier.topics.tree import And, In, Near, Node, Not, Or, Term


def is_true(node: Node, text: Text, fields: tuple[str, ...] = ("title", "summary")) -> bool:
    match node:
        case Not(rule):
            return not is_true(rule, text, fields)
        case And(rules):
            return all(is_true(rule, text, fields) for rule in rules)
        case Or(rules):
            return any(is_true(rule, text, fields) for rule in rules)
        case In(scope, rule):
            return _of_language(rule, text) if scope == "lang" else is_true(rule, text, (scope.value,))
        case _:
            return any(_spans(node, getattr(text, field).split(), _language(text, fields)) for field in fields)


def _language(text: Text, fields: tuple[str, ...]) -> str:
    return "" if fields[0] in {"source", "section"} else primary_language(text.language)


def _of_language(rule: Node, text: Text) -> bool:
    match rule:
        case Or(rules):
            return any(_of_language(one, text) for one in rules)
        case Term(words):
            return (text.language or "en").split("-")[0] == words
        case _:
            raise AssertionError(f"a language is named by a word, not by {rule}")


def _spans(node: Node, words: list[str], language: str) -> list[tuple[int, int]]:
    """First and last word of every place where a term, NEAR or a choice of them stands."""
    match node:
        case Term():
            wanted = node.words.split()
            starts = range(len(words) - len(wanted) + 1)
            return [
                (start, start + len(wanted) - 1)
                for start in starts
                if all(_same(*both, node.exact, language) for both in zip(wanted, words[start:], strict=False))
            ]
        case Or(rules):
            return [span for rule in rules for span in _spans(rule, words, language)]
        case Near(left, right, distance):
            pairs = product(_spans(left, words, language), _spans(right, words, language))
            return [(min(a, c), max(b, d)) for (a, b), (c, d) in pairs if 0 < max(c - b, a - d) <= distance]
        case _:
            return []


def near_words(node: Node, words: list[str], language: str) -> set[int]:
    """The numbers of all words that take part in some finding of a NEAR: every combination is gone through."""
    return {number for _, _, members in _findings(node, words, language) for number in members}


def _findings(node: Node, words: list[str], language: str) -> list[tuple[int, int, frozenset[int]]]:
    """First word, last word and the words that take part, of every finding."""
    match node:
        case Or(rules):
            return [found for rule in rules for found in _findings(rule, words, language)]
        case Near(left, right, distance):
            pairs = product(_findings(left, words, language), _findings(right, words, language))
            return [
                (min(a, c), max(b, d), ours | theirs)
                for (a, b, ours), (c, d, theirs) in pairs
                if 0 < max(c - b, a - d) <= distance
            ]
        case _:
            return [(a, b, frozenset(range(a, b + 1))) for a, b in _spans(node, words, language)]


def _same(wanted: str, word: str, exact: bool, language: str) -> bool:
    if wanted.endswith("*"):
        return word.startswith(wanted[:-1])
    return wanted == word or (not exact and stem(wanted, language) == stem(word, language))
