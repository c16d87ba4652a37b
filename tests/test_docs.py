"""What an operator can set, run, see or meet is documented, and what is documented exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from notifier.cli import app
from notifier.troubles import Code

ROOT = Path(__file__).parents[1]
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
TROUBLES = (ROOT / "docs" / "troubles.md").read_text(encoding="utf-8")
PROMISES = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")


def commands(group: object, path: str = "notifier") -> set[str]:
    """`notifier topics test` and so on, for every command there is."""
    if not isinstance(group, TyperGroup):
        return {path}
    return {name for key, command in group.commands.items() for name in commands(command, f"{path} {key}")}


def test_every_command_is_documented() -> None:
    documented = re.findall(r"^\| `(notifier [^`]+)`", OPERATING, re.MULTILINE)
    missing = {c for c in commands(typer.main.get_command(app)) if not any(d.startswith(c) for d in documented)}
    assert missing == set()


def test_every_trouble_is_documented_and_no_other() -> None:
    assert set(re.findall(r"^\| `([\w-]+)` \|", TROUBLES, re.MULTILINE)) == {code.value for code in Code}


def test_every_promise_has_a_test_that_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PROMISES)
    missing = [f"{file}::{test}" for file, test in named if f"def {test}(" not in (ROOT / file).read_text("utf-8")]
    assert missing == []
    assert len(re.findall(r"^- ", PROMISES, re.MULTILINE)) <= len(named)


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs").rglob("*.md")) + sorted(ROOT.glob("*.md")), ids=lambda p: p.name
)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
