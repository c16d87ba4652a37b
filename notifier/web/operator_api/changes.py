"""What was changed in the operators' files, by whom, line by line; each change can be undone."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from notifier.operators.change import Change
from notifier.web.bodies import Id
from notifier.web.operator_api.access import CHANGED, ROUTER, AnyActor, Reads
from notifier.web.operator_api.shapes import PAGE, Cursor, Limit, Page, ResponseBody, cursor_of, places_of
from notifier.web.services import Operating

router = APIRouter(**ROUTER)


class ChangeShown(ResponseBody):
    """A change that was made in the console or by a program."""

    id: int
    at: AwareDatetime
    file: str = Field(examples=["topics.yaml"])
    by: str = Field(description="The operator")
    what: str = Field(examples=["Changed nato"])
    difference: list[str] = Field(description="Line by line, as a unified diff marks it")


class ChangeUndone(ResponseBody):
    """The file is as it was before the change."""

    version: str
    undone: ChangeShown


@router.get("/changes")
def list_changes(actor: Reads, operations: Operating, limit: Limit = PAGE, cursor: Cursor = None) -> Page[ChangeShown]:
    """The newest first."""
    places = places_of(cursor, 1)
    found = operations.changes.recent(limit, places[0] if places else None)
    return Page(
        items=[_shown(change) for change in found],
        next=cursor_of(found[-1].id) if len(found) == limit else None,
    )


@router.get("/changes/{change_id}")
def show_change(change_id: Id, actor: Reads, operations: Operating) -> ChangeShown:
    """One change."""
    return _shown(operations.changes.find(change_id))


@router.post("/changes/{change_id}/undo", responses=CHANGED)
def undo_change(change_id: Id, actor: AnyActor, operations: Operating) -> ChangeUndone:
    """Put back the text from before a change. 409 where anything else has happened to the file since.

    It needs the scope that the file needs: topics:write or feeds:write.
    """
    change, undone = operations.changes.undo(actor, change_id)
    return ChangeUndone(version=undone.after.version, undone=_shown(change))


def _shown(change: Change) -> ChangeShown:
    return ChangeShown.of(change, difference=change.lines)
