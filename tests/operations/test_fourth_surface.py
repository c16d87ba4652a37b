"""A surface that nobody has asked for yet, a chat bot's, to show what one costs: read, call, show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from notifier.alerts.draft import Draft
from notifier.errors import NotifierError
from notifier.operations.actor import Actor
from notifier.operations.operations import Operations
from notifier.topics.topic import Topic
from tests.operations.conftest import ADA, VIC

Verb = Callable[[Operations, Actor, list[str]], Any]
VERBS: dict[str, Verb] = {
    "topics": lambda ops, who, said: [topic.slug for topic in ops.topics.listed().entries],
    "topic": lambda ops, who, said: ops.topics.save(who, Topic(said[0], said[0], "", " ".join(said[1:]))).what,
    "forget": lambda ops, who, said: ops.topics.remove(who, said[0]).what,
    "undo": lambda ops, who, said: ops.changes.undo(who, int(said[0]))[1].what,
    "try": lambda ops, who, said: len(ops.topics.previewer.attempt(who, a_rule(said), None, 14).after.alerts),
    "feeds": lambda ops, who, said: [feed.title for feed in ops.feeds.listed().entries],
    "pause": lambda ops, who, said: ops.feeds.pause(who, said[0], paused=True).what,
    "resume": lambda ops, who, said: ops.feeds.pause(who, said[0], paused=False).what,
    "alert": lambda ops, who, said: ops.alerts.write(who, Draft(" ".join(said[2:]), "", said[1], (said[0],)))[0].id,
    "go": lambda ops, who, said: ops.alerts.approve(who, int(said[0])).id,
    "stop": lambda ops, who, said: ops.alerts.withdraw(who, int(said[0])).id,
    "never": lambda ops, who, said: ops.stories.never(who, int(said[0])),
    "hold": lambda ops, who, said: ops.stories.hold(who, int(said[0])),
    "rules": lambda ops, who, said: ops.stories.leave_to_the_rules(who, int(said[0])),
    "merge": lambda ops, who, said: ops.stories.merge(who, int(said[0]), int(said[1])),
    "split": lambda ops, who, said: ops.stories.split(who, said[0])[0],
    "unrule": lambda ops, who, said: ops.stories.undo(who, int(said[0])),
    "out": lambda ops, who, said: ops.access.sign_out(who, said[0]),
    "engine": lambda ops, who, said: ops.system().engine,
}


def a_rule(said: list[str]) -> Topic:
    return Topic("tried", "Tried", "", " ".join(said))


def chat(operations: Operations, actor: Actor, line: str) -> str:
    """The whole surface: a line of text in, a line of text out."""
    verb, *said = line.split()
    try:
        came = VERBS[verb](operations, actor, said)
    except NotifierError as refused:
        return f"{refused.code}: {refused}"
    return "done" if came is None else str(came)


def test_a_surface_of_fifty_lines_does_what_the_others_do(operations: Operations) -> None:
    said = [
        chat(operations, ADA, line)
        for line in (
            "topic storms storm OR flood",
            "topics",
            "forget storms",
            "undo 2",
            "try ferry",
            "pause https://news.example/rss",
            "alert ships https://news.example/1 Ferry aground",
            "stop 1",
            "stop 1",
            "never 1",
            "split 1",
            "out Ada",
        )
    ]

    assert said[:4] == [
        "Added storms",
        "['ships', 'breaking', 'storms']",
        "Removed storms",
        "Took back: Removed storms",
    ]
    assert said[4].isdigit()
    assert said[5:9] == ["Paused The Example", "1", "1", "conflict: there is nothing left to stop"]
    assert said[9:] == ["done", "conflict: item 1 is in a story of its own already", "0"]


@pytest.mark.parametrize(
    "line", ["topic storms storm", "forget ships", "pause https://news.example/rss", "never 1", "merge 1 3", "stop 1"]
)
def test_its_rights_are_those_of_every_surface(operations: Operations, line: str) -> None:
    assert chat(operations, VIC, line).startswith("role-too-low")
    assert chat(operations, replace(ADA, token="a bot", scopes=frozenset()), line).startswith("scope-missing")
