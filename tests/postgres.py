"""A PostgreSQL server of the tests' own: in memory if there is room, on a free loopback port, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg

from tests.memory import in_memory

# Nothing here outlives the test run, so nothing has to survive a power cut.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
# What is committed survives an `immediate` stop, though not a power cut.
SURE = ("fsync=off", "synchronous_commit=on", "full_page_writes=on")


class PostgresServer:
    """Starts on construction; `url(database)` is an SQLAlchemy URL, `psql` runs one statement as the superuser."""

    def __init__(self, pg_ctl: str, settings: tuple[str, ...] = FAST) -> None:
        self._settings = settings
        self._bin = Path(pg_ctl).resolve().parent
        self.folder = Path(tempfile.mkdtemp(prefix="notifier-pg-", dir=in_memory()))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "-D", "data", "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start, or start again after `stop`."""
        options = " ".join(
            [f"-p {self.port} -h 127.0.0.1 -k {self.folder}", *(f"-c {setting}" for setting in self._settings)]
        )
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self, how: str = "fast") -> None:
        """Stop: `fast`, or `immediate` as in a crash."""
        self._run("pg_ctl", "-D", "data", "-w", "-m", how, "stop")

    def remove(self) -> None:
        """Stop and leave nothing behind."""
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://tests@127.0.0.1:{self.port}/{database}"

    def psql(self, statement: str, database: str = "postgres") -> None:
        """Run one statement outside a transaction, or several in one."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="tests", dbname=database, autocommit=True
        ) as session:
            session.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        # PostgreSQL refuses to run as root; Debian's package brings the user that it runs as instead.
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        command = [*as_user, str(self._bin / program), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            log = self.folder / "log"
            raise RuntimeError(f"{program}: {done.stderr}{log.read_text() if log.exists() else ''}")
