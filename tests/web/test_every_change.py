"""Every route that changes something, as the application itself lists them: a new one is covered as soon as it exists.

Refused are: nobody, somebody whose form or page is not ours, and whoever may not do it. All of them are asked of one
service, as nothing may come of any of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

from notifier.operators.operator import Role
from notifier.operators.token import TokenScope
from notifier.storage.schema import metadata
from notifier.web.routes import every_route
from tests.web.operator_api.harness import ApiHarness
from tests.web.site import TOKEN, Answer, Site

READING = {"GET", "HEAD", "OPTIONS"}
IDS = ("story_id", "alert_id", "change_id", "feed_id", "token_id", "handle", "secret", "callback_id")
THERE = {"slug": "ships", "name": "Eve"} | dict.fromkeys(IDS, "1")
NOT_THERE = {"slug": "nothing", "name": "Nobody"}
Change = tuple[str, str]


def changes(prefix: str, named: Mapping[str, str] = THERE) -> list[Change]:
    """Method and address of every route under a prefix that is not only read."""
    return sorted(
        (method, re.sub(r"\{(\w+)(?::\w+)?\}", lambda name: named.get(name[1], "999"), route.path))
        for route in every_route(Site().app.routes)
        for method in set(route.methods or ()) - READING
        if route.path.startswith(prefix)
    )


# Open to somebody without a session, and so limited instead.
SIGNING_IN = {"/console/sign-in", "/console/first/1"}
CONSOLE = [change for change in changes("/console") if change[1] not in SIGNING_IN]
PROGRAMS = changes("/api/v1/")
SUBSCRIBERS = [change for change in changes("/api/") if change not in PROGRAMS]
# A browser that was shown an alert says so without saying who it is: there is nothing to prove.
ANONYMOUS = {"/api/receipts"}
BODIES = {"/api/receipts": {"receipt": "A" * 16, "kind": "shown", "bucket": 0}}
# Decided one by one: what an operator who may only look may do. It is about themselves, or changes nothing.
FOR_VIEWERS = {
    "/console/sign-out",
    "/console/topics/ships/look",
    "/console/access/tokens",
    "/console/access/tokens/1/revoke",
    "/console/access/sessions/1/end",
    "/console/access/sign-out-everywhere",
}
FOR_ADMINS = {"/console/operators/Eve/sign-out", "/console/access/operators/Eve/role"}
ALL = frozenset(TokenScope)
FOREIGN = [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}]


class Watched:
    """A service of which everything that it keeps can be compared with what it kept before."""

    def __init__(self, harness: ApiHarness) -> None:
        self.service = harness
        self.sessions = {role: harness.session(role.value, role) for role in Role}
        self.session_of_eve = harness.session("Eve", Role.EDITOR)
        self.tokens = {scope: harness.token("Root", Role.ADMIN, frozenset({scope})) for scope in TokenScope}
        self.by_role = {role: harness.token(role.value, role, ALL) for role in Role}
        self.before = self.state()

    def state(self) -> list[object]:
        """Rows of every table, and the files."""
        with self.service.database.reading() as connection:
            rows = [connection.scalar(select(func.count()).select_from(table)) for table in metadata.sorted_tables]
        return [*rows, self.service.topics_path.read_text(), self.service.feeds_path.read_text()]

    def form(self, change: Change, fields: dict[str, str], headers: dict[str, str]) -> Answer:
        """Send a form."""
        sent = {"accept": "text/html", "content-type": "application/x-www-form-urlencoded"} | headers
        return self.service.ask(change[0], change[1], body=urlencode(fields).encode(), headers=sent)

    def unchanged(self) -> bool:
        """Whether everything is as before."""
        return self.state() == self.before


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    harness = ApiHarness(tmp_path_factory.mktemp("watched"))
    yield Watched(harness)
    harness.close()


OURS = {"sec-fetch-site": "same-origin"}


def test_every_route_that_changes_something_is_one_of_these() -> None:
    known = {path for _, path in CONSOLE + PROGRAMS + SUBSCRIBERS} | SIGNING_IN

    assert {path for _, path in changes("/")} - known == {"/websub/1"}, "hubs prove themselves by their own secret"
    assert known >= FOR_VIEWERS | FOR_ADMINS
    assert min(len(CONSOLE), len(PROGRAMS), len(SUBSCRIBERS)) >= 6


@pytest.mark.parametrize("change", CONSOLE)
def test_the_console_changes_nothing_without_a_session(watched: Watched, change: Change) -> None:
    for cookie in ({}, {"cookie": "notifier-session=made-up"}):
        answer = watched.form(change, {"form_token": "made-up"}, OURS | cookie)
        assert answer.status == 401
    assert watched.unchanged()


@pytest.mark.parametrize("change", CONSOLE)
def test_the_console_changes_nothing_without_the_sessions_own_form_token(watched: Watched, change: Change) -> None:
    cookie, _ = watched.sessions[Role.ADMIN]
    for token in ("", "made-up", watched.session_of_eve[1]):
        answer = watched.form(change, {"form_token": token}, OURS | cookie)
        assert (answer.status, "This form is too old" in answer.text) == (403, True)
    assert watched.unchanged()


@pytest.mark.parametrize("change", CONSOLE + PROGRAMS + SUBSCRIBERS)
@pytest.mark.parametrize("where", FOREIGN)
def test_nothing_is_changed_for_another_sites_page(watched: Watched, change: Change, where: dict[str, str]) -> None:
    cookie, token = watched.sessions[Role.ADMIN]
    bearer = watched.by_role[Role.ADMIN] if change in PROGRAMS else TOKEN

    if change in CONSOLE:
        answer = watched.form(change, {"form_token": token}, {"accept": "*/*"} | cookie | where)
    else:
        answer = watched.service.ask(*change, token=bearer, body=BODIES.get(change[1]), headers=where)

    assert (answer.status, answer.json["code"]) == (403, "foreign-origin")
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert watched.unchanged()


@pytest.mark.parametrize("change", [change for change in CONSOLE if change[1] not in FOR_VIEWERS])
def test_the_console_changes_nothing_for_a_lower_role(watched: Watched, change: Change) -> None:
    for role in [Role.VIEWER, Role.EDITOR] if change[1] in FOR_ADMINS else [Role.VIEWER]:
        cookie, token = watched.sessions[role]
        answer = watched.form(change, {"form_token": token}, {"accept": "*/*"} | OURS | cookie)
        assert (answer.status, answer.json["code"]) == (403, "role-too-low")
    assert watched.unchanged()


@pytest.mark.parametrize("change", PROGRAMS)
def test_a_program_changes_nothing_without_a_token_and_never_with_a_cookie(watched: Watched, change: Change) -> None:
    cookie, _ = watched.sessions[Role.ADMIN]
    made_up = "notifier_" + "A" * 43
    for headers in ({}, cookie, {"authorization": f"Bearer {made_up}"}, {"authorization": f"Bearer {TOKEN}"}):
        watched.service.app.state.rates = type(watched.service.app.state.rates)(Site().settings)
        answer = watched.service.ask(*change, headers=headers)
        assert (answer.status, answer.json["code"]) == (401, "token-refused")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert watched.unchanged()


@pytest.mark.parametrize("change", changes("/api/v1/", NOT_THERE))
def test_a_program_changes_nothing_with_another_scope_or_in_the_name_of_a_lower_role(
    watched: Watched, change: Change
) -> None:
    refused = {}
    for scope, token in watched.tokens.items():
        answer = watched.service.ask(*change, token=token, body=b"{}")
        refused[scope] = answer.json["code"] == "scope-missing" if answer.status == 403 else False

    needed = [scope for scope, missing in refused.items() if not missing]
    assert len(needed) == (2 if change[1].endswith("/undo") else 1), needed
    lower = [role for role in Role if not any(role.may(scope.role) for scope in needed)]
    for role in lower:
        answer = watched.service.ask(*change, token=watched.by_role[role], body=b"{}")
        assert answer.json["code"] in ({"role-too-low", "not-found"} if len(needed) == 2 else {"role-too-low"})
    assert lower or needed == [TokenScope.READ]
    assert watched.unchanged()


@pytest.mark.parametrize("change", [change for change in SUBSCRIBERS if change[1] not in ANONYMOUS])
def test_a_subscription_is_changed_by_nobody_without_its_token(watched: Watched, change: Change) -> None:
    for headers in ({}, {"authorization": "Bearer made-up"}):
        assert watched.service.ask(*change, headers=headers).json["code"] == "token-missing"
    assert watched.unchanged()


@pytest.mark.parametrize("path", sorted(SIGNING_IN))
def test_signing_in_is_no_business_of_another_sites_page(watched: Watched, path: str) -> None:
    answer = watched.form(("POST", path), {"name": "Ada", "password": "x"}, {"accept": "*/*"} | FOREIGN[0])

    assert answer.json["code"] == "foreign-origin"
    assert watched.unchanged()


HUGE = dict.fromkeys(IDS, str(10**30)) | {"act": str(10**30)}


@pytest.mark.parametrize("change", [change for change in changes("/console", HUGE) if str(10**30) in change[1]])
def test_a_number_that_no_database_holds_names_nothing(watched: Watched, change: Change) -> None:
    cookie, token = watched.sessions[Role.ADMIN]

    answer = watched.form(change, {"form_token": token}, OURS | cookie)

    assert 400 <= answer.status < 500
    assert watched.unchanged()
