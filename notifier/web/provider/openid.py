"""An OpenID provider as this site's client sees it: where to send a browser, and whom it sent back.

Enters: the issuer's address and our credentials there. Leaves: an address to lead the browser to, and an `Identity`
whose ID token was verified (OpenID Connect Core 1.0 section 3.1.3.7): signed by a key of the issuer's, for this client,
in force now, and made for this very visit. Whatever does not hold is ProviderFailed, and nobody is signed in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from threading import BoundedSemaphore, Lock
from typing import Any
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, JWKRegistry, Key

from notifier.base64url import encode
from notifier.clock import Clock
from notifier.errors import ProviderFailed
from notifier.operators.identity import Identity, IdentityStore, RoleRule
from notifier.web.provider.http import ProviderHttp

# Never `none`, and never a secret that both sides have.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
KINDS = {"RSA", "EC", "OKP"}
LEEWAY_S = 60
KEPT = timedelta(hours=1)
AT_ONCE = 4
LONGEST = 255


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """`issuer` as the provider writes it in its tokens; `callback` is the address that it sends browsers back to.

    `wanted` are claims that role rules look at: where the ID token lacks one, the UserInfo endpoint is asked.
    """

    issuer: str
    client_id: str
    callback: str
    client_secret: str = field(default="", repr=False)
    wanted: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """One sign-in under way: `state` comes back with the browser, `nonce` in the token; only we know `verifier`."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class _Known:
    """What the provider says of itself, and its keys."""

    metadata: Mapping[str, Any]
    keys: tuple[Key, ...]
    until: datetime


class UnknownKey(Exception):
    """A token is signed with a key that the provider did not list when it was last asked."""


class Provider:
    """One provider. Synchronous, and safe to use from several threads."""

    def __init__(self, settings: ProviderSettings, http: ProviderHttp, wall: Clock) -> None:
        self._settings, self._http, self._wall = settings, http, wall
        self._lock = Lock()
        self._known: _Known | None = None
        self._places = BoundedSemaphore(AT_ONCE)

    @property
    def issuer(self) -> str:
        """The issuer's name."""
        return self._settings.issuer

    def address(self, visit: Visit) -> str:
        """Where to lead the browser (RFC 6749 section 4.1.1, RFC 7636). Raises ProviderFailed."""
        with self._place():
            endpoint = self._endpoint(self._now_known().metadata, "authorization_endpoint")
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._settings.callback,
            "scope": "openid email profile",
            "state": visit.state,
            "nonce": visit.nonce,
            "code_challenge": encode(sha256(visit.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(asked)}"

    def identify(self, visit: Visit, code: str, issuer: str | None) -> Identity:
        """Who came back with this code. `issuer` is what the answer names (RFC 9207). Raises ProviderFailed."""
        with self._place():
            known = self._now_known()
            if issuer != self.issuer and (
                issuer or known.metadata.get("authorization_response_iss_parameter_supported")
            ):
                raise ProviderFailed("the answer is another issuer's")
            answer = self._tokens(known.metadata, visit, code)
            claims = self._verified(str(answer.get("id_token", "")), visit.nonce, known)
            return self._identity(self._completed(claims, answer.get("access_token"), known.metadata))

    def _tokens(self, metadata: Mapping[str, Any], visit: Visit, code: str) -> dict[str, Any]:
        settings = self._settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": settings.callback,
            "code_verifier": visit.verifier,
        }
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        basic = None
        if settings.client_secret and "client_secret_basic" in methods:
            basic = (settings.client_id, settings.client_secret)
        else:
            form["client_id"] = settings.client_id
            if settings.client_secret:
                form["client_secret"] = settings.client_secret
        return self._http.post("its token endpoint", self._endpoint(metadata, "token_endpoint"), form, basic=basic)

    def _verified(self, token: str, nonce: str, known: _Known) -> dict[str, Any]:
        try:
            try:
                found = jwt.decode(token, lambda signed: _key_of(signed, known.keys), algorithms=list(ALGORITHMS))
            except UnknownKey:  # keys are changed now and then
                fresh = self._asked()
                found = jwt.decode(token, lambda signed: _key_of(signed, fresh.keys), algorithms=list(ALGORITHMS))
            self._check(found.claims, nonce)
        except UnknownKey:
            raise ProviderFailed("its ID token is signed with a key that it does not list") from None
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as wrong:
            raise ProviderFailed(f"its ID token cannot be trusted: {type(wrong).__name__}") from None
        return dict(found.claims)

    def _check(self, claims: dict[str, Any], nonce: str) -> None:
        """Whether the claims are of this issuer, for this client, in force now and of this visit. Raises JoseError."""
        client = self._settings.client_id
        wanted = jwt.JWTClaimsRegistry(
            int(self._wall().timestamp()),
            LEEWAY_S,
            iss={"essential": True, "value": self.issuer},
            sub={"essential": True},
            aud={"essential": True, "value": client},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
            # Who is not the only one that it is for must be the one that asked for it.
            azp={"essential": claims.get("aud") not in (client, [client]), "value": client},
        )
        wanted.validate({name: value for name, value in claims.items() if value is not None})

    def _completed(self, claims: dict[str, Any], access_token: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """With what only the UserInfo endpoint tells (OpenID Connect Core 1.0 sections 5.3 and 5.4)."""
        missing = {"email", *self._settings.wanted} - claims.keys()
        if not missing or not isinstance(access_token, str) or "userinfo_endpoint" not in metadata:
            return claims
        if not access_token.isascii() or not access_token.isprintable():
            raise ProviderFailed("its access token is none")
        more = self._http.get(
            "its UserInfo endpoint", self._endpoint(metadata, "userinfo_endpoint"), bearer=access_token
        )
        if more.get("sub") != claims["sub"]:
            raise ProviderFailed("its UserInfo endpoint tells of somebody else")
        return more | claims

    def _identity(self, claims: dict[str, Any]) -> Identity:
        subject, email = claims["sub"], claims.get("email")
        if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST or not subject.isprintable():
            raise ProviderFailed("its ID token names nobody")
        verified = claims.get("email_verified") in (True, "true") and isinstance(email, str) and email.isprintable()
        return Identity(self.issuer, subject, str(email).strip().lower() if verified else None, claims)

    def _now_known(self) -> _Known:
        with self._lock:
            known = self._known
        return known if known is not None and known.until > self._wall() else self._asked()

    def _asked(self) -> _Known:
        """Discovery (OpenID Connect Discovery 1.0 section 4), and the keys."""
        address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        metadata = self._http.get("its discovery document", address)
        if metadata.get("issuer") != self.issuer:
            raise ProviderFailed("its discovery document is another issuer's")
        listed = self._http.get("its keys", self._endpoint(metadata, "jwks_uri")).get("keys")
        known = _Known(metadata, _keys(listed), self._wall() + KEPT)
        with self._lock:
            self._known = known
        return known

    def _endpoint(self, metadata: Mapping[str, Any], name: str) -> str:
        """An address of the provider's, by https (or as the issuer itself is asked)."""
        url = metadata.get(name)
        try:
            scheme, host = (urlsplit(url).scheme, urlsplit(url).hostname) if isinstance(url, str) else ("", None)
        except ValueError:
            scheme, host = "", None
        if not isinstance(url, str) or not host or scheme not in {"https", urlsplit(self.issuer).scheme}:
            raise ProviderFailed(f"its discovery document has no {name} that can be used")
        return url

    @contextmanager
    def _place(self) -> Iterator[None]:
        """A place among those who ask at once: a slow provider must not take all of the web room's threads."""
        if not self._places.acquire(timeout=1):
            raise ProviderFailed("too many ask it at once")
        try:
            yield
        finally:
            self._places.release()


@dataclass(frozen=True, slots=True)
class ProviderSignIn:
    """Sign-in by a provider: its name for people, who is known by it, and whom it may make an operator."""

    title: str
    provider: Provider
    identities: IdentityStore
    rules: Sequence[RoleRule] = ()


def _keys(listed: Any) -> tuple[Key, ...]:
    """Those that can verify a signature; what cannot be read is left out, as providers list keys of many kinds."""
    keys = []
    for raw in listed if isinstance(listed, list) else ():
        if not isinstance(raw, dict) or raw.get("kty") not in KINDS or raw.get("use", "sig") != "sig":
            continue
        try:
            keys.append(JWKRegistry.import_key(raw))
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return tuple(keys)


def _key_of(signed: GuestProtocol, keys: tuple[Key, ...]) -> Key:
    kid = signed.headers().get("kid")
    fits = [key for key in keys if kid is None or key.kid == kid]
    if len(fits) != 1:
        raise UnknownKey
    return fits[0]
