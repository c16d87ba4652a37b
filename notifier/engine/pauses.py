"""Push services that take nothing for now: whoever waits for them waits in the database, untouched.

Paused, loudly, are those that refuse (nearly) everybody (401, 403: engine/refusals.py), while everybody's subscription
stays. Held are those whose pace has no room left (push/pacing.py): a limit a minute or a second, or a rest after
failures. Those that limit the site are not begun with by whoever comes first: everybody there waits, and those who were
here last are sent to first. At origins that do not answer in time everybody waits too, so that nobody else has to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from threading import Lock

import structlog

from notifier.alerts.delivery import Deferred
from notifier.engine.refusals import Good, RefusalHistory, accepted, refused
from notifier.push.bounded_dict import BoundedDict
from notifier.telemetry import Metrics
from notifier.troubles import Code, Trouble

log = structlog.get_logger()

PAUSE_S = 60.0
LOOK_S, LEAST_LOOK_S = 1.0, 0.02
"""How seldom, and how often at most, somebody looks whether a service has room again."""
FIX = "Run `notifier check`: the VAPID key or NOTIFIER_CONTACT is not what subscriptions were made with"


REFUSING = "Nobody at {service} was accepted in the last {alerts} alerts: {few} known subscriptions answer {status}"
REFUSING_DO = (
    "Run `notifier check`; if the VAPID key and NOTIFIER_CONTACT are right, the trouble is these subscriptions' own"
)


def no_room(origin: str) -> int | None:
    """Of a service that keeps us to no pace."""
    return None


class Pauses:
    """Shared by a process's threads. A pause ends by itself: the first push after it is the probe."""

    def __init__(
        self,
        metrics: Metrics,
        limited: Callable[[], Collection[str]] = frozenset,
        late: Callable[[], Collection[str]] = frozenset,
        room: Callable[[str], int | None] = no_room,
    ) -> None:
        """`limited` gives the origins of the services that limit the site now, `late` those that do not answer in time.

        `room`: how many messages an origin takes at a time, None where nothing keeps us from more.
        """
        self._until: dict[str, datetime] = {}
        self._deferred: dict[tuple[str, bool], datetime] = {}
        self._rooms: dict[str, int | None] = {}
        self._evidence: dict[str, RefusalHistory] = {}
        self._accepted_at: datetime | None = None
        self._unknown: BoundedDict[None] = BoundedDict()
        self._lock = Lock()
        self._metrics, self.room = metrics, room
        self.limited, self.late = limited, late

    def accepted(self, service: str, good: Good, now: datetime, many: int = 1) -> None:
        """So many at `service` were accepted at once, `good` among them: nobody is refused for all."""
        with self._lock:
            before = self._evidence.get(service, RefusalHistory())
            self._evidence[service] = accepted(before, good, many, now)
            self._accepted_at = now
            was_paused = self._until.pop(service, None) is not None
        if was_paused or before.is_doubtful:
            self._metrics.services_paused.labels(service).set(0)

    def refused(self, service: str, ids: Iterable[int], alert_id: int, status: int, now: datetime) -> RefusalHistory:
        """Nobody at `service` was accepted, and these, who tell of it, were refused; what is known of it then."""
        with self._lock:
            before = self._evidence.get(service, RefusalHistory())
            evidence = self._evidence[service] = refused(before, frozenset(ids), alert_id, status, now)
        return evidence

    def refusing(self, now: datetime) -> Mapping[str, RefusalHistory]:
        """Of the services that refuse everybody, alert after alert: those that are not paused, since these few could
        be at fault themselves."""
        with self._lock:
            known = dict(self._evidence)
        return {s: found for s, found in known.items() if found.is_refusing(now) and not found.is_doubtful}

    def troubles(self, now: datetime) -> list[Trouble]:
        """What an operator should know of services that are not paused."""
        return [
            Trouble(
                Code.PUSH_REFUSING,
                REFUSING.format(service=service, alerts=found.alerts, few=len(found.refused), status=found.status),
                REFUSING_DO,
                service,
            )
            for service, found in self.refusing(now).items()
        ]

    def unknown(self, services: Collection[str] = ()) -> frozenset[str]:
        """Those of `services`, and of all that were asked about before, where this process was never accepted."""
        with self._lock:
            for service in (*services, *self._unknown):
                if service in self._evidence and self._evidence[service].good:
                    self._unknown.pop(service, None)
                else:
                    self._unknown[service] = None
            return frozenset(self._unknown)

    def is_amid(self, service: str | None, now: datetime) -> bool:
        """Whether `service`, or any of them, accepted somebody lately."""
        with self._lock:
            if service is None:
                return RefusalHistory(accepted_at=self._accepted_at).is_amid(now)
            evidence = self._evidence.get(service)
            return evidence is not None and evidence.is_amid(now) and not evidence.is_doubtful

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
                fix=FIX,
            )

    def forget(self) -> None:
        """No service is paused or held: the clock was set back, and their times would not come."""
        with self._lock:
            services = list(self._until)
            self._until.clear()
            self._deferred.clear()
        for service in services:
            self._metrics.services_paused.labels(service).set(0)

    def is_paused(self, service: str, now: datetime) -> bool:
        """Whether `service` is not to be pushed to at `now`."""
        return self.remaining_s(service, now) > 0

    def until(self, now: datetime) -> Mapping[str, datetime]:
        """{push service: when its pause ends} of those that are paused."""
        with self._lock:
            return {service: until for service, until in self._until.items() if until > now}

    def hold(self, service: str, until: datetime, *, breaking: bool, origin: str = "") -> None:
        """No room is left at `service` until then: for ordinary alerts, or for breaking and so for all."""
        with self._lock:
            self._rooms[service] = self.room(origin)
            self._deferred[service, breaking] = until
            if breaking:
                self._deferred[service, False] = until

    def deferred(self, now: datetime) -> Deferred:
        """The services that take nothing now: held ones, and paused ones."""
        with self._lock:
            self._deferred = {key: until for key, until in self._deferred.items() if until > now}
            paused = {service for service, until in self._until.items() if until > now}
            return {
                breaking: paused | {service for service, urgent in self._deferred if urgent is breaking}
                for breaking in (True, False)
            }

    def rooms(self) -> Mapping[str, int]:
        """{push service: how many may be tried again at a time} of those that keep us to a pace."""
        with self._lock:
            return {service: room for service, room in self._rooms.items() if room is not None}

    def look_in_s(self, now: datetime) -> float:
        """Seconds until one of those that are held has room again: LEAST_LOOK_S to LOOK_S.

        Never none: who asks may have other things to do first, and would ask again and again.
        """
        with self._lock:
            left = [(until - now).total_seconds() for until in self._deferred.values()]
        return max(LEAST_LOOK_S, min([LOOK_S, *left]))

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
