"""How the service does, as wiring gathers it for the System page. Plain data; `alarms` says what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from notifier.alerts.queue import QueueState
from notifier.push.pacing import ServicePace


@dataclass(frozen=True, slots=True)
class JobReport:
    """Something that this process does every `every_s` seconds.

    `last_at` is when its last run ended (UTC, by the wall clock), `error` the kind of exception that it ended with, and
    `failures` how many runs in a row did.
    """

    name: str
    every_s: float
    last_at: datetime | None = None
    took_s: float | None = None
    error: str | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class KeyReport:
    """An application server key: its name, since when it is here, and how many subscriptions are bound to it.

    New subscriptions are made with the `present` one.
    """

    key_id: str
    made_at: datetime
    subscriptions: int
    present: bool = True


@dataclass(frozen=True, slots=True)
class SystemState:
    """One look at the whole.

    `engine` says who sends; `paces` are what this process knows of each push service's origin, `paused` until when a
    service is left alone because it refuses our key. `envelopes` are sealed ahead. `unknown_keys` counts subscriptions
    whose key is not here. `public` is False while no https address is set. `facts` is how things are set up, `versions`
    what runs.
    """

    engine: str
    queue: QueueState = field(default_factory=QueueState)
    jobs: Sequence[JobReport] = ()
    keys: Sequence[KeyReport] = ()
    envelopes: int = 0
    paces: Mapping[str, ServicePace] = field(default_factory=dict)
    paused: Mapping[str, datetime] = field(default_factory=dict)
    unknown_keys: int = 0
    public: bool = True
    contact: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
