"""What the service says of itself: structured logs and metrics, neither ever with an endpoint or a key.

`Metrics` holds every metric of the service in a registry of its own, so that two services in one process (tests) do not
share counts. docs/reference/metrics.md is written from what stands here (`make reference`).
"""

from __future__ import annotations

import logging
import re
import sys
from collections import Counter as Counts
from collections.abc import Iterable, MutableMapping
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from notifier.repeats import Repeats
from notifier.troubles import Code, Trouble

SECRET_KEYS = frozenset({"endpoint", "p256dh", "auth", "authorization", "token", "keys", "private_key", "subscription"})
REDACTED = "(not logged)"
# A push endpoint is an address at a push service, or one with a long opaque part: capitals and digits in 40 characters
# or more, unlike the words of an article's address. Whatever brings one into a log line, only its origin stays.
ENDPOINT = re.compile(
    r"(https?://[^/\s\"']*(?:fcm\.googleapis|push\.services\.mozilla|push\.apple|notify\.windows)\.com)/[^\s\"']+"
    r"|(https?://[^/\s\"']+)/[^\s\"']*(?=[\w:%-]*[A-Z])(?=[\w:%-]*[0-9])[\w:%-]{40,}[^\s\"']*",
    re.ASCII,
)
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)


class Metrics:
    """Every metric, named as Prometheus advises: unit last, totals as counters."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._add_feeds()
        self._add_decisions()
        self._add_pushes()
        self._add_times()
        self._add_the_service()

    def _add_feeds(self) -> None:
        self.polls = self._counter(
            "notifier_feed_polls_total",
            "Polls by result: unchanged, changed, failed, retired, pushed by a hub",
            "result",
        )
        self.feeds = self._gauge("notifier_feeds", "Feeds by health: new, ok, quiet, failing, retired", "state")
        self.feeds_unreachable = self._gauge(
            "notifier_feeds_unreachable",
            "1 while most hosts cannot be reached: this machine's network or DNS, not the feeds",
        )
        self.items = self._counter("notifier_items_total", "Items stored, new or edited", "kind")

    def _add_decisions(self) -> None:
        self.verdicts = self._counter(
            "notifier_verdicts_total",
            "Decisions on stories: send, hold, or the reason why not; undecidable: the decider could not read an item "
            "or decide on a story, and set it aside",
            "verdict",
        )
        self.alerts = self._counter("notifier_alerts_total", "Alerts accepted: new, update, correction", "kind")
        self.decision_lag = self._gauge(
            "notifier_decision_lag_seconds",
            "Age of the oldest item that is not decided; over 60 is the trouble decisions-behind",
        )

    def _add_pushes(self) -> None:
        self.pushes = self._counter(
            "notifier_pushes_total", "Pushes: delivered, gone, retrying, expired, refused-…", "service", "outcome"
        )
        self.subscriptions = self._gauge("notifier_subscriptions", "Subscriptions there are")
        self.chunks_open = self._gauge("notifier_chunks_open", "Chunks of alerts that are not done")
        self.retries_open = self._gauge("notifier_retries_open", "Pushes waiting to be tried again")
        self.envelopes_ready = self._gauge(
            "notifier_envelopes_ready",
            "Subscriptions for which a push is sealed ahead; far below notifier_subscriptions for long: no quiet "
            "minutes, or sealing fails",
        )
        self.services_paused = self._gauge(
            "notifier_push_services_paused",
            "1 while a push service refuses nearly everybody: our key or contact",
            "service",
        )
        self.push_limit = self._gauge(
            "notifier_push_limit_per_minute",
            "Messages a minute that a push service limits this site to; 0: no limit",
            "service",
        )

    def _add_times(self) -> None:
        self.publication_to_alert = self._histogram(
            "notifier_publication_to_alert_seconds", "From an item's publication to its alert's acceptance"
        )
        self.publication_to_fetched = self._histogram(
            "notifier_publication_to_fetched_seconds",
            "From a story's first publication to our having fetched it, for each new alert",
        )
        self.fetched_to_decided = self._histogram(
            "notifier_fetched_to_decided_seconds", "From our having fetched a story to its alert's acceptance"
        )
        self.receipts = self._counter(
            "notifier_receipts_total",
            "What browsers told of alerts, at least: shown, clicked, one client a few times a day; of an alert to "
            "more than 30,000 only a share tells",
            "kind",
        )
        self.decision_to_shown = self._histogram(
            "notifier_decision_to_shown_seconds",
            "From a decision to the screen, as browsers tell; each in steps of a few seconds",
        )
        self.decision_to_sent = self._histogram(
            "notifier_decision_to_accepted_seconds", "From a decision to a push service's yes, for each sub-batch"
        )

    def _add_the_service(self) -> None:
        self.troubles = self._gauge(
            "notifier_troubles", "What is wrong just now, counted by code as this process knows it", "code"
        )
        self.config_broken = self._gauge(
            "notifier_config_broken",
            "1 while a changed file is broken and the last good one is in force",
            "file",
        )

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(name, meaning, labels, registry=self.registry)

    def _histogram(self, name: str, meaning: str) -> Histogram:
        return Histogram(name, meaning, buckets=SECONDS, registry=self.registry)

    def show_troubles(self, troubles: Iterable[Trouble]) -> None:
        """Count what is wrong just now, by code; a code that is over stays, at 0."""
        counts = Counts(trouble.code for trouble in troubles)
        for code in Code:
            self.troubles.labels(code.value).set(counts[code])

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)


def set_up_logging(*, json: bool, level: str = "INFO") -> None:
    """Send structlog's and the standard library's lines to stderr: JSON lines, or colours for a person."""
    repeats = Repeats()
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if json else _keep,
        redact,
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if json
        # Plain tracebacks: the usual pretty ones show local variables, and with them endpoints and keys.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[repeats, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(repeats)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("apscheduler", "aio_pika", "aiormq", "alembic", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # A job that takes longer than its interval is left out a turn, on purpose: no reason for a warning each time.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: no endpoint, key or token leaves, whatever was passed in."""
    for key, value in event.items():
        event[key] = REDACTED if key.lower() in SECRET_KEYS else _clean(value)
    return event


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return ENDPOINT.sub(lambda found: f"{found[1] or found[2]}/…", value)
    if isinstance(value, dict):
        return {k: REDACTED if str(k).lower() in SECRET_KEYS else _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(part) for part in value]
    return value


def _keep(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return event
