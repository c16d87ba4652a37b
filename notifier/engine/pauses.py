"""Push services that take nothing for now: whoever waits for them waits in the database, untouched.

Paused, loudly, are those that refuse our credentials (401, 403), while everybody's subscription stays. Held are those
whose pace has no room left (push/pacing.py): a limit a minute, or a rest after failures. Those that limit the site are
not begun with by whoever comes first: everybody there waits, and those who were here last are sent to first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from threading import Lock

import structlog

from notifier.alerts.delivery import Held
from notifier.telemetry import Metrics

log = structlog.get_logger()

PAUSE_S = 60.0


class Pauses:
    """Shared by a process's threads. A pause ends by itself: the first push after it is the probe."""

    def __init__(self, metrics: Metrics, limited: Callable[[], Collection[str]] = frozenset) -> None:
        """`limited` gives the origins of the services that limit the site now."""
        self._until: dict[str, datetime] = {}
        self._held: dict[tuple[str, bool], datetime] = {}
        self._lock = Lock()
        self._metrics = metrics
        self.limited = limited

    def pause(self, service: str, status: int, now: datetime) -> None:
        """Stop pushing to `service` for a minute, and say so once."""
        with self._lock:
            fresh = self._until.get(service, now) <= now
            self._until[service] = now + timedelta(seconds=PAUSE_S)
        self._metrics.services_paused.labels(service).set(1)
        if fresh:
            log.error(
                "push.service-paused",
                service=service,
                status=status,
                retry_in_s=PAUSE_S,
                fix="Run `notifier check`: the VAPID key or NOTIFIER_CONTACT is not what subscriptions were made with",
            )

    def forget(self) -> None:
        """No service is paused or held: the clock was set back, and their times would not come."""
        with self._lock:
            services = list(self._until)
            self._until.clear()
            self._held.clear()
        for service in services:
            self._metrics.services_paused.labels(service).set(0)

    def is_paused(self, service: str, now: datetime) -> bool:
        """Whether `service` is not to be pushed to at `now`."""
        return self.remaining_s(service, now) > 0

    def until(self, now: datetime) -> Mapping[str, datetime]:
        """{push service: when its pause ends} of those that are paused."""
        with self._lock:
            return {service: until for service, until in self._until.items() if until > now}

    def hold(self, service: str, until: datetime, *, breaking: bool) -> None:
        """No room is left at `service` until then: for ordinary alerts, or for breaking and so for all."""
        with self._lock:
            self._held[service, breaking] = until
            if breaking:
                self._held[service, False] = until

    def held(self, now: datetime) -> Held:
        """The services that take nothing now: held ones, and paused ones."""
        with self._lock:
            self._held = {key: until for key, until in self._held.items() if until > now}
            paused = {service for service, until in self._until.items() if until > now}
            return {
                breaking: paused | {service for service, urgent in self._held if urgent is breaking}
                for breaking in (True, False)
            }

    def remaining_s(self, service: str, now: datetime) -> float:
        """Seconds until the pause ends; 0 where there is none."""
        with self._lock:
            until = self._until.get(service)
            if until is None:
                return 0.0
            if until <= now:
                del self._until[service]
                self._metrics.services_paused.labels(service).set(0)
                return 0.0
            return (until - now).total_seconds()
