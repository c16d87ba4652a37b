"""Who is dead, as one process sees the others: by its own clock, and only as long as it could look."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from notifier.engine.heartbeat import BEAT_S, MOST_GAP_S, SILENT_S, Heartbeat, ProcessWatch
from notifier.errors import DatabaseUnwell


@dataclass
class Town:
    """A ProcessStore in memory; `away` while the database is."""

    others_beats: dict[str, int] = field(default_factory=dict)
    known: bool = False
    joined: int = 0
    buried: list[str] = field(default_factory=list)
    away: bool = False
    left: bool = False

    def join(self, role: str, host: str, pid: int) -> None:
        self._answer()
        self.known, self.joined = True, self.joined + 1

    def beat(self) -> bool:
        self._answer()
        return self.known

    def others(self) -> Mapping[str, int]:
        self._answer()
        return dict(self.others_beats)

    def bury(self, silent: Mapping[str, int]) -> Collection[str]:
        dead = [name for name, beats in silent.items() if self.others_beats.get(name) == beats]
        for name in dead:
            del self.others_beats[name]
        self.buried += dead
        return dead

    def leave(self) -> None:
        self._answer()
        self.left = True

    def _answer(self) -> None:
        if self.away:
            raise DatabaseUnwell("away", "connection refused")


class Hand:
    """A monotonic clock that is moved by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_who_stands_still_is_dead_within_seconds_and_who_beats_is_not() -> None:
    town, hand, freed = Town({"dead": 7, "alive": 3}), Hand(), []
    heartbeat = Heartbeat(town, ("work", "host", 1), lambda: freed.append(hand.now), hand)
    began = hand.now
    while not town.buried:
        heartbeat.beat()
        hand.now += BEAT_S
        town.others_beats["alive"] += 1
    assert town.buried == ["dead"]
    assert [at - began for at in freed] == [SILENT_S]


def test_after_the_database_was_away_nobody_is_dead_for_it() -> None:
    town, hand = Town({"other": 1}), Hand()
    heartbeat = Heartbeat(town, ("work", "host", 1), clock=hand)
    heartbeat.beat()
    town.away = True
    for _ in range(20):
        hand.now += BEAT_S
        with pytest.raises(DatabaseUnwell):
            heartbeat.beat()
    town.away = False
    hand.now += BEAT_S
    heartbeat.beat()
    assert town.buried == []


def test_who_was_suspended_knows_nothing_of_the_others() -> None:
    town, hand = Town({"other": 1}), Hand()
    heartbeat = Heartbeat(town, ("work", "host", 1), clock=hand)
    heartbeat.beat()
    hand.now += 3600
    heartbeat.beat()
    assert town.buried == []


def test_who_was_taken_for_dead_says_so_and_joins_again() -> None:
    town = Town()
    heartbeat = Heartbeat(town, ("work", "host", 1), clock=Hand())
    heartbeat.beat()
    town.known = False
    with capture_logs() as lines:
        heartbeat.beat()
        heartbeat.beat()
    assert [line["event"] for line in lines] == ["process.was-taken-for-dead"]
    assert town.joined == 2


def test_who_ends_leaves_also_without_having_begun() -> None:
    town = Town()
    Heartbeat(town, ("work", "host", 1)).stop(1)
    assert town.left


def test_who_ends_while_the_database_is_away_ends_all_the_same() -> None:
    Heartbeat(Town(away=True), ("work", "host", 1)).stop(1)


@given(st.lists(st.tuples(st.floats(0.1, 60), st.booleans()), max_size=60))
def test_nobody_is_dead_who_was_seen_to_beat_less_than_the_limit_ago(looks: list[tuple[float, bool]]) -> None:
    watch, at, beats, changed = ProcessWatch(), 0.0, 0, 0.0
    for gap_s, beat in looks:
        at += gap_s
        if beat:
            beats, changed = beats + 1, at
        if gap_s > MOST_GAP_S:
            changed = at  # what happened meanwhile is unknown
        silent = watch.silent({"other": beats}, at)
        assert not silent or at - changed >= SILENT_S
