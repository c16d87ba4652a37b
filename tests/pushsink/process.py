"""Start and stop the sink, and ask it what it saw."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.request
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).parents[2]


class PushSink:
    """A sink in another process, as a context manager.

    `tls=False`: plain HTTP/1.1. Other options are those of `python -m tests.pushsink`. `origin` is where endpoints
    begin (`origins`: those of all services, of which it is the first), `local` its address for the guard, `ca_file`
    the authority that signed its certificate.
    """

    def __init__(self, *options: str, tls: bool = True) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.ca_file = Path(self._folder.name) / "ca.pem"
        self._options = list(options)
        chain = Path(self._folder.name) / "server.pem"
        make_certificate(chain, self.ca_file)
        if tls:
            self._options += ["--certificate", str(chain)]

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.pushsink", *self._options]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        ports = json.loads(self._process.stdout.readline())
        self.origins: list[str] = ports["origins"]
        self.origin = self.origins[0]
        self.local = self.origin.partition("://")[2]
        self._control = f"http://127.0.0.1:{ports['control']}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=10)
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        """For benchmarks, which put it on a core of its own."""
        return self._process.pid

    def endpoint(self, behaviour: str, number: int) -> str:
        """The endpoint of browser `number`, at which the sink behaves like that."""
        return f"{self.origin}/{behaviour}/{number}"

    def report(self) -> dict[str, Any]:
        """What the sink saw since it started or forgot."""
        return self._ask("/report")

    def accepted_at(self) -> dict[str, float]:
        """Browser -> when it got its first message, in Unix time."""
        return self._ask("/accepted")

    def next_minute(self) -> None:
        """A minute has passed for what it limits: the test's own time, not the clock's."""
        self._ask("/minute")

    def forget(self) -> None:
        """Count from nothing again."""
        self._ask("/forget")

    def _ask(self, path: str) -> dict[str, Any]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self._control + path, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


def make_certificate(chain: Path, ca_file: Path) -> None:
    """A self-signed certificate for 127.0.0.1 and localhost that is its own authority."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "push service for tests")])
    now = datetime.now(UTC)
    names = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    ca_file.write_bytes(pem)
    chain.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
