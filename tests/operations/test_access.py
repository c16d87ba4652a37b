"""Who may sign in, and which programs act for them, by whichever surface; each act is kept with who did it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from notifier.errors import EntryInvalid, NotFound, NotifierError, RoleTooLow, ScopeMissing
from notifier.operations.actor import Actor
from notifier.operations.operations import Operations
from notifier.operators.audit import ON_THE_SERVER, Act, AuditEntry
from notifier.operators.operator import Role, handle_of
from notifier.operators.token import TokenScope, digest_of
from tests.operations.conftest import ADA, SERVER, VIC

ROOT = Actor("Root", Role.ADMIN, "198.51.100.9", 3)
BOT = replace(ROOT, token="desk bot")
READER = replace(ROOT, token="dashboard", scopes=frozenset({TokenScope.READ}))


def newest(operations: Operations) -> AuditEntry:
    """The audit log's newest entry."""
    return operations.access.audit.recent(1)[0]


def signed_in(operations: Operations, name: str) -> str:
    """A session of an operator, by its handle."""
    digest, now = sha256(name.encode()).digest(), operations.access.wall()
    known = operations.access.operators.credentials(name)
    assert known is not None
    operations.access.operators.open_session(known[0].id, digest, now, now + timedelta(hours=1))
    return handle_of(digest)


@pytest.mark.parametrize(
    ("actor", "by", "detail"),
    [(ROOT, "Root", "everywhere"), (BOT, "Root", "everywhere, by a program"), (SERVER, ON_THE_SERVER, "everywhere")],
)
def test_somebody_is_signed_out_and_the_log_says_by_whom(
    operations: Operations, actor: Actor, by: str, detail: str
) -> None:
    signed_in(operations, "Ada")

    assert operations.access.sign_out(actor, "Ada") == 1

    entry = newest(operations)
    assert (entry.act, entry.who, entry.by, entry.client, entry.detail) == (
        Act.SESSIONS_ENDED,
        "Ada",
        by,
        actor.client,
        detail,
    )


def test_ones_own_sessions_and_tokens_need_no_right_and_anybody_elses_do(operations: Operations) -> None:
    hers, theirs = signed_in(operations, "Ada"), signed_in(operations, "Vic")
    operations.access.make_token(ADA, "Ada", "mine", [TokenScope.READ], 30)
    operations.access.make_token(VIC, "Vic", "theirs", [TokenScope.READ], None)

    asked: list[tuple[type[NotifierError], Callable[[], object]]] = [
        (RoleTooLow, lambda: operations.access.sign_out(ADA, "Vic")),
        (NotFound, lambda: operations.access.end_session(ADA, theirs)),
        (NotFound, lambda: operations.access.revoke_token(ADA, 2)),
        (RoleTooLow, lambda: operations.access.make_token(ADA, "Vic", "sly", [TokenScope.READ], 30)),
    ]
    for kind, ask in asked:
        with pytest.raises(kind):
            ask()

    operations.access.end_session(ADA, hers)
    operations.access.revoke_token(ADA, 1)
    assert (newest(operations).who, newest(operations).detail) == ("Ada", "token 1")


def test_a_program_needs_the_scope_also_for_what_is_its_operators_own(operations: Operations) -> None:
    handle = signed_in(operations, "Ada")
    reader = replace(ADA, token="dashboard", scopes=frozenset({TokenScope.READ}))
    asked: list[Callable[[], object]] = [
        lambda: operations.access.sign_out(reader, "Ada"),
        lambda: operations.access.end_session(reader, handle),
        lambda: operations.access.make_token(reader, "Ada", "sly", [TokenScope.READ], 30),
        lambda: operations.access.revoke_token(READER, 1),
    ]

    for ask in asked:
        with pytest.raises(ScopeMissing):
            ask()


@pytest.mark.parametrize(
    ("purpose", "scopes", "days"),
    [
        (" ", {TokenScope.READ}, 30),
        ("x" * 65, {TokenScope.READ}, 30),
        ("bot", set(), 30),
        ("bot", {TokenScope.READ}, 0),
        ("bot", {TokenScope.READ}, 3651),
        ("bot", {TokenScope.READ, TokenScope.OPERATORS}, 30),
    ],
)
def test_a_token_that_cannot_be_given_is_refused_whole(
    operations: Operations, purpose: str, scopes: set[TokenScope], days: int
) -> None:
    for actor in (ADA, SERVER):
        with pytest.raises(EntryInvalid):
            operations.access.make_token(actor, "Ada", purpose, scopes, days)
    assert operations.access.tokens.list() == []


def test_a_token_is_good_for_what_it_was_given_for_and_its_end_names_whose_it_was(operations: Operations) -> None:
    secret = operations.access.make_token(SERVER, "Ada", " desk bot ", [TokenScope.READ], 30)

    grant = operations.access.tokens.use(digest_of(secret) or b"", operations.access.wall())
    assert grant is not None
    assert (grant.token.name, grant.token.scopes) == ("desk bot", frozenset({TokenScope.READ}))
    operations.access.revoke_token(ROOT, grant.token.id)
    assert (newest(operations).who, newest(operations).by) == ("Ada", "Root")
    with pytest.raises(NotFound):
        operations.access.revoke_token(ROOT, grant.token.id)
    assert secret not in repr(operations.access.audit.recent(10))


def test_operators_are_made_changed_and_removed_by_administrators_and_on_the_server_only(
    operations: Operations,
) -> None:
    access = operations.access
    access.add(SERVER, "Bea", Role.VIEWER, "four words will do")
    access.set_role(ROOT, "Bea", Role.EDITOR)
    access.set_password(ROOT, "Bea", "five other words will do")
    access.remove(SERVER, "Bea")

    acts = [entry.act for entry in access.audit.recent(4)]
    assert acts[::-1] == [Act.OPERATOR_ADDED, Act.ROLE_CHANGED, Act.PASSWORD_CHANGED, Act.OPERATOR_REMOVED]
    refused: list[Callable[[], object]] = [
        lambda: access.add(ADA, "Eve", Role.ADMIN, None),
        lambda: access.set_role(ADA, "Ada", Role.ADMIN),
        lambda: access.set_password(ADA, "Vic", "five other words will do"),
        lambda: access.remove(ADA, "Vic"),
    ]
    for ask in refused:
        with pytest.raises(RoleTooLow):
            ask()
    for ask in (lambda: access.remove(ROOT, "Bea"), lambda: access.set_role(ROOT, "Bea", Role.VIEWER)):
        with pytest.raises(NotFound):
            ask()


def test_nobody_changes_their_own_role_but_the_server_changes_anybodys(operations: Operations) -> None:
    operations.access.add(SERVER, "Root", Role.ADMIN, None)

    with pytest.raises(NotFound):
        operations.access.set_role(ROOT, "Root", Role.VIEWER)
    operations.access.set_role(SERVER, "Root", Role.EDITOR)
    known = operations.access.operators.credentials("Root")
    assert known is not None
    assert known[0].role is Role.EDITOR
