"""More than one application server key at a time: a subscription works only with the key that it was made with.

    vapid.pem           the present one, which new subscriptions are made with
    adopted-ID.pem      earlier ones, or from another provider: pushed with until nobody is bound to them any more
    retired-ID.pem      those that nobody is bound to; brought back where an older backup turns out to need one

Enters: the folder. Leaves: keys. The folder is looked at again when a file in it has changed, so that a rotation needs
no restart; each step of one leaves every key in a file, wherever it is cut off.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from notifier.errors import ConfigError
from notifier.push.adopt import adopted_paths
from notifier.push.vapid import VapidKey, load_key, write_key

log = structlog.get_logger()

# An import may just have brought the key and be about to bring those who are bound to it.
LEAST_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key and since when there is its file: when it was made, as far as the disk remembers."""

    key: VapidKey
    since: datetime
    is_present: bool


class Keyring:
    """The keys of one folder. May be shared between threads: what is cached is replaced as a whole."""

    def __init__(self, path: Path) -> None:
        """`path` is the present key's file."""
        self._path = path
        self._read: tuple[tuple[int, int], VapidKey] | None = None

    @property
    def current(self) -> VapidKey:
        """The key that new subscriptions are made with. Raises ConfigError and OSError where none was ever read."""
        try:
            told = self._path.stat()
            seen = told.st_mtime_ns, told.st_ino
            if self._read is None or self._read[0] != seen:
                self._read = seen, load_key(self._path)
        except (ConfigError, OSError) as problem:
            if self._read is None:
                raise
            log.error("push.key-unreadable", problem=type(problem).__name__, path=str(self._path))
        return self._read[1]

    def find(self, key_id: str) -> VapidKey | None:
        """The key of this name, also if it was retired: whoever asks has subscriptions that are bound to it."""
        if self.current.key_id == key_id:
            return self.current
        kept, retired = self._named("adopted", key_id), self._named("retired", key_id)
        if not kept.exists() and retired.exists():
            retired.rename(kept)
            log.warning("push.key-recalled", key=key_id, meaning="subscriptions are bound to a key that was retired")
        return load_key(kept) if kept.exists() else None

    def kept(self) -> list[KeptKey]:
        """The present key, then the others by name; none that is retired."""
        current = self.current
        others = [path for path in adopted_paths(self._path.parent) if load_key(path).key_id != current.key_id]
        return [_kept(self._path, True), *(_kept(path, False) for path in others)]

    def rotate(self) -> VapidKey:
        """Make a new present key. The one before stays, for those who are bound to it; returns the new one."""
        before = load_key(self._path)
        unfinished = write_key(generate_private_key(SECP256R1()), self._path.parent)
        with suppress(FileExistsError):
            os.link(self._path, self._named("adopted", before.key_id))  # with its time, and before it is replaced
        unfinished.replace(self._path)
        return self.current

    def retire(self, key_id: str, now: datetime) -> bool:
        """Put away an earlier key that nobody is bound to; False if it came less than a day ago."""
        path = self._named("adopted", key_id)
        if now - datetime.fromtimestamp(path.stat().st_ctime, UTC) < LEAST_KEPT:
            return False
        path.rename(self._named("retired", key_id))
        log.info("push.key-retired", key=key_id)
        return True

    def _named(self, state: str, key_id: str) -> Path:
        return self._path.with_name(f"{state}-{key_id}.pem")


def _kept(path: Path, is_present: bool) -> KeptKey:
    return KeptKey(load_key(path), datetime.fromtimestamp(path.stat().st_mtime, UTC), is_present)
