"""An OpenID provider on loopback, written by hand, that does right, or one thing wrong."""

from __future__ import annotations

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "notifier-console", "only between us"
KEY, OTHER_KEY = (RSAKey.generate_key(2048, {"kid": kid, "use": "sig"}) for kid in ("k1", "k2"))
Claims = dict[str, Any]


def unsigned(header: Claims, claims: Claims) -> str:
    """A token with an empty signature (alg none)."""
    parts = (urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims))
    return ".".join(parts) + "."


@dataclass
class FakeProvider:
    """What it answers, to be changed by a test; `asked` are the forms that its token endpoint was sent."""

    issuer: str = ""
    now: Callable[[], float] = time.time
    claims: Claims = field(default_factory=lambda: {"sub": "1234", "email": "bea@news.example", "email_verified": True})
    metadata: Claims = field(default_factory=dict)
    userinfo: Claims = field(default_factory=lambda: {"sub": "1234"})
    keys: list[Claims] = field(default_factory=lambda: [KEY.as_dict(private=False)])
    sign: Callable[[Claims], str] = field(default=lambda claims: jwt.encode({"alg": "RS256", "kid": "k1"}, claims, KEY))
    status: dict[str, int] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)
    huge: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)

    def let_in(self, address: str) -> dict[str, str]:
        """What a browser that was led to `address` brings back once its owner has signed in there."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        """Status and body."""
        if path in self.stuck:
            self.released.wait(20)
        if path in self.status:
            return self.status[path], {"error": "server_error"}
        if path in self.huge:
            return 200, {"padding": "x" * 300_000}
        if path == "/token":
            return self._tokens(form, authorization)
        if path == "/userinfo" and authorization != "Bearer access":
            return 401, {}
        answers = {
            "/.well-known/openid-configuration": self._described() | self.metadata,
            "/keys": {"keys": self.keys},
            "/userinfo": self.userinfo,
        }
        return (200, answers[path]) if path in answers else (404, {})

    def _described(self) -> Claims:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
        }

    def _tokens(self, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        self.asked.append(form)
        self.credentials.append(authorization)
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        now = int(self.now())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        told = {name: value for name, value in (claims | self.claims).items() if value is not None}
        return 200, {"access_token": "access", "token_type": "Bearer", "id_token": self.sign(told)}


@contextmanager
def serving(provider: FakeProvider) -> Iterator[FakeProvider]:
    """The provider on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
            self._say({name: values[0] for name, values in parse_qs(body).items()})

        def _say(self, form: dict[str, str]) -> None:
            status, said = provider.answer(self.path, form, self.headers.get("authorization", ""))
            raw = json.dumps(said).encode()
            try:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)
            except OSError:
                pass  # whoever asked did not wait

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield provider
    finally:
        provider.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
