"""Whatever stands in an address, a query or a form: a page, or a refusal in words; never a defect of ours.

The routes and their parameters are listed by the application itself, so that a new one is covered as soon as it exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifier.operators.operator import Role
from notifier.web.routes import every_route
from tests.examples import examples
from tests.web.operator_api.harness import ApiHarness
from tests.web.site import TOKEN, Answer, Site

NASTY = (
    *("-1", "0", str(2**53), str(2**63), str(2**64), "1" + "0" * 26, "9" * 5000, "1e309", "NaN", "+1", "١٢", "1_0"),
    *("", " ", "\x00", "\x00" * 3, "\ud800", "a\u202eb", "💥", "é" * 300, "x" * 9000, "..", "../..", "//evil.example"),
    *("0000-00-00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "-0001-01-01", "99999-01-01T00:00:00+99:99"),
    *("null", "[]", "{}", "%", "' OR 1=1 --", "https://[", "http://x:99999/", "\r\nX: 1"),
)
CURSORS = ("LTE", "MA", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk", "_w", "MXwx", "AAAA", "bnVsbA", "WzEsMl0")
# What these do needs the network, or ends the session that asks.
LEFT_OUT = {"/console/events", "/console/sign-out", "/console/access/sign-out-everywhere", "/console/sign-in/provider"}
Place = tuple[str, str, str, str]


def places() -> list[Place]:
    """(method, path, where, name) of every parameter that there is."""
    found = []
    for route in every_route(Site().app.routes):
        if not isinstance(route, APIRoute) or route.path in LEFT_OUT:
            continue
        for method in sorted(set(route.methods or ()) - {"HEAD"}):
            for one in flat(route.dependant):
                found += [(method, route.path, "path", field.alias) for field in one.path_params]
                found += [(method, route.path, "query", field.alias) for field in one.query_params]
                found += [(method, route.path, "form", name) for name in body_fields(one)]
    return sorted(set(found))


def flat(dependant: Dependant) -> Iterator[Dependant]:
    """A route's own parameters, and those of all that it depends on."""
    yield dependant
    for inner in dependant.dependencies:
        yield from flat(inner)


def body_fields(dependant: Dependant) -> Iterator[str]:
    """The fields of a form, or the members of a JSON body."""
    for field in dependant.body_params:
        members = getattr(field.field_info.annotation, "model_fields", None)
        yield from members or [field.alias]


PLACES = places()


class Guest:
    """An administrator and their program, who send anything."""

    def __init__(self, harness: ApiHarness) -> None:
        self.service = harness
        self.cookie, self.form_token = harness.session("Root", Role.ADMIN)
        self.token = harness.token("Root", Role.ADMIN)

    def ask(self, place: Place, value: str) -> Answer:
        """Put `value` there, and something plain everywhere else."""
        method, path, where, name = place
        self.service.app.state.rates = type(self.service.app.state.rates)(self.service.service.web_services(None).site)
        written = quote(value.encode("utf-8", "surrogatepass"), safe="")
        target = re.sub(r"\{(\w+)(?::\w+)?\}", lambda m: written if (where, m[1]) == ("path", name) else "1", path)
        if where == "query":
            target += f"?{name}={written}"
        program = path.startswith("/api/")
        token = (self.token if path.startswith("/api/v1") else TOKEN) if program else None
        headers = {"accept": "application/json"} if program else self.cookie | {"accept": "text/html"}
        if method == "GET":
            return self.service.ask(method, target, token=token, headers=headers | {"sec-fetch-site": "same-origin"})
        headers |= {"sec-fetch-site": "same-origin", "x-form-token": self.form_token}
        if program:
            body = {name: value.encode("utf-8", "replace").decode()} if where == "form" else {}
            return self.service.ask(method, target, token=token, body=body, headers=headers)
        headers["content-type"] = "application/x-www-form-urlencoded"
        sent = urlencode({name: value.encode("utf-8", "surrogatepass")}) if where == "form" else ""
        return self.service.ask(method, target, body=sent.encode(), headers=headers)


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    harness = ApiHarness(tmp_path_factory.mktemp("guest"))
    yield Guest(harness)
    harness.close()


def test_the_application_lists_its_parameters() -> None:
    assert {"path", "query", "form"} == {where for _, _, where, _ in PLACES}
    assert len(PLACES) > 60


@pytest.mark.parametrize("place", [p for p in PLACES if p[2] == "query" or (p[0], p[2]) == ("GET", "path")], ids=str)
def test_what_is_read_by_any_address_is_answered_or_refused(guest: Guest, place: Place) -> None:
    for value in NASTY + (CURSORS if place[3] in {"cursor", "after", "before"} else ()):
        assert guest.ask(place, value).status < 500, value


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(place=st.sampled_from(PLACES), value=st.sampled_from(NASTY) | st.text(max_size=40))
def test_what_is_sent_anywhere_is_taken_or_refused(guest: Guest, place: Place, value: str) -> None:
    assert guest.ask(place, value).status not in {500, 501}
