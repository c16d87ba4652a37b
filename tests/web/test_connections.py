"""The gate by itself: bounds and time-outs over a clock that is moved by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifier.troubles import Code, Troubles
from notifier.web.connections import YIELDING, Gate, Phase, PortSettings
from notifier.wiring.descriptors import connections_within

SETTINGS = PortSettings(most=6, most_each=3)


class Time:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


class Caller:
    """A connection that only remembers what was done to it."""

    def __init__(self, gate: Gate) -> None:
        self.gate, self.ended = gate, False
        self.slow: list[Phase] = []

    def end(self) -> None:
        self.ended = True
        self.gate.leave(self)

    def too_slow(self, phase: Phase) -> None:
        self.slow.append(phase)


def made() -> tuple[Gate, Time, Troubles]:
    time, troubles = Time(), Troubles()
    return Gate(SETTINGS, troubles, time), time, troubles


def entered(gate: Gate, client: str | None, phase: Phase = Phase.HEAD) -> Caller:
    caller = Caller(gate)
    assert gate.enter(caller, client)
    gate.move(caller, phase)
    return caller


def test_the_oldest_that_only_waits_makes_room() -> None:
    gate, time, troubles = made()
    busy = [entered(gate, None, Phase.ANSWER) for _ in range(4)]
    time.s = 1
    idle, half_sent = entered(gate, None, Phase.IDLE), entered(gate, None)
    entered(gate, None)
    assert (idle.ended, half_sent.ended, any(one.ended for one in busy)) == (True, False, False)
    assert [trouble.code for trouble in troubles.all()] == [Code.CONNECTIONS_FULL]


def test_where_all_are_being_answered_nobody_is_let_in() -> None:
    gate, _, _ = made()
    for _ in range(SETTINGS.most):
        entered(gate, None, Phase.ANSWER)
    assert not gate.enter(Caller(gate), None)


def test_it_is_over_once_there_has_been_room_for_a_minute() -> None:
    gate, time, troubles = made()
    callers = [entered(gate, None) for _ in range(7)]
    for one in callers:
        gate.leave(one)
    gate.sweep()
    assert troubles.all()
    time.s = 61
    gate.sweep()
    assert not troubles.all()


def test_each_phase_has_its_time_and_an_answer_has_all() -> None:
    for phase in Phase:
        gate, time, _ = made()
        caller = entered(gate, "198.51.100.1", phase)
        time.s = (SETTINGS.limit_s(phase) or 1e6) - 0.01
        gate.sweep()
        assert not caller.slow
        assert not caller.ended
        time.s += 0.02
        gate.sweep()
        assert bool(caller.slow or caller.ended) is (phase is not Phase.ANSWER)


STEPS = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from([None, "a", "b"]), st.sampled_from(list(Phase)), st.floats(0, 40)),
    max_size=60,
)


@given(STEPS)
def test_whatever_they_do_the_bounds_hold_and_nobody_whose_turn_is_ours_is_ended(
    steps: list[tuple[int, str | None, Phase, float]],
) -> None:
    gate, time, _ = made()
    inside: list[tuple[Caller, str | None]] = []
    for which, client, phase, later_s in steps:
        time.s += later_s
        answered = [one for one, _ in inside if gate.phase(one) is Phase.ANSWER]
        gate.sweep()
        if which >= len(inside):
            caller = Caller(gate)
            if gate.enter(caller, client):
                inside.append((caller, client))
        else:
            gate.move(inside[which][0], phase)
            answered = [one for one in answered if one is not inside[which][0]]
        assert not any(one.ended for one in answered)
        inside = [(one, whose) for one, whose in inside if gate.phase(one) is not None]
        assert len(inside) == len(gate) <= SETTINGS.most
        for name in ("a", "b"):
            assert sum(whose == name for _, whose in inside) <= SETTINGS.most_each
    assert Phase.ANSWER not in YIELDING


@given(st.integers(32, 2**20), st.integers(0, 10**6))
def test_half_of_the_descriptors_are_kept_for_feeds_and_pushes(descriptors: int, asked: int) -> None:
    assert 16 <= connections_within(descriptors, asked) <= max(16, descriptors // 2)
