"""The page Access: sessions and tokens, one's own and, for administrators, everybody's."""

from __future__ import annotations

import re
from datetime import timedelta
from hashlib import sha256

import pytest

from notifier.operators.operator import Role, handle_of
from notifier.operators.token import MARK, TokenScope, digest_of
from tests.web.console.newsroom import Console
from tests.web.site import NOW


def secret_on(page: str) -> str:
    found = re.search(rf'value="({MARK}[\w-]+)"', page)
    assert found, page
    return found[1]


def test_a_token_is_shown_once_and_kept_as_its_digest(console: Console) -> None:
    console.sign_in()

    answer = console.post("/console/access/tokens", name="Dashboard", scopes="read", days="30")

    secret = secret_on(answer.text)
    assert answer.status == 201
    assert answer.headers["cache-control"] == "no-store"
    _, token = console.tokens.kept[digest_of(secret) or b""]
    assert (token.name, token.scopes) == ("Dashboard", frozenset({TokenScope.READ}))
    assert token.until == NOW + timedelta(days=30)
    assert secret not in console.get("/console/access").text
    assert console.site.ask("GET", "/api/v1/me", token=secret).json["operator"] == "Ada"


def test_nobody_gives_away_more_than_their_role_allows(console: Console) -> None:
    console.sign_in(role=Role.VIEWER)

    assert "topics:write" not in console.get("/console/access").text
    answer = console.post("/console/access/tokens", name="Sly", scopes="topics:write", days="")

    assert (answer.status, console.tokens.kept) == (422, {})


@pytest.mark.parametrize(
    "fields", [{"name": " ", "scopes": "read"}, {"name": "x"}, {"name": "x", "scopes": "read", "days": "9"}]
)
def test_a_token_needs_a_name_a_scope_and_a_length_that_is_offered(console: Console, fields: dict[str, str]) -> None:
    console.sign_in()

    answer = console.post("/console/access/tokens", **fields)

    assert (answer.status, console.tokens.kept) == (422, {})
    assert 'role="alert"' in answer.text


def test_an_operator_sees_and_ends_their_own_and_nobody_elses(console: Console) -> None:
    console.sign_in("Eve")
    hers = handle_of(sha256(console.cookie.encode()).digest())
    console.post("/console/access/tokens", name="Hers", scopes="read", days="")
    console.sign_in("Ada")

    page = console.get("/console/access").text

    assert "Hers" not in page
    assert hers not in page
    assert console.post("/console/access/tokens/1/revoke").status == 404
    assert console.post(f"/console/access/sessions/{hers}/end").status == 404
    console.cookie = "session-of-Eve"
    assert console.get("/console/stories").status == 200


def test_an_administrator_ends_anybodys_sessions_and_tokens(console: Console) -> None:
    console.sign_in("Eve")
    hers = handle_of(sha256(console.cookie.encode()).digest())
    secret = secret_on(console.post("/console/access/tokens", name="Hers", scopes="read", days="").text)
    console.sign_in("Root", Role.ADMIN)
    assert "Hers" in console.get("/console/access").text

    console.post("/console/access/tokens/1/revoke")
    console.post(f"/console/access/sessions/{hers}/end")

    assert console.site.ask("GET", "/api/v1/me", token=secret).json["code"] == "token-refused"
    console.cookie = "session-of-Eve"
    assert console.get("/console/stories").status == 303


def test_signing_out_everywhere_ends_this_session_too(console: Console) -> None:
    console.sign_in()

    assert console.post("/console/access/sign-out-everywhere").headers["location"] == "/console/sign-in"

    assert console.get("/console/stories").status == 303
    assert console.operators.sessions(NOW) == []


def test_a_new_role_counts_from_the_next_request_on(console: Console) -> None:
    console.sign_in("Eve", Role.EDITOR)
    secret = secret_on(console.post("/console/access/tokens", name="Hers", scopes="topics:write", days="").text)
    console.sign_in("Root", Role.ADMIN)

    console.post("/console/access/operators/Eve/role", role="viewer")

    version = console.get("/console/topics").text
    assert version
    answer = console.site.ask("DELETE", "/api/v1/topics/ships?version=0", token=secret)
    assert answer.json["code"] == "role-too-low"
    console.cookie = "session-of-Eve"
    assert console.post("/console/topics/ships/remove").status == 403


def test_nobody_changes_their_own_role(console: Console) -> None:
    console.sign_in("Root", Role.ADMIN)

    assert console.post("/console/access/operators/Root/role", role="viewer").status == 404

    assert console.operators.known["Root"][0].role is Role.ADMIN
