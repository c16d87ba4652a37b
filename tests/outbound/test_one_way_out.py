"""No room opens a connection to others' servers by itself: it imports nothing that could."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "notifier"
OPENS: dict[str, set[str]] = {
    "aiohttp": set(),
    "http": {"client"},
    "http.client": set(),
    "httpx": set(),
    "pycurl": set(),
    "requests": set(),
    "ssl": set(),
    "urllib": {"request"},
    "urllib.request": set(),
    "urllib3": set(),
}
"""Modules, and what of them connects; nothing named: all of it."""
CONNECTS = {"open_connection", "create_connection", "sock_connect", "urlopen"}
MAY = {
    "outbound": "the way out",
    "push/http2": "its own connections to push services, behind the same guard",
    "push/curl_transport.py": "batches to push services, on the handles of the outbound room",
    "cli/check.py": "asks libcurl for its version",
}


def ways_out(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names if OPENS.get(name.name) == set()}
        elif isinstance(node, ast.ImportFrom) and node.module in OPENS:
            names = {name.name for name in node.names}
            found |= {f"{node.module}.{name}" for name in names if not OPENS[node.module] or name in OPENS[node.module]}
        elif isinstance(node, ast.Attribute) and node.attr in CONNECTS:
            found.add(node.attr)
    return found


def test_only_the_outbound_room_and_the_push_transport_can_connect_to_others() -> None:
    found = {str(path.relative_to(PACKAGE)): ways for path in PACKAGE.rglob("*.py") if (ways := ways_out(path))}
    assert {name for name in found if not name.startswith(tuple(MAY))} == set()
    assert all(any(name.startswith(way) for name in found) for way in MAY)
