"""A tree written back as an expression, with no parenthesis that it does not need.

Enters: `Node`. Leaves: text that parses to the same tree.
"""

from __future__ import annotations

from notifier.topics.tree import And, In, Near, Node, Not, Or, Term

_ANY, _ALL, _NO, _NEAR, _ONE = range(5)


def show(node: Node) -> str:
    """The expression of a tree."""
    return _show(node, _ANY)


def _show(node: Node, tightness: int) -> str:
    """`tightness` is what the place around binds like: anything looser gets parentheses."""
    match node:
        case Term():
            return _term(node)
        case In(scope, Term() as term):
            return f"{scope}:{_term(term)}"
        case In(scope, rule):
            return f"{scope}:({show(rule)})"
        case Near(left, right, distance):
            text, binding = f"{_show(left, _NEAR)} NEAR/{distance} {_show(right, _ONE)}", _NEAR
        case Not(rule):
            text, binding = f"NOT {_show(rule, _NO)}", _NO
        case And(rules):
            text, binding = " AND ".join(_show(rule, _NO) for rule in rules), _ALL
        case Or(rules):
            text, binding = " OR ".join(_show(rule, _ALL) for rule in rules), _ANY
    return text if binding >= tightness else f"({text})"


def _term(term: Term) -> str:
    words = f'"{term.words}"' if term.quoted else term.words
    return f"={words}" if term.exact else words
