"""Say who sends (RFC 8292): an origin and a key enter, the `Authorization` header for that push service leaves.

The keys live in PEM files with mode 0600. Losing one loses every subscription that is bound to it; leaking one lets
others push in the site's name, though they still need each subscription's endpoint and secrets.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from py_vapid import Vapid02, VapidException

from notifier.base64url import encode
from notifier.errors import ConfigError

VALID_S = 12 * 3600
"""Half of the day that RFC 8292 section 2 allows: room for a push service whose clock is wrong."""

MOST_SIGNED = 1024
"""Headers that are kept: far more push services than there are, and an end where somebody invents more."""

_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class VapidKey:
    """An application server key pair.

    `key_id` is short, stable and not secret: subscriptions remember it. `application_server_key` is what the page
    gives to `pushManager.subscribe`.
    """

    private: EllipticCurvePrivateKey = field(repr=False)
    key_id: str
    application_server_key: str


def vapid_key(private: EllipticCurvePrivateKey) -> VapidKey:
    """Name a private key by its public half."""
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return VapidKey(private, key_id=encode(sha256(point).digest())[:12], application_server_key=encode(point))


def load_or_create_key(path: Path) -> VapidKey:
    """The key in this PEM file, made now (mode 0600, its folder 0700) if there is no file.

    Raises ConfigError where the file is readable by others or holds no P-256 private key.
    """
    try:
        return load_key(path)
    except FileNotFoundError:
        return _create_key(path)


def load_key(path: Path) -> VapidKey:
    """Raises FileNotFoundError, and ConfigError as `load_or_create_key` does."""
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise ConfigError(f"others can read this private key (mode {mode:04o})", fix=f"chmod 600 {path}", path=path)
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as problem:
        raise ConfigError("this is no PEM private key without a password", fix=_FIX, path=path) from problem
    if not isinstance(private, EllipticCurvePrivateKey) or not isinstance(private.curve, SECP256R1):
        raise ConfigError("VAPID keys are on P-256, this one is not (RFC 8292 section 2)", fix=_FIX, path=path)
    return vapid_key(private)


_FIX = "Restore the file from a backup; a new key means that every subscriber has to subscribe again"


def _create_key(path: Path) -> VapidKey:
    private = generate_private_key(SECP256R1())
    unfinished = write_key(private, path.parent)
    try:
        # A link fails where another process was faster: both then use the one key.
        os.link(unfinished, path)
    except FileExistsError:
        return load_key(path)
    finally:
        unfinished.unlink()
    return vapid_key(private)


def write_key(private: EllipticCurvePrivateKey, folder: Path) -> Path:
    """Write a key to a file of its own in the folder (mode 0600, the folder 0700), to be named by the caller."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor, unfinished = mkstemp(dir=folder)  # with mode 0600
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return Path(unfinished)


def no_other(_key_id: str) -> VapidKey | None:
    """For a signer whose keys are all that there are."""
    return None


class VapidSigner:
    """Signs once for each push service, key and hour: a signature costs more than the sending of a whole message.

    `subject` is how a push service reaches the operator: a `mailto:` or `https:` URL (RFC 8292 section 2.1). May be
    shared between threads.
    """

    def __init__(
        self, keys: Iterable[VapidKey], subject: str, find: Callable[[str], VapidKey | None] = no_other
    ) -> None:
        """`find` is asked for a key that is not among `keys`: one that was made since."""
        self._keys = {key.key_id: Vapid02(key.private) for key in keys}
        self._find = find
        self._subject = subject
        self._signed: dict[tuple[str, str], tuple[int, str]] = {}
        self._lock = Lock()

    def authorization(self, endpoint_origin: str, key_id: str, now: datetime) -> str:
        """The `Authorization` header for one push service, valid for between 11 and 12 hours.

        Raises ConfigError where the subscription is bound to a key that is not here any more, or the subject is no
        contact.
        """
        hour = int(now.timestamp()) // _HOUR_S
        with self._lock:
            signed_hour, header = self._signed.get((endpoint_origin, key_id), (-1, ""))
            if signed_hour != hour:
                header = self._sign(endpoint_origin, key_id, expires=hour * _HOUR_S + VALID_S)
                # The latest is the last, so that what goes first was signed longest ago.
                self._signed.pop((endpoint_origin, key_id), None)
                self._signed[endpoint_origin, key_id] = hour, header
                while len(self._signed) > MOST_SIGNED:
                    del self._signed[next(iter(self._signed))]
        return header

    def _sign(self, origin: str, key_id: str, expires: int) -> str:
        key = self._keys.get(key_id)
        if key is None and (found := self._find(key_id)) is not None:
            key = self._keys[key_id] = Vapid02(found.private)
        if key is None:
            raise ConfigError(f"subscriptions use the VAPID key {key_id}, which is not configured", fix=_FIX)
        try:
            # A dict of its own for each origin: pywebpush's own functions write `aud` into the one they are given.
            signed = key.sign({"aud": origin, "exp": expires, "sub": self._subject})
        except VapidException as problem:
            raise ConfigError(
                f"the VAPID subject {self._subject!r} is no contact",
                fix="Write mailto:you@your.site or https://your.site",
            ) from problem
        return str(signed["Authorization"])
