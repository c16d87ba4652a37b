"""How each push service does, in sentences for the System page. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from notifier.operations.system import SystemState
from notifier.push.pacing import ServicePace


@dataclass(frozen=True, slots=True)
class ServiceReport:
    """A push service in words: its `state` in one, what that means, and what helps. `well` where nothing does."""

    name: str
    state: str
    meaning: str
    help: str = ""
    well: bool = True


def service_reports(state: SystemState, now: datetime) -> list[ServiceReport]:
    """Every push service that this process has sent to or that refuses our key, those that are not well first."""
    refused = [
        ServiceReport(
            name,
            "paused",
            f"It refuses our key (401 or 403), so it is left alone until {until:%H:%M:%S} UTC. Nobody is lost",
            "Run `notifier check` on the server: the key file, or NOTIFIER_CONTACT, is not what it wants to see",
            False,
        )
        for name, until in state.paused.items()
    ]
    found = refused + [_paced(_host(origin), pace, now) for origin, pace in state.paces.items()]
    return sorted(found, key=lambda report: (report.well, report.name))


def _paced(name: str, pace: ServicePace, now: datetime) -> ServiceReport:
    if pace.is_open:
        until = f" It is tried again at {pace.rests_until:%H:%M:%S} UTC." if pace.rests_until else ""
        meaning = f"{pace.failures} batches in a row got no useful answer.{until} Alerts wait until their TTL ends"
        return ServiceReport(name, "circuit open", meaning, "Look at its status page, and at our network", False)
    if pace.per_minute is not None:
        meaning = f"Chrome judges this site disruptive: {pace.per_minute:,} messages a minute, breaking ones first"
        advice = "Send fewer alerts, offer finer topics, and ask for permission only where readers look for it"
        return ServiceReport(name, "limited", meaning, advice, False)
    if pace.rests_until is not None and pace.rests_until > now:
        meaning = f"It asked for time, until {pace.rests_until:%H:%M:%S} UTC. Alerts wait that long"
        return ServiceReport(name, "resting", meaning)
    speed = f", usually answering within {pace.usual_s * 1000:.0f} ms" if pace.usual_s else ""
    return ServiceReport(name, "well", f"Up to {pace.streams} pushes at a time{speed}")


def _host(origin: str) -> str:
    return origin.partition("://")[2] or origin
