"""Why an expression cannot be read, in the operator's words.

Enters: the parser's complaint. Leaves: `QueryError` with the place, what was expected and a likely fix.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from lark import Token, UnexpectedInput, UnexpectedToken

from notifier.errors import QueryError
from notifier.topics.limits import LONGEST_WORD, place_in, shown

_OPERAND = 'a word, a "phrase", a field or a group in parentheses'
_FIELDS = ("title", "source", "section", "lang")
_CURLY = "“”„‟«»"
_CHARACTERS = {
    '"': ('this quote is not closed; expected "', 'Close it: "climate change"'),
    "*": (f"* stands alone; expected {_OPERAND}", "Write a beginning before it: elect*"),
    "-": ("this - excludes nothing", "Put it right before a word, without a space: -football"),
    "=": ("this = is followed by no word", "Put it right before a word: =May"),
} | {curly: (f"{curly} is not a quote here", 'Use straight quotes: "climate change"') for curly in _CURLY}
_hanging_operator = re.compile(r"\b(?:AND|OR|NOT|NEAR/\d+)\Z").search


def explain(expression: str, error: UnexpectedInput) -> QueryError:
    """The error to show for what the parser found."""
    if isinstance(error, UnexpectedToken):
        return _unexpected_token(expression, error.token)
    return _unexpected_character(expression, error.pos_in_stream or 0)


def _unexpected_token(expression: str, token: Token) -> QueryError:
    position = len(expression) if token.type == "$END" else token.start_pos or 0
    before = expression[:position].rstrip()
    if token.type in {"$END", "RPAR"} and (hanging := _hanging_operator(before)):
        operator = hanging.group()
        return _refuse(
            expression,
            hanging.start(),
            f"nothing follows {shown(operator)}; expected {_OPERAND}",
            f'Write a word after it, or "{shown(operator.lower())}" in quotes to look for the word',
        )
    if token.type == "$END":
        problem, fix = 'this parenthesis is not closed; expected ")"', "Close it, or take it out"
        return _refuse(expression, _still_open(expression), problem, fix)
    if token.type == "RPAR" and before.endswith("("):
        problem, fix = f"the group is empty; expected {_OPERAND}", "Fill it or take it out"
        return _refuse(expression, len(before) - 1, problem, fix)
    if token.type == "RPAR":
        problem, fix = "this parenthesis closes none that is open", 'Take it out, or open one: "("'
        return _refuse(expression, position, problem, fix)
    return _refuse(
        expression,
        position,
        f"{shown(token)} has nothing on its left; expected {_OPERAND}",
        f'Write a word before {shown(token)}, or "{shown(token.lower())}" in quotes to look for the word',
    )


def _unexpected_character(expression: str, position: int) -> QueryError:
    character = expression[position]
    if character == ":":
        return _stray_colon(expression, position)
    if character == "*" and (begun := _word_before(expression, position)):
        problem, fix = "* stands within a word; expected it at the end", f"Write {shown(begun)}*"
        return _refuse(expression, position, problem, fix)
    problem, fix = _CHARACTERS.get(character, (f"{character} cannot stand here; expected {_OPERAND}", "Take it out"))
    return _refuse(expression, position, problem, fix)


def _word_before(expression: str, position: int) -> str:
    start = position
    while start and not (expression[start - 1].isspace() or expression[start - 1] in '()"'):
        start -= 1
    return expression[start:position]


def _stray_colon(expression: str, position: int) -> QueryError:
    """After a known field there was a space; after anything else the field is unknown."""
    head = expression[:position]
    name = head.split()[-1].lstrip("(-=") if head.split() else ""
    known = name.lower() in _FIELDS
    start = head.rstrip().rfind(name) if name else position
    if known:
        problem, fix = f"{shown(name)}: and what it looks for stand apart", f"Write {name}:word, without a space"
        return _refuse(expression, start, problem, fix)
    if not name:
        return _refuse(expression, position, "this colon follows no field", f"The fields are {_list()}")
    close = get_close_matches(name[:LONGEST_WORD].lower(), _FIELDS, n=1)
    fix = (
        f"Did you mean {close[0]}:?" if close else f"The fields are {_list()}; for the word alone, leave out the colon"
    )
    return _refuse(expression, start, f"there is no field {shown(name)}:", fix)


def _still_open(expression: str) -> int:
    """Where the innermost parenthesis stands that nothing closes."""
    opened: list[int] = []
    in_quotes = False
    for position, character in enumerate(expression):
        if character == '"':
            in_quotes = not in_quotes
        elif character == "(" and not in_quotes:
            opened.append(position)
        elif character == ")" and not in_quotes and opened:
            opened.pop()
    return opened[-1] if opened else len(expression) - 1


def _list() -> str:
    return ", ".join(f"{name}:" for name in _FIELDS)


def _refuse(expression: str, position: int, problem: str, fix: str) -> QueryError:
    line, column = place_in(expression, position)
    return QueryError(problem, fix=fix, line=line, column=column)
