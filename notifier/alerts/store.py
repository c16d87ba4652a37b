"""The store of accepted alerts, as the rooms that read them see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from notifier.alerts.alert import Alert, NewAlert


class AlertStore(Protocol):
    """Alerts and what came of them. Synchronous: callers run it in a worker thread."""

    def accept(self, new: NewAlert, now: datetime) -> Alert:
        """Write an alert and its chunks in one transaction; from then on it survives any crash."""

    def recent(self, limit: int, before: int | None = None) -> Sequence[Alert]:
        """The newest alerts first; `before` pages on from an alert's id."""

    def find(self, alert_id: int) -> Alert | None:
        """One alert, or None."""
