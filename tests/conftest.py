"""What every test may ask for: an outside program, or a database of each kind."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.databases import database, database_or_double, empty_database, postgres_server
from tests.examples import examples
from tests.memory import in_memory

__all__ = ["database", "database_or_double", "empty_database", "postgres_server"]

# How fast a machine is says nothing about the code.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=examples()
)
settings.load_profile("any machine")

if memory := in_memory():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))

# Debian keeps the server's programs, by version, out of the PATH.
PG_CTLS = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")), reverse=True)
PROGRAMS = {
    "firefox": (("firefox-esr", "firefox"), "apt-get install firefox-esr"),
    "chromium": (("chromium",), "apt-get install chromium"),
    "dbus": (("dbus-daemon",), "apt-get install dbus-daemon"),
    "rabbitmq": (("rabbitmq-server", "/usr/sbin/rabbitmq-server"), "apt-get install rabbitmq-server"),
    "postgres": ((*PG_CTLS, "pg_ctl"), "apt-get install postgresql"),
    "pgbouncer": (("pgbouncer", "/usr/sbin/pgbouncer"), "apt-get install pgbouncer"),
    "unshare": (("unshare",), "apt-get install util-linux, and run as root"),
    "node": (("node",), "apt-get install nodejs npm"),
}


def lacking(reason: str) -> None:
    """Skip, or fail where NOTIFIER_TEST_REQUIRE=all says that nothing may be left out."""
    if os.environ.get("NOTIFIER_TEST_REQUIRE") == "all":
        pytest.fail(f"NOTIFIER_TEST_REQUIRE=all, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def require() -> Callable[[str], str]:
    """`require("firefox")` gives the program's path, or skips with what to install."""

    def look(program: str) -> str:
        names, install = PROGRAMS[program]
        found = next((path for name in names if (path := shutil.which(name))), None)
        if found is None:
            lacking(f"{program} is missing: {install}")
        return str(found)

    return look
