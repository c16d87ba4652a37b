"""What load balancers and Prometheus ask."""

from __future__ import annotations

import pytest

from notifier.troubles import Code, Trouble
from notifier.web.services import Check
from tests.web.site import NOW, Site


def test_a_process_that_answers_is_healthy() -> None:
    assert Site().ask("GET", "/healthz").text == "ok\n"


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz"])
def test_monitors_that_ask_for_the_head_alone_are_answered(path: str) -> None:
    assert Site().ask("HEAD", path).status == 200


def test_ready_shows_each_check_in_words() -> None:
    answer = Site(checks={"database": Check(ok=True, detail="answers in 2 ms")}).ask("GET", "/readyz")

    assert answer.status == 200
    assert answer.json == {
        "ready": True,
        "checks": {"database": {"ok": True, "detail": "answers in 2 ms"}},
        "troubles": [],
    }


def test_one_check_that_fails_makes_the_service_not_ready() -> None:
    checks = {"database": Check(ok=True, detail="answers"), "feeds": Check(ok=False, detail="none polled for 10 min")}

    answer = Site(checks=checks).ask("GET", "/readyz")

    assert (answer.status, answer.json["ready"]) == (503, False)


def test_a_trouble_is_told_in_full_and_is_no_reason_to_send_readers_elsewhere() -> None:
    slow = Trouble(
        Code.DECISIONS_BEHIND, "The desk is 9 minutes behind", "Look at the log", grave=True, since=NOW, count=4
    )

    answer = Site(troubles=(slow,)).ask("GET", "/readyz")

    assert answer.status == 200
    assert answer.json["troubles"] == [
        {
            "code": "decisions-behind",
            "subject": "",
            "what": "The desk is 9 minutes behind",
            "do": "Look at the log",
            "grave": True,
            "since": NOW.isoformat(),
            "count": 4,
        }
    ]


def test_metrics_are_handed_through() -> None:
    answer = Site().ask("GET", "/metrics")

    assert answer.text == "notifier_up 1\n"
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
