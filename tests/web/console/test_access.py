"""Who gets in, and what every change demands."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import APIRoute

from notifier.operators.audit import NOBODY, Act
from notifier.operators.operator import Role
from notifier.web.app import CONSOLE
from notifier.web.console.access import COOKIE
from notifier.web.console.by_provider import CALLBACK, PATH
from notifier.web.sign_ins import FREE_TRIES
from tests.web.console.newsroom import HASH, PASSWORD, SECRET, Console
from tests.web.site import NOW

OPEN = {"/console/sign-in", "/console/first/{secret}", PATH, CALLBACK}
PAGES = sorted(
    route.path.replace("{slug}", "ships").replace("{alert_id}", "1")
    for router in CONSOLE
    for route in router.routes
    if isinstance(route, APIRoute)
    and "GET" in (route.methods or ())
    and route.path not in OPEN | {"/console", "/console/events"}
)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_to_sign_in_first(console: Console, path: str) -> None:
    answer = console.get(path)

    assert (answer.status, answer.headers["location"]) == (303, "/console/sign-in")


def test_a_script_is_told_instead_of_led_away(console: Console) -> None:
    assert console.site.ask("GET", "/console/stories").json["code"] == "sign-in-needed"


def test_signing_in_opens_a_session_that_no_script_and_no_other_site_can_use(console: Console) -> None:
    console.operators.add("Ada", HASH, Role.EDITOR, NOW)

    answer = console.form("/console/sign-in", {"name": "Ada", "password": PASSWORD}, {"sec-fetch-site": "same-origin"})

    assert (answer.status, answer.headers["location"]) == (303, "/console/stories")
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/console"} <= set(cookie.split("; "))
    console.cookie = re.match(rf"{COOKIE}=([^;]+)", cookie)[1]  # type: ignore[index]
    assert console.get("/console/stories").status == 200


@pytest.mark.parametrize(("name", "password"), [("Ada", "not this one, no"), ("Eve", PASSWORD)])
def test_a_wrong_name_and_a_wrong_password_are_answered_alike(console: Console, name: str, password: str) -> None:
    console.operators.add("Ada", HASH, Role.EDITOR, NOW)

    answer = console.form("/console/sign-in", {"name": name, "password": password}, {})

    assert answer.status == 401
    assert "set-cookie" not in answer.headers
    assert "Name and password do not belong together." in answer.text


def test_guessing_is_slowed_down(console: Console) -> None:
    tries = [console.form("/console/sign-in", {"name": "Ada", "password": "guess"}, {}).status for _ in range(11)]

    assert tries == [401] * 10 + [429]


def test_signing_out_ends_the_session_for_good(console: Console) -> None:
    console.sign_in()

    assert console.post("/console/sign-out").headers["location"] == "/console/sign-in"

    assert console.get("/console/stories").status == 303


def test_a_session_ends_by_itself(console: Console) -> None:
    console.sign_in()
    console.site.clock.advance(3601)

    assert console.get("/console/stories").status == 303


def test_an_administrator_signs_somebody_out_everywhere(console: Console) -> None:
    console.sign_in("Ada")
    console.sign_in("Root", Role.ADMIN)

    console.post("/console/operators/Ada/sign-out")

    console.cookie = "session-of-Ada"
    assert console.get("/console/stories").status == 303


def test_without_an_operator_the_console_is_closed(console: Console) -> None:
    assert "The console is closed" in console.get("/console/sign-in").text
    assert console.get("/console/first/guess").status == 404


def test_the_printed_link_makes_the_first_administrator_once(console: Console) -> None:
    path = f"/console/first/{SECRET}"
    assert console.get(path).status == 200

    assert console.form(path, {"name": "Ada", "password": "too short"}, {}).status == 422
    assert console.form(path, {"name": "Ada", "password": PASSWORD}, {}).status == 303

    assert console.operators.known["Ada"][0].role is Role.ADMIN
    assert console.get(path).status == 404
    assert console.form(path, {"name": "Eve", "password": PASSWORD}, {}).status == 404


def test_console_pages_run_no_inline_script_and_are_kept_by_nobody(console: Console) -> None:
    console.sign_in()

    answer = console.get("/console/stories")

    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", answer.text)


def test_the_link_for_the_first_does_not_live_again_when_the_last_operator_goes(console: Console) -> None:
    path = f"/console/first/{SECRET}"
    assert console.form(path, {"name": "Ada", "password": PASSWORD}, {}).status == 303
    console.operators.remove("Ada")

    assert console.get(path).status == 404
    assert console.form(path, {"name": "Eve", "password": PASSWORD}, {}).status == 404
    told = console.get("/console/sign-in").text
    assert "notifier operators add" in told
    assert "printed a link" not in told


def test_a_name_that_many_guess_at_is_open_to_its_operator_where_they_were_before(console: Console) -> None:
    console.operators.add("Ada", HASH, Role.EDITOR, NOW)
    right = {"name": "Ada", "password": PASSWORD}
    assert console.form("/console/sign-in", right, {}).status == 303
    for number in range(FREE_TRIES):
        console.site.app.state.sign_ins.begin("Ada", f"2001:db8:{number:x}::/64", NOW, lambda: False)

    assert console.form("/console/sign-in", {"name": "Eve", "password": "guess"}, {}).status == 401
    assert console.form("/console/sign-in", right, {}).status == 303
    console.audit.entries.clear()
    for number in range(FREE_TRIES):
        console.site.app.state.sign_ins.begin("Ada", f"2001:db8:{number:x}::/64", NOW, lambda: False)
    refused = console.form("/console/sign-in", right, {})
    assert (refused.status, refused.headers["retry-after"]) == (429, "1")


def test_who_came_in_and_who_was_refused_is_kept_without_what_they_typed(console: Console) -> None:
    console.operators.add("Ada", HASH, Role.EDITOR, NOW)
    console.form("/console/sign-in", {"name": "Ada", "password": "Adas secret"}, {})
    console.form("/console/sign-in", {"name": "Adas secret", "password": ""}, {})
    console.form("/console/sign-in", {"name": "Adas secret", "password": "x"}, {})
    console.form("/console/sign-in", {"name": "Ada", "password": PASSWORD}, {})

    kept = [(entry.act, entry.who, entry.client) for entry in console.audit.entries]
    assert kept == [
        (Act.REFUSED, "Ada", "127.0.0.1"),
        (Act.REFUSED, NOBODY, "127.0.0.1"),
        (Act.SIGNED_IN, "Ada", "127.0.0.1"),
    ]
    assert "Adas secret" not in repr(console.audit.entries)
    console.sign_in("Root", Role.ADMIN)
    assert "Sign in refused: Ada" in console.get("/console/access").text
