"""A push service as Chromium knows it: check-in and registration over HTTP, messages over a TLS connection (MCS).

Chromium's endpoints name a public host; `local` gives the same subscription here, which is what the service under test
is told.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ipaddress
import ssl
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.browser.background import Background
from tests.browser.protobuf import fixed64, integer, read_strings, text, varint
from tests.browser.push_rules import Refusal, check_push, from_base64url

MCS_VERSION = 41
PING, PING_ACK, LOGIN, LOGGED_IN, DATA = 0, 1, 2, 3, 8
DEVICE, SECRET = 4711471147114711, 8150815081508150


class ChromiumPush:
    """Runs until `stop`. `statuses` are the answers to pushes."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self._registered: dict[str, dict[str, str]] = {}
        self._ended: set[str] = set()
        self._connected: list[asyncio.StreamWriter] = []
        self._is_off = False
        self._waiting: list[tuple[dict[str, str], bytes]] = []
        self._background = Background()
        app = web.Application()
        app.router.add_post("/checkin", self._check_in)
        app.router.add_post("/register", self._register)
        app.router.add_post("/fcm/send/{token}", self._push)
        self.origin = f"http://127.0.0.1:{self._background.serve(app)}"
        with tempfile.TemporaryDirectory() as folder:
            self._mcs_port = self._background.run(self._listen(Path(folder)))

    def stop(self) -> None:
        """Close every connection."""
        self._background.loop.call_soon_threadsafe(self._server.close)
        self._background.stop()

    @property
    def connected(self) -> bool:
        """Whether a browser is listening for messages."""
        return bool(self._connected)

    @property
    def subscriptions(self) -> int:
        """How many subscriptions sites have now; the browser registers something for itself too."""
        return sum(form.get("X-subtype", "").startswith("wp:") for form in self._registered.values())

    def flags(self) -> list[str]:
        """What Chromium is started with, to come here."""
        return [
            f"--gcm-checkin-url={self.origin}/checkin",
            f"--gcm-registration-url={self.origin}/register",
            f"--gcm-mcs-endpoint=https://127.0.0.1:{self._mcs_port}",
            f"--ignore-certificate-errors-spki-list={self._pin}",
        ]

    def local(self, endpoint: str) -> str:
        """The endpoint of the same subscription at this service."""
        return f"{self.origin}/fcm/send/{endpoint.rsplit('/', 1)[1]}"

    def turn_off(self) -> None:
        """As if the browser's device were off: what is sent to it waits here."""
        self._is_off = True

    def turn_on(self, *, in_time: bool = True) -> None:
        """The device is on again, and gets what waited; unless it was off for longer than messages are kept."""
        self._is_off, waiting, self._waiting = False, self._waiting, []
        for form, body in waiting if in_time else ():
            self._background.run(self._deliver(form, body))

    # --- towards the browser

    async def _check_in(self, request: web.Request) -> web.Response:
        said = integer(1, 1) + integer(3, int(time.time() * 1000)) + fixed64(7, DEVICE) + fixed64(8, SECRET)
        return web.Response(body=said, content_type="application/x-protobuf")

    async def _register(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        subtype = form.get("X-subtype", form["app"])
        if form.get("delete") == "true":
            ended = {t for t, f in self._registered.items() if f.get("X-subtype", f["app"]) == subtype}
            self._ended |= ended
            self._registered = {t: f for t, f in self._registered.items() if t not in ended}
            return web.Response(text=f"token={form['app']}")
        token = f"token-{uuid.uuid4().hex}"
        self._registered[token] = form
        return web.Response(text=f"token={token}")

    async def _listen(self, folder: Path) -> int:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._pin = _make_certificate(folder / "certificate.pem")
        tls.load_cert_chain(folder / "certificate.pem")
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=tls)
        return int(self._server.sockets[0].getsockname()[1])

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readexactly(1)  # the version
            while True:
                tag = (await reader.readexactly(1))[0]
                message = await reader.readexactly(await _length(reader))
                if tag == LOGIN:
                    answer = text(1, dict(read_strings(message))[1]) + integer(8, int(time.time() * 1000))
                    writer.write(bytes((MCS_VERSION, LOGGED_IN)) + varint(len(answer)) + answer)
                    self._connected.append(writer)
                elif tag == PING:
                    writer.write(bytes((PING_ACK, 0)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass  # the browser hung up
        finally:
            if writer in self._connected:
                self._connected.remove(writer)
            writer.close()

    # --- towards the application server

    async def _push(self, request: web.Request) -> web.Response:
        token, body = request.match_info["token"], await request.read()
        try:
            form = self._form(token)
            check_push(request.headers, body, self.origin, from_base64url(form["sender"]))
        except Refusal as refusal:
            self.statuses.append(refusal.status)
            return web.Response(status=refusal.status)
        if self._is_off:
            self._waiting.append((form, body))
        else:
            await self._deliver(form, body)
        self.statuses.append(201)
        return web.Response(status=201, headers={"Location": f"{self.origin}/m/{uuid.uuid4().hex}", "TTL": "0"})

    def _form(self, token: str) -> dict[str, str]:
        if token in self._registered:
            return self._registered[token]
        raise Refusal(410 if token in self._ended else 404, "no such subscription")

    async def _deliver(self, form: dict[str, str], body: bytes) -> None:
        """A DataMessageStanza with the sealed body; Chromium opens it itself."""
        number = uuid.uuid4().hex
        subtype = text(1, "subtype") + text(2, form.get("X-subtype", form["app"]))
        encoding = text(1, "content-encoding") + text(2, "aes128gcm")
        stanza = text(2, number) + text(3, form["sender"]) + text(5, form["app"]) + text(7, subtype) + text(7, encoding)
        stanza += text(9, number) + integer(17, 3600) + integer(18, int(time.time() * 1000)) + text(21, body)
        for writer in self._connected[-1:]:
            writer.write(bytes((DATA,)) + varint(len(stanza)) + stanza)
            await writer.drain()


async def _length(reader: asyncio.StreamReader) -> int:
    number = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number


def _make_certificate(path: Path) -> str:
    """A key and its certificate for 127.0.0.1; returns the pin that Chromium is told to accept."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, pkcs8, plain) + certificate.public_bytes(pem))
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(public).digest()).decode()
