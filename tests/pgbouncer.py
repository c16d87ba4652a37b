"""A PgBouncer of the tests' own, in transaction mode before a PostgresServer, on a free loopback port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from threading import Event
from time import monotonic

STARTS_WITHIN_S = 30.0
SETTINGS = """\
[databases]
* = host=127.0.0.1 port={server} user=tests
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
pidfile = {folder}/pid
"""


class Bouncer:
    """Starts on construction; two server connections for everybody."""

    def __init__(self, program: str, server_port: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="notifier-pgb-"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        settings = self.folder / "pgbouncer.ini"
        settings.write_text(SETTINGS.format(server=server_port, port=self.port, folder=self.folder))
        as_user = []
        if os.geteuid() == 0:  # it refuses to run as root, and root's umask may keep others from what root wrote
            shutil.chown(self.folder, "postgres")
            shutil.chown(settings, "postgres")
            as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        said = self.folder / "said"
        with said.open("wb") as out:
            self._process = subprocess.Popen([*as_user, program, str(settings)], stdout=out, stderr=out)
        until = monotonic() + STARTS_WITHIN_S
        while not self._accepts():
            if self._process.poll() is not None or monotonic() > until:
                raise RuntimeError(f"pgbouncer did not start (exit code {self._process.poll()}): {said.read_text()}")
            Event().wait(0.05)

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database behind it."""
        return f"postgresql+psycopg://tests@127.0.0.1:{self.port}/{database}"

    def remove(self) -> None:
        """Stop and leave nothing behind."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _accepts(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
