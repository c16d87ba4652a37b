"""A RabbitMQ node of the tests' own: in a temporary folder, on free loopback ports, gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from threading import Event
from time import monotonic

STARTS_WITHIN_S = 60.0


class RabbitServer:
    """Starts on construction; `url` is what a client connects to."""

    def __init__(self, program: str) -> None:
        # Debian's program in sbin starts this one, but in a session that we could not end.
        debians = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
        self._program = str(debians) if debians.exists() else program
        self.folder = Path(tempfile.mkdtemp(prefix="notifier-mq-"))
        self.port, self._distribution, self._names = _free_port(), _free_port(), _free_port()
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nloopback_users = none\ndisk_free_limit.absolute = 1MB\n"
        )
        (self.folder / "plugins").write_text("[].\n")
        if os.geteuid() == 0:
            # It refuses to run as root; Debian's package brings a user for it.
            for path in (self.folder, *self.folder.iterdir()):
                shutil.chown(path, "rabbitmq", "rabbitmq")
        self.start()

    @property
    def url(self) -> str:
        """The AMQP URL."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Start, or start again after `stop`; returns when the node accepts connections."""
        as_user = ["setpriv", "--reuid=rabbitmq", "--regid=rabbitmq", "--clear-groups"] if os.geteuid() == 0 else []
        self._environment = {
            **os.environ,
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"notifier{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_LOGS": "-",
            "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._names),
        }
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [*as_user, self._program],
                cwd=self.folder,
                env=self._environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        until = monotonic() + STARTS_WITHIN_S
        while not _accepts(self.port):
            if self._process.poll() is not None or monotonic() > until:
                raise RuntimeError((self.folder / "output").read_text()[-2000:])
            Event().wait(0.2)

    def stop(self) -> None:
        """End the node as a crash does."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        until = monotonic() + STARTS_WITHIN_S
        while _accepts(self.port) and monotonic() < until:
            Event().wait(0.05)

    def remove(self) -> None:
        """Stop and leave nothing behind."""
        self.stop()
        # Erlang's name server, started with the node in a session of its own, outlives it.
        subprocess.run(["epmd", "-kill"], env=self._environment, check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
