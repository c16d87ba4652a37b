"""An operator's expression, read into a tree or refused with the place and a likely fix.

Enters: the `match` of a topic. Leaves: `Query`; next: match, and previews (alerts). The grammar is in
grammar.lark, the language on one page in docs/topics.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, v_args

from notifier.errors import QueryError
from notifier.topics.limits import MOST_NEARS, check_length, check_term, check_tokens, may_be_large, shown
from notifier.topics.print import show
from notifier.topics.rule_errors import explain
from notifier.topics.tree import And, FieldScope, In, Near, Node, Not, Or, Term, first_open_not, is_open

_FARTHEST_NEAR = 100
_SHORTEST_BEGINNING = 2
_LOWER_CASE_OPERATORS = frozenset({"and", "or", "not"})


@dataclass(frozen=True, slots=True)
class Query:
    """A rule that was read. `str()` of it is the rule in its plainest spelling, which reads back as the same tree."""

    expression: str = field(compare=False)
    tree: Node

    def __str__(self) -> str:
        return show(self.tree)


def parse(expression: str) -> Query:
    """Read an expression. Raises QueryError with line and column within it, from 1."""
    if not expression.strip():
        raise QueryError("the rule is empty", fix="Write a word, for example: Nato", line=1, column=1)
    check_length(expression)
    try:
        if may_be_large(expression):
            check_tokens(_parser().lex(expression))
        tree: Any = _parser().parse(expression)
    except UnexpectedInput as error:
        raise explain(expression, error) from None
    if (culprit := first_open_not(tree)) and is_open(tree):
        raise QueryError(
            "this NOT stands alone, so that the rule would match nearly everything",
            fix="Say what to look for as well, for example: election NOT football",
            line=culprit.line,
            column=culprit.column,
        )
    return Query(expression, tree)


@lru_cache(maxsize=1024)
def names_sources(expression: str) -> bool:
    """Whether a rule picks its sources (`source:`, not under a NOT). Raises QueryError."""
    return bool(expression.strip()) and _has_source(parse(expression).tree)


def _has_source(node: Node) -> bool:
    match node:
        case In(scope, rule):
            return scope is FieldScope.SOURCE or _has_source(rule)
        case And(rules) | Or(rules):
            return any(map(_has_source, rules))
        case _:
            return False


@cache
def _parser() -> Lark:
    grammar = files("notifier.topics").joinpath("grammar.lark").read_text("utf-8")
    # The basic lexer reads AND as an operator wherever it stands, so that a stray one is an error and not a word.
    return Lark(grammar, parser="lalr", lexer="basic", transformer=_ToTree())


@v_args(inline=True)
class _ToTree(Transformer[Token, Node]):
    """Grammar rules to nodes; refuses what the grammar alone cannot."""

    def any_of(self, *rules: Node) -> Node:
        return rules[0] if len(rules) == 1 else Or(tuple(_flat(rules, Or)))

    def all_of(self, *rules: Node) -> Node:
        return rules[0] if len(rules) == 1 else And(tuple(_flat(rules, And)))

    def negated(self, operator: Token, rule: Node) -> Node:
        return Not(rule, *_place(operator))

    def nearby(self, left: Node, operator: Token, right: Node) -> Node:
        digits = operator.removeprefix("NEAR/").lstrip("0")
        distance = int(digits[: len(str(_FARTHEST_NEAR)) + 1] or 0)
        if not 1 <= distance <= _FARTHEST_NEAR:
            raise _refusal(operator, f"{shown(operator)} is out of range", f"Use NEAR/1 to NEAR/{_FARTHEST_NEAR}")
        if not (_has_places(left) and _has_places(right)):
            raise _refusal(
                operator,
                "NEAR takes words, phrases and groups of them joined by OR",
                'For example: (Nato OR alliance) NEAR/5 "air defence"; put a field around it: title:(a NEAR/5 b)',
            )
        if _nears(left) + _nears(right) >= MOST_NEARS:
            problem = f"more than {MOST_NEARS} NEARs hang together"
            raise _refusal(operator, problem, "Put AND between some of them")
        return Near(left, right, distance)

    def within(self, name: Token, rule: Node) -> Node:
        scope = FieldScope(name.removesuffix(":").lower())
        if _has_field(rule):
            raise _refusal(name, f"there is a field within {scope}:( )", "Take it out: title:a source:b")
        if scope is FieldScope.LANG and not _is_choice(rule):
            raise _refusal(name, "lang: takes a language", "For example: lang:en or lang:(en OR fr)")
        return In(scope, rule)

    def word(self, token: Token) -> Node:
        written = str(token)
        if written.lower() in _LOWER_CASE_OPERATORS:
            raise _refusal(
                token,
                f"{written} is not an operator in small letters",
                f'Write {written.upper()}, or "{written}" in quotes to look for the word',
            )
        if written.lower().startswith("near/") or written == "NEAR":
            raise _refusal(token, f"{shown(written)} is not an operator", "Write NEAR/5 for: within five words")
        return _term(token, written.removeprefix("="), quoted=False)

    def phrase(self, token: Token) -> Node:
        return _term(token, " ".join(token.removeprefix("=").strip('"').split()), quoted=True)


def _term(token: Token, words: str, *, quoted: bool) -> Term:
    check_term(token, words)
    exact = token.startswith("=")
    term = Term(words, quoted, exact)
    if not term.runs:
        raise _refusal(token, f"{shown(token)} has no letter or digit to look for", "Write a word")
    for word in words.split():
        beginning, star, rest = word.partition("*")
        if star and rest:
            raise _refusal(token, f"* stands within {shown(word)}", f"It stands at the end only: {shown(beginning)}*")
        if star and beginning.isascii() and len(beginning) < _SHORTEST_BEGINNING:
            raise _refusal(token, f"{word} would match nearly everything", "Give two letters or more before the *")
    if exact and "*" in words:
        fix = f"Write {shown(words)} or ={shown(words.rstrip('*'))}"
        raise _refusal(token, f"{shown(token)} is exact and a beginning at once", fix)
    return term


def _flat(rules: tuple[Node, ...], kind: type[And] | type[Or]) -> list[Node]:
    """(a b) c says the same as a b c."""
    return [inner for rule in rules for inner in (rule.rules if isinstance(rule, kind) else (rule,))]


def _is_choice(rule: Node) -> bool:
    return isinstance(rule, Term) or (isinstance(rule, Or) and all(map(_is_choice, rule.rules)))


def _has_places(rule: Node) -> bool:
    return isinstance(rule, Term | Near) or (isinstance(rule, Or) and all(map(_has_places, rule.rules)))


def _nears(rule: Node) -> int:
    match rule:
        case Near(left, right, _):
            return 1 + _nears(left) + _nears(right)
        case Or(rules):
            return sum(map(_nears, rules))
        case _:
            return 0


def _has_field(rule: Node) -> bool:
    match rule:
        case In():
            return True
        case Not(inner):
            return _has_field(inner)
        case And(rules) | Or(rules):
            return any(map(_has_field, rules))
        case _:
            return False


def _place(token: Token) -> tuple[int, int]:
    return token.line or 1, token.column or 1


def _refusal(token: Token, problem: str, fix: str) -> QueryError:
    line, column = _place(token)
    return QueryError(problem, fix=fix, line=line, column=column)
