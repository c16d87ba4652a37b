"""The maps of the service lead somewhere: rooms to all of their files, walks to functions, changes to files to
touch.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HARNESS = ROOT / "notifier"
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ROOMS = sorted(
    init.parent
    for init in HARNESS.rglob("__init__.py")
    if init.parent != HARNESS and not {"migrations", "schema"} & set(init.relative_to(HARNESS).parts)
)
STEPS = re.findall(r"^\| .+ \| `([\w/.]+)` \| `([\w.]+)` \|$", ARCHITECTURE, re.MULTILINE)
TOUCHED = {
    name for row in re.findall(r"^\| .*\|$", CONTRIBUTING, re.MULTILINE) for name in re.findall(r"`([\w/.]+)`", row)
}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(HARNESS)))
def test_a_room_says_what_enters_and_leaves_and_where_each_file_is_on_the_way(room: Path) -> None:
    told = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8"))) or ""
    files = {path.stem for path in room.glob("*.py")} - {"__init__"}
    assert "Enters: " in told
    assert "Leaves: " in told
    assert sorted(name for name in files if f"`{name}`" not in told) == []


def defined(path: Path) -> set[str]:
    """`function`, `Class` and `Class.method` of a file; of JavaScript, its functions."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".js":
        return set(re.findall(r"\bfunction (\w+)", text))
    names = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {
                f"{node.name}.{one.name}"
                for one in node.body
                if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return names


def test_the_walks_are_long() -> None:
    assert len(STEPS) > 60


@pytest.mark.parametrize(("file", "function"), sorted(set(STEPS)))
def test_each_step_of_a_walk_is_there(file: str, function: str) -> None:
    assert (HARNESS / file).is_file()
    assert function in defined(HARNESS / file)


def test_each_file_to_touch_is_there() -> None:
    named = {name for name in TOUCHED if "/" in name or name.endswith((".py", ".md", ".toml"))}
    assert len(named) > 30
    assert sorted(name for name in named if not (HARNESS / name).exists() and not (ROOT / name).exists()) == []


def test_a_new_operator_of_the_rule_language_touches_what_contributing_names() -> None:
    """An operator is a kind of node: whoever tells the kinds apart has to know a new one too, as they know `Near`."""
    row = next(row for row in CONTRIBUTING.splitlines() if row.startswith("| an operator in the rule language"))
    tells_apart = {
        str(path.relative_to(HARNESS))
        for path in HARNESS.rglob("*.py")
        if re.search(r"^from notifier\.topics\.tree import .*\bNear\b", path.read_text("utf-8"), re.MULTILINE)
    }
    named = set(re.findall(r"`(topics/[\w.]+)`", row))
    assert named == tells_apart | {"topics/grammar.lark", "topics/tree.py"}


def test_a_new_surface_touches_what_contributing_names() -> None:
    """A surface is a package of routers: wherever console and API are put in, a made-up one would be too."""
    row = next(row for row in CONTRIBUTING.splitlines() if row.startswith("| a surface beside"))
    puts_in = {
        str(path.relative_to(HARNESS))
        for path in HARNESS.rglob("*.py")
        if re.search(r"^from notifier\.web\.operator_api import", path.read_text("utf-8"), re.MULTILINE)
        and "operator_api" not in path.parts
    }
    assert sorted(path for path in puts_in if f"`{path}`" not in row) == []
