"""Descriptors: the limit is raised to what is allowed, and feeds keep within their part."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from notifier.wiring.descriptors import poll_places, raise_descriptor_limit

RAISED = (
    "import resource; from notifier.wiring.descriptors import raise_descriptor_limit;"
    "resource.setrlimit(resource.RLIMIT_NOFILE, (300, 700)); print(raise_descriptor_limit());"
    "print(resource.getrlimit(resource.RLIMIT_NOFILE))"
)


def test_the_limit_is_raised_to_the_hard_one() -> None:
    told = subprocess.run([sys.executable, "-c", RAISED], capture_output=True, text=True, check=True).stdout
    assert told.split("\n")[:2] == ["700", "(700, 700)"]


def test_raising_it_twice_changes_nothing() -> None:
    first = raise_descriptor_limit()
    assert raise_descriptor_limit() == first <= max(resource.getrlimit(resource.RLIMIT_NOFILE)[0], first)


@pytest.mark.parametrize(("descriptors", "slots", "slow"), [(65_536, 400, 1_000), (4_096, 400, 865), (1_024, 120, 121)])
def test_polls_have_a_third_of_them_at_most(descriptors: int, slots: int, slow: int) -> None:
    places = poll_places(descriptors)
    assert (places.slots, places.slow) == (slots, slow)
    assert places.connections <= descriptors // 3


def test_a_few_feeds_can_be_asked_whatever_the_limit_is() -> None:
    assert poll_places(64).slots == 8
