"""What every part of the API is made of: strict bodies, plain answers, pages with a cursor, text that can be stored."""

from __future__ import annotations

import re
from typing import Annotated, Any, Generic, Self, TypeVar

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from notifier.base64url import decode, encode
from notifier.errors import EntryInvalid
from notifier.web.bodies import LARGEST_ID

PAGE, LARGEST_PAGE = 50, 200
# No database takes NUL, no YAML file the rest; line breaks and tabs are text.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_CURSOR = re.compile(r"\d{1,18}(-\d{1,16})?")

Item = TypeVar("Item")


def printable(text: str) -> str:
    """The text, as it is. Raises ValueError for one that no screen could show."""
    if _CONTROLS.search(text):
        raise ValueError("control characters have no place in it")
    return text


PRINTABLE = AfterValidator(printable)
"""Goes behind a text's constraints: what is stripped is measured as it is then."""
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), PRINTABLE]
Named = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), PRINTABLE]
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="At most so many")]
Cursor = Annotated[
    str | None, Query(max_length=64, pattern="^[A-Za-z0-9_-]+$", description="`next` of the page before this one")
]
Version = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        pattern="^[0-9a-f]+$",
        description="The file's version that the change starts from; another one is answered with 409",
        examples=["3f1c0a9be72d4c55b1f08e6a7d9c2e10"],
    ),
]


class ResponseBody(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def of(cls, known: object, **more: Any) -> Self:
        """As programs read it: `more`, and what `known` has under the names of the other members."""
        return cls(**{name: getattr(known, name) for name in cls.model_fields if name not in more} | more)


class RequestBody(BaseModel):
    """A body. Members that we do not know are refused: they would be a mistake that nobody notices."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Page(ResponseBody, Generic[Item]):
    """Part of a list, newest first."""

    items: list[Item]
    next: str | None = Field(description="The cursor of the next page; null on the last one")


def cursor_of(*places: int) -> str:
    """Where a page ended, as programs hand it back to us: nothing that they should read."""
    return encode("-".join(map(str, places)).encode())


def places_of(cursor: str | None, count: int) -> tuple[int, ...] | None:
    """The reverse of `cursor_of`; None for the first page. Raises EntryInvalid for what is no cursor of ours."""
    if cursor is None:
        return None
    try:
        text = decode(cursor).decode("ascii")
    except ValueError:
        text = ""
    places = tuple(map(int, text.split("-"))) if _CURSOR.fullmatch(text) else ()
    if len(places) != count or max(places) > LARGEST_ID:
        raise EntryInvalid("the cursor is not one that we gave", "Send `next` of an earlier page")
    return places
