"""Two services on one SQLite database: the second is told, and a killed one keeps nobody out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from notifier.errors import ConfigError
from notifier.storage.run_lock import sole_service

HOLD = """
import sys, subprocess
from pathlib import Path
from notifier.storage.run_lock import sole_service
with sole_service(Path(sys.argv[1])):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    print(child.pid, flush=True)
    child.wait()
"""


def test_the_second_service_is_told_who_the_first_is_and_what_to_do(tmp_path: Path) -> None:
    with sole_service(tmp_path / "notifier.db"):
        with (
            pytest.raises(ConfigError, match=rf"process {os.getpid()}.*NOTIFIER_DATA_DIR"),
            sole_service(tmp_path / "notifier.db"),
        ):
            pass
        with sole_service(tmp_path / "another.db"):
            pass
    with sole_service(tmp_path / "notifier.db"):
        pass


def test_another_name_for_the_same_database_is_the_same_database(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    with (
        sole_service(tmp_path / "data" / "notifier.db"),
        pytest.raises(ConfigError),
        sole_service(tmp_path / "link" / "notifier.db"),
    ):
        pass


def test_a_killed_service_keeps_nobody_out_even_while_its_children_live(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "notifier.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        child = int(first.stdout.readline())
        try:
            with pytest.raises(ConfigError, match=f"process {first.pid}"), sole_service(tmp_path / "notifier.db"):
                pass
            first.kill()
            first.wait()
            with sole_service(tmp_path / "notifier.db"):
                pass
        finally:
            os.kill(child, signal.SIGKILL)
