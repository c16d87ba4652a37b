"""Politeness: few connections to a host at a time, and its feeds spread over time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from notifier.feeds.hosts import LONGEST_LINE_S, HostGate, HostPace, host_of, site_of

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_a_host_is_its_name_and_port_without_credentials() -> None:
    assert host_of("https://me:secret@Paper.Example:8443/feed") == "paper.example:8443"


def test_a_site_is_its_host_as_people_name_it() -> None:
    urls = ("https://me@www.Paper.Example.:8443/feed", "https://paper.example", "mailto:x", "http://[1/")
    assert [site_of(url) for url in urls] == ["paper.example", "paper.example", "", ""]


def test_no_more_than_two_are_with_a_host_and_others_do_not_wait_for_them() -> None:
    async def main() -> tuple[int, bool]:
        gate, inside, most = HostGate(2), 0, 0
        release = asyncio.Event()

        async def visit(host: str) -> None:
            nonlocal inside, most
            async with gate.of(host):
                inside += host == "busy"
                most = max(most, inside)
                await release.wait() if host == "busy" else None
                inside -= host == "busy"

        visitors = [asyncio.create_task(visit("busy")) for _ in range(10)]
        await asyncio.sleep(0)
        await asyncio.wait_for(visit("free"), 1)
        release.set()
        await asyncio.gather(*visitors)
        del visitors
        return most, bool(gate._gates)

    assert asyncio.run(main()) == (2, False)


def test_a_thousand_feeds_of_one_host_are_spread_over_minutes() -> None:
    pace = HostPace(burst=10, gap_s=0.25)
    answers = [pace.ask("big.example", NOON) for _ in range(1000)]
    later = [at for at in answers if at is not None]
    assert answers[:10] == [None] * 10
    assert len(later) == 990
    assert later[0] == NOON + timedelta(seconds=0.25)
    assert later[-1] == NOON + timedelta(seconds=0.25 * 990)


def test_what_was_put_off_is_asked_at_its_time() -> None:
    pace = HostPace(burst=2, gap_s=1.0)
    asked, waiting, now = 0, [NOON] * 20, NOON
    for _ in range(60):
        due = [at for at in waiting if at <= now]
        waiting = [at for at in waiting if at > now]
        for _ in due:
            at = pace.ask("big.example", now)
            asked += at is None
            waiting += [] if at is None else [at]
        now += timedelta(seconds=1)
    assert (asked, waiting) == (20, [])


def test_hosts_do_not_wait_for_each_other() -> None:
    pace = HostPace(burst=1, gap_s=60.0)
    assert [pace.ask(f"{n}.example", NOON) for n in range(50)] == [None] * 50


def test_idle_hosts_are_forgotten() -> None:
    pace = HostPace(burst=1, gap_s=1.0)
    for _ in range(5):
        pace.ask("a.example", NOON)
    pace.forget_idle(NOON + timedelta(minutes=1))
    assert not pace._free_at
    assert not pace._queue_end


def test_a_clock_that_was_ahead_puts_nobody_off_for_days() -> None:
    pace = HostPace(2, 1.0)
    for _ in range(5):
        pace.ask("paper.example", NOON + timedelta(days=2))
    assert pace.ask("paper.example", NOON) is None
    assert pace.ask("paper.example", NOON) is None
    assert pace.ask("paper.example", NOON) == NOON + timedelta(seconds=1)


def test_nobody_is_put_off_for_longer_than_the_line_is() -> None:
    pace = HostPace(1, 1.0)
    times = [pace.ask("paper.example", NOON) for _ in range(2_000)]
    assert max(filter(None, times)) <= NOON + timedelta(seconds=LONGEST_LINE_S + 1)
