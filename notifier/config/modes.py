"""Who may read the files that hold secrets, and what to do where others may.

What this service makes is its own from the first byte (`keep_to_ourselves`). What was there before, or comes from
elsewhere, is looked at.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

GROUP, OTHERS = stat.S_IRWXG, stat.S_IRWXO


def keep_to_ourselves() -> None:
    """Whatever this process makes from now on can be read by its own user only: files, journals, exports, keys."""
    os.umask(GROUP | OTHERS)


def secret_files(data_dir: Path, database: Path | None, env_file: Path = Path(".env")) -> Sequence[Path]:
    """The files that hold secrets, as far as there are any."""
    named = [env_file, *sorted((data_dir / "keys").glob("*.pem"))]
    if database is not None:
        named += sorted(database.parent.glob(f"{database.name}*"))
    return [path for path in named if path.is_file()]


def readable_by_others(paths: Iterable[Path]) -> list[Path]:
    """Those that somebody else may read. A group may where another owns the file: that is how we can read it then."""
    found = []
    for path in paths:
        with suppress(OSError):
            state = path.stat()
            theirs = OTHERS | (GROUP if state.st_uid == os.geteuid() else 0)
            if state.st_mode & theirs:
                found.append(path)
    return found


def tighten(database: Path) -> None:
    """A database that an earlier version left readable is ours alone from now on, with its journals."""
    for path in readable_by_others(database.parent.glob(f"{database.name}*")):
        with suppress(OSError):  # not ours: it is told instead
            path.chmod(path.stat().st_mode & ~(GROUP | OTHERS))
