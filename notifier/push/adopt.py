"""An application server key from elsewhere: its file enters, a key beside our own leaves (RFC 8292).

A subscription works only with the key that it was made with, so a site that moves here brings its key along. Ours stays
the one that new subscriptions are made with.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from notifier.base64url import decode
from notifier.errors import ConfigError
from notifier.push.vapid import VapidKey, load_key, vapid_key


def adopt_key(source: Path, folder: Path) -> VapidKey:
    """Keep a copy of the key in `folder`, mode 0600, under its own name; doing it again changes nothing.

    `source` holds PEM, or the 32 bytes of the private number in base64url, as most push libraries write it. Raises
    ConfigError where it holds neither.
    """
    text = source.read_text(encoding="ascii", errors="replace").strip()
    key = load_key(source) if text.startswith("-----") else _from_number(text, source)
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / f"adopted-{key.key_id}.pem", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    return key


def load_adopted(folder: Path) -> list[VapidKey]:
    """The keys that were adopted. Raises ConfigError as `load_key` does."""
    return [load_key(path) for path in adopted_paths(folder)]


def adopted_paths(folder: Path) -> list[Path]:
    """The files of `load_adopted`, in its order."""
    return sorted(folder.glob("adopted-*.pem"))


def _from_number(text: str, source: Path) -> VapidKey:
    try:
        number = int.from_bytes(decode(text), "big")
        return vapid_key(derive_private_key(number, SECP256R1()))
    except ValueError as problem:
        fix = "Give the PEM file, or the private key as the other library's configuration has it"
        raise ConfigError("this is no VAPID private key", fix=fix, path=source) from problem
