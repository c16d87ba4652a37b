"""Errors as they leave: a stable code, words that help, nothing that the client sent."""

from __future__ import annotations

from collections.abc import Iterator

from structlog.testing import capture_logs

from notifier import errors
from notifier.alerts.alert import Alert
from notifier.errors import ConfigError, DatabaseUnwell, LeaseLost, NotifierError
from notifier.subscribers.subscriber import Subscription
from notifier.web.errors import WORDS
from notifier.web.services import SiteSettings
from tests.web.site import TOKEN, MemorySubscriptions, Site

# Of files, expressions and workers: no visitor's request raises these.
NEVER_LEAVE = (ConfigError, LeaseLost)


def every_error(kind: type[NotifierError] = NotifierError) -> Iterator[type[NotifierError]]:
    """The tree of errors.py: a room's own refinement of one of its kinds has that kind's code."""
    if kind.__module__ == errors.__name__:
        yield kind
    for below in kind.__subclasses__():
        yield from every_error(below)


def test_every_error_that_leaves_has_words_of_its_own() -> None:
    leaving = [kind for kind in every_error() if not issubclass(kind, NEVER_LEAVE)]

    assert {kind.code for kind in leaving} <= set(WORDS)


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in every_error()]

    assert len(codes) == len(set(codes))


def test_the_tree_on_top_of_the_file_names_every_error() -> None:
    drawn = errors.__doc__ or ""

    assert [kind.__name__ for kind in every_error() if kind.__name__ not in drawn] == []


def test_every_problem_says_what_to_do() -> None:
    for words in WORDS.values():
        assert words.title
        assert not words.title.endswith(".")
        assert words.detail.endswith(".")


def test_a_person_gets_a_page_and_a_program_gets_a_problem() -> None:
    site = Site(settings=SiteSettings(title="The Morning Wire"))

    seen = site.ask("GET", "/nothing", headers={"accept": "text/html"})
    read = site.ask("GET", "/nothing")

    assert (seen.status, read.status) == (404, 404)
    assert "<h1>There is nothing here</h1>" in seen.text
    assert read.headers["content-type"] == "application/problem+json"
    assert read.json["code"] == "not-found"


def test_a_wrong_method_is_a_problem_too() -> None:
    assert Site().ask("DELETE", "/api/application-server-key").json["code"] == "method-not-allowed"


def test_a_bug_shows_nothing_of_itself() -> None:
    site = Site()

    def broken() -> bytes:
        raise RuntimeError("secret detail")

    object.__setattr__(site.app.state.services, "metrics", broken)

    answer = site.ask("GET", "/metrics")

    assert (answer.status, answer.json["code"]) == (500, "internal")
    assert "secret detail" not in answer.text
    assert "content-security-policy" in answer.headers


def test_validation_errors_name_the_place_and_not_the_value() -> None:
    answer = Site().subscribe("world", subscription={"endpoint": 5, "keys": {"p256dh": "my-secret", "auth": 7}})

    assert {error["at"] for error in answer.json["errors"]} == {
        "body.subscription.endpoint",
        "body.subscription.keys.auth",
    }
    assert "my-secret" not in answer.text


class AwaySubscriptions(MemorySubscriptions):
    """A store whose database is away."""

    def find(self, token_hash: bytes) -> Subscription | None:
        raise DatabaseUnwell("away", "connection refused by 10.0.0.5 for user notifier")


def test_a_database_that_is_away_is_said_as_such_and_when_to_ask_again() -> None:
    site = Site(store=AwaySubscriptions())

    with capture_logs() as lines:
        answers = [site.ask("GET", "/api/subscriptions/mine", token=TOKEN) for _ in range(20)]

    assert {(answer.status, answer.json["code"]) for answer in answers} == {(503, "database-away")}
    assert int(answers[0].headers["retry-after"]) > 0
    assert answers[0].headers["content-type"] == "application/problem+json"
    assert "10.0.0.5" not in answers[0].text
    assert lines == []


def test_a_person_who_meets_a_database_that_is_away_gets_a_page() -> None:
    site = Site()

    def away() -> list[Alert]:
        raise DatabaseUnwell("away", "connection refused")

    object.__setattr__(site.app.state.services, "recent_alerts", away)
    page = site.ask("GET", "/", headers={"accept": "text/html"})

    assert page.status == 503
    assert int(page.headers["retry-after"]) > 0
    assert "Nothing is lost" in page.text
