"""How large a rule may be, so that reading it and asking it are bounded whoever wrote it: refused with the place.

Enters: an expression, and its tokens as the grammar's lexer finds them. Leaves: nothing, or `QueryError`. This comes
before the parser and everything that walks a tree by calling itself. The numbers stand in docs/topics.md too.
"""

from __future__ import annotations

from collections.abc import Iterable

from lark import Token

from notifier.errors import QueryError
from notifier.text.line import shorten
from notifier.topics.forms import MOST_SPELLINGS, ways

MOST_CHARACTERS = 20_000
MOST_DEPTH = 32
MOST_TERMS = 1_000
MOST_NEARS = 15
MOST_WORDS = 32
LONGEST_WORD = 200
_SHOWN = 40
_SHORTEST_TO_CHECK = 27  # seven words with hyphens, a-b a-b …, are as long; what is shorter breaks no bound

_PREFIXES = frozenset({"NOT", "MINUS", "FIELD"})
_WORDS = frozenset({"WORD", "QUOTED"})


def place_in(expression: str, position: int) -> tuple[int, int]:
    """Line and column, from 1, of a character."""
    return expression.count("\n", 0, position) + 1, position - expression.rfind("\n", 0, position)


def shown(written: str) -> str:
    """What was written, as far as a sentence about it has room."""
    return shorten(written, _SHOWN)


def check_length(expression: str) -> None:
    """Raises QueryError at the first character that is too many."""
    if len(expression) > MOST_CHARACTERS:
        line, column = place_in(expression, MOST_CHARACTERS)
        problem = f"the rule is longer than {MOST_CHARACTERS:,} characters"
        raise QueryError(problem, fix="Make two topics of it", line=line, column=column)


def may_be_large(expression: str) -> bool:
    """Whether `check_tokens` could find anything: nearly no rule needs it."""
    deeper = expression.count("(") + expression.count("NOT") + expression.count("-") + expression.count(":")
    return deeper > MOST_DEPTH or len(expression) > 2 * MOST_TERMS


def check_tokens(tokens: Iterable[Token]) -> None:
    """Raises QueryError where groups, fields and NOTs stand too deep within each other, or there are too many words."""
    opened: list[int] = []
    depth, terms = 0, 0
    prefixes = 0
    for token in tokens:
        if token.type in _PREFIXES:
            prefixes += 1
        elif token.type == "LPAR":
            opened.append(prefixes + 1)
            depth += prefixes + 1
            prefixes = 0
        elif token.type == "RPAR":
            depth -= opened.pop() if opened else 0
        else:
            prefixes = 0
            terms += token.type in _WORDS
        if depth + prefixes > MOST_DEPTH:
            raise _refusal(
                token, f"it is nested deeper than {MOST_DEPTH} groups and NOTs", "Take out parentheses that add nothing"
            )
        if terms > MOST_TERMS:
            raise _refusal(token, f"there are more than {MOST_TERMS:,} words and phrases", "Make two topics of it")


def check_term(token: Token, words: str) -> None:
    """Raises QueryError for a word or a phrase of which too much would have to be looked for."""
    if len(words) < _SHORTEST_TO_CHECK:
        return
    each = words.split()
    if len(each) > MOST_WORDS:
        raise _refusal(token, f"the phrase has more than {MOST_WORDS} words", "A few words of it find it as well")
    if longest := next((word for word in each if len(word) > LONGEST_WORD), None):
        problem = f"{shown(longest)} is longer than {LONGEST_WORD} characters"
        raise _refusal(token, problem, "Write a word, or its beginning with a * behind it")
    if ways(words) > MOST_SPELLINGS:
        problem = f"{shown(str(token))} has so many hyphens that there are more than {MOST_SPELLINGS} ways to write it"
        raise _refusal(token, problem, "Leave hyphens out: antiwar finds anti-war too")


def _refusal(token: Token, problem: str, fix: str) -> QueryError:
    return QueryError(problem, fix=fix, line=token.line or 1, column=token.column or 1)
