"""Notices that an operator's file changed, and takes it only if it is whole.

A broken file never replaces a working one: the error is kept and logged once, and the last good content stays.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from notifier.errors import ConfigError
from notifier.telemetry import Metrics

log = structlog.get_logger()

Content = TypeVar("Content")
Stamp = tuple[int, int, int]


class WatchedFile(Generic[Content]):
    """A file and what was last read from it without an error. `error` is why the newest version is not in force."""

    def __init__(self, path: Path, load: Callable[[Path], Content], metrics: Metrics) -> None:
        """Reads the file. Raises ConfigError: at the start there is no good version to fall back to."""
        self._path, self._load, self._metrics = path, load, metrics
        self._stamp = _stamp(path)
        self.content = load(path)
        self.error: ConfigError | None = None
        metrics.config_broken.labels(path.name).set(0)

    @property
    def name(self) -> str:
        """The file's name, without its folder."""
        return self._path.name

    def refresh(self) -> bool:
        """Look at the file; True if its content was replaced."""
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            content = self._load(self._path)
        except ConfigError as broken:
            return self._refuse(broken)
        except Exception as defect:
            log.exception("config.defect", file=self._path.name)
            return self._refuse(ConfigError(f"it cannot be read: {type(defect).__name__}", path=self._path))
        mended, self.error = self.error is not None, None
        self._metrics.config_broken.labels(self._path.name).set(0)
        if content == self.content:
            return False
        self.content = content
        log.info("config.changed", file=self._path.name, mended=mended)
        return True

    def _refuse(self, broken: ConfigError) -> bool:
        self.error = broken
        self._metrics.config_broken.labels(self._path.name).set(1)
        log.error("config.broken", file=self._path.name, problem=str(broken), kept="the last good version")
        return False


def _stamp(path: Path) -> Stamp | None:
    """What changes when the file does: an editor may write in place or put a new file there."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
