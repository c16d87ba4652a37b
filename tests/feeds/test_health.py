"""Each feed's health in one word, and the trouble that is ours."""

from __future__ import annotations

from typing import Any

import pytest

from notifier.feeds.feed import HealthStatus
from notifier.feeds.fetch_result import FailureKind
from notifier.feeds.health import network_trouble, notes_on, state_of
from tests.feeds.claimed import NOON, a_poll_state, ago

NEVER: dict[str, Any] = {"last_success_at": None, "last_change_at": None, "usual_gap_s": None, "first_polled_at": None}


@pytest.mark.parametrize(
    ("poll_state", "state"),
    [
        ({}, HealthStatus.OK),
        (NEVER, HealthStatus.NEW),
        (NEVER | {"failures": 1}, HealthStatus.FAILING),
        ({"failures": 2}, HealthStatus.OK),
        ({"failures": 3}, HealthStatus.FAILING),
        ({"last_change_at": ago(hours=23)}, HealthStatus.OK),
        ({"last_change_at": ago(hours=25)}, HealthStatus.QUIET),
        ({"last_change_at": ago(days=4), "usual_gap_s": 86_400.0}, HealthStatus.OK),
        ({"last_change_at": ago(days=6), "usual_gap_s": 86_400.0}, HealthStatus.QUIET),
        ({"last_change_at": None, "usual_gap_s": None, "first_polled_at": ago(days=6)}, HealthStatus.OK),
        ({"last_change_at": None, "usual_gap_s": None, "first_polled_at": ago(days=8)}, HealthStatus.QUIET),
        ({"state": HealthStatus.RETIRED}, HealthStatus.RETIRED),
    ],
)
def test_the_state_is_what_the_memory_says(poll_state: dict[str, Any], state: HealthStatus) -> None:
    assert state_of(a_poll_state(**poll_state), NOON) is state


def test_a_permanent_move_and_a_quiet_hub_are_worth_a_note() -> None:
    poll_state = a_poll_state(moved_to="https://new.example/feed", hub_missed=2)
    moved, quiet = notes_on(poll_state, "active", True)
    assert "write https://new.example/feed into feeds.yaml" in moved
    assert "went quiet" in quiet
    assert notes_on(a_poll_state(), "active", True) == ()
    assert "refused" in notes_on(a_poll_state(), "denied", False)[0]


def outcomes(lost: int, answered: int, kind: FailureKind = FailureKind.NETWORK) -> list[tuple[str, FailureKind | None]]:
    return [(f"lost{n}.example", kind) for n in range(lost)] + [(f"well{n}.example", None) for n in range(answered)]


def test_when_most_hosts_cannot_be_reached_the_trouble_is_ours() -> None:
    assert network_trouble(outcomes(8, 2)) == (
        "8 of 10 hosts cannot be reached: look at this machine's network or DNS, not at the feeds"
    )


@pytest.mark.parametrize(
    "seen",
    [
        outcomes(4, 0),
        outcomes(5, 5),
        outcomes(10, 0, FailureKind.SERVER),
        [("one.example", FailureKind.NETWORK)] * 50,
        [*outcomes(8, 2), *((f"lost{n}.example", None) for n in range(8))],
    ],
)
def test_a_few_hosts_or_answers_that_are_errors_are_theirs(seen: list[tuple[str, FailureKind | None]]) -> None:
    assert network_trouble(seen) is None
