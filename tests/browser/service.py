"""The service as a user starts it: `notifier run` in a process of its own, with a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from tests.browser.background import until
from tests.browser.newsroom import PUBLISHER, Newsroom

FEEDS = """\
feeds:
  - url: {origin}/feed.xml
    title: {publisher}
    publisher: {publisher}
    section: world
    poll_every_s: 1
"""
TOPICS = """\
topics:
  - slug: ships
    title: Ships
    description: Everything that floats, and what becomes of it.
    match: ferry OR ship OR harbour
    default_on: true
  - slug: storms
    title: Storms
    description: Wind and water where they should not be.
    match: storm OR flood
"""


ENDS_WITHIN_S = 40  # the service's promise is 35


class Service:
    """Runs until `stop`; follows `newsroom` and may push to `push_origin`."""

    def __init__(
        self, folder: Path, newsroom: Newsroom, push_origin: str, topics: str = TOPICS, **settings: str
    ) -> None:
        """`settings` are further NOTIFIER_… variables."""
        self.folder = folder
        (folder / "config").mkdir()
        (folder / "config" / "feeds.yaml").write_text(FEEDS.format(origin=newsroom.origin, publisher=PUBLISHER))
        (folder / "config" / "topics.yaml").write_text(topics)
        self.port = _free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.environment = _clean_environment() | {
            "NOTIFIER_PORT": str(self.port),
            "NOTIFIER_TITLE": "The Morning Wire",
            "NOTIFIER_CONTACT": "mailto:desk@news.example",
            "NOTIFIER_POLL_TICK_S": "0.2",
            "NOTIFIER_POLL_LEAST_S": "1",
            "NOTIFIER_ALERT_UPDATE_GAP_S": "0",
            "NOTIFIER_FEED_ALLOW": f"127.0.0.1:{newsroom.port}",
            "NOTIFIER_PUSH_ALLOW": push_origin,
            **settings,
        }
        self.start()
        # A feed's first poll is its backlog and alerts nobody; a second one means that the first has been dealt with.
        until(lambda: newsroom.asked >= 2, "the service to know the feed's backlog", 60)

    def start(self) -> None:
        """Start the process, again after `stop` or `kill`, and wait until it is ready."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [Path(sys.executable).with_name("notifier"), "run"],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        until(self._is_ready, "the service to be ready", 150)

    def kill(self) -> None:
        """End the process as a power cut would: it gets no chance to do anything more."""
        self._process.kill()
        self._process.wait(ENDS_WITHIN_S)

    def signal(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """The exit status, once it has ended."""
        return self._process.wait(seconds)

    def terminate(self, seconds: float = 35) -> int:
        """Tell it to stop; returns its exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def kill_before_settling(self) -> None:
        """End the process at the worst instant: push services have the last alert, and nothing written says so."""
        self.kill()
        self._query(
            "UPDATE chunk SET state = 'leased', cursor = lo, lease_until = 0"
            " WHERE alert_id = (SELECT max(id) FROM alert)"
        )
        self._query("DELETE FROM delivery_count WHERE alert_id = (SELECT max(id) FROM alert)")
        self._query("UPDATE alert SET done_at = NULL WHERE id = (SELECT max(id) FROM alert)")

    def stop(self) -> None:
        """End the process as an operator would."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(ENDS_WITHIN_S)

    @property
    def log(self) -> str:
        """What the service has written so far."""
        return (self.folder / "log").read_text(errors="replace")

    def subscriptions(self) -> int:
        """How many subscriptions are stored."""
        return int(self._query("SELECT count(*) FROM subscription")[0][0])

    def topics(self) -> set[str]:
        """The topics that any subscription has."""
        joined = "SELECT slug FROM topic JOIN subscription_topic ON topic.id = topic_id"
        return {row[0] for row in self._query(joined)}

    def receipts(self) -> dict[tuple[str, str], int]:
        """{(headline, shown or clicked): browsers} that told so."""
        joined = "SELECT message, alert_receipt.kind, count FROM alert_receipt JOIN alert ON alert.id = alert_id"
        return {(json.loads(row[0])["title"], row[1]): int(row[2]) for row in self._query(joined)}

    def rotate_key(self) -> None:
        """As an operator would, while the service runs."""
        command = [str(Path(sys.executable).with_name("notifier")), "push", "rotate", "--yes"]
        subprocess.run(command, cwd=self.folder, env=self.environment, check=True, capture_output=True)

    def key_ids(self) -> list[str]:
        """The application server key of each subscription."""
        return [row[0] for row in self._query("SELECT vapid_key_id FROM subscription ORDER BY id")]

    def ends(self) -> list[str]:
        """Why subscriptions ended, oldest first."""
        return [row[0] for row in self._query("SELECT reason FROM subscription_end ORDER BY id")]

    def endpoints(self) -> list[str]:
        """The secrets that must not be seen anywhere else."""
        return [row[0] for row in self._query("SELECT endpoint FROM subscription")]

    def has_items(self) -> bool:
        """Whether anything has been stored that a feed had."""
        return bool(self._query("SELECT id FROM item"))

    def grow_older(self, days: int) -> None:
        """As if the first item had come so many days earlier."""
        self._query(f"UPDATE item SET first_seen_at = first_seen_at - {days * 86_400_000_000}")  # noqa: S608 - a number

    def send_earlier(self, title: str, minutes: int) -> None:
        """As if the alert with this headline had been sent so much earlier."""
        found = [row[0] for row in self._query("SELECT id, message FROM alert") if json.loads(row[1])["title"] == title]
        earlier = f"UPDATE alert SET decided_at = decided_at - {minutes * 60_000_000} WHERE id = {found[-1]}"  # noqa: S608
        self._query(earlier)

    def forget_everybody(self) -> None:
        """Lose all subscriptions, as a database does that is restored from an old copy."""
        self._query("DELETE FROM subscription_topic")
        self._query("DELETE FROM subscription")

    @property
    def key_path(self) -> Path:
        """The application server key."""
        return self.folder / "data" / "keys" / "vapid.pem"

    @property
    def feeds_path(self) -> Path:
        """Its feeds.yaml."""
        return self.folder / "config" / "feeds.yaml"

    @property
    def database_url(self) -> str:
        """For stores of the test's own."""
        return f"sqlite:///{self.folder / 'data' / 'notifier.db'}"

    def _is_ready(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"the service ended:\n{self.log}")
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _query(self, sql: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self.folder / "data" / "notifier.db", timeout=10)) as database, database:
            return database.execute(sql).fetchall()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")}
