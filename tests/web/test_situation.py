"""situation.js, run by node: which of the page's states fits a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.web.node import runner

FIT = {
    "secure": True,
    "canPush": True,
    "wantsHome": False,
    "inApp": False,
    "permission": "default",
    "known": False,
    "stopped": False,
    "subscribed": False,
}


@pytest.fixture(scope="module")
def run(require: Callable[[str], str]) -> Callable[[str], Any]:
    return runner(require("node"), "situation.js")


@pytest.mark.parametrize(
    ("browser", "expected"),
    [
        ({}, "off"),
        ({"permission": "granted"}, "off"),
        ({"permission": "granted", "known": True, "subscribed": True}, "on"),
        ({"permission": "granted", "known": True}, "lapsed"),
        ({"permission": "default", "known": True, "subscribed": True}, "lapsed"),
        ({"permission": "denied"}, "blocked"),
        ({"permission": "denied", "known": True}, "blocked"),
        ({"permission": "granted", "subscribed": True}, "nameless"),
        ({"permission": "granted", "known": True, "stopped": True}, "stopped"),
        ({"permission": "denied", "known": True, "stopped": True}, "stopped"),
        ({"canPush": False}, "unsupported"),
        ({"canPush": False, "wantsHome": True, "inApp": True}, "in-app"),
        ({"inApp": True}, "off"),
        ({"canPush": False, "wantsHome": True}, "home-screen"),
        ({"secure": False, "canPush": False}, "insecure"),
    ],
)
def test_each_browser_is_in_one_state(run: Callable[[str], Any], browser: dict[str, Any], expected: str) -> None:
    assert run(f"situation({json.dumps(FIT | browser)})") == expected


def test_topics_are_listed_as_a_person_would(run: Callable[[str], Any]) -> None:
    lists = [[], ["World"], ["World", "Sport"], ["World", "Sport", "Climate"]]

    said = run(f"{json.dumps(lists)}.map(listed)")

    assert said == ["no topic yet", "World", "World and Sport", "World, Sport and Climate"]
