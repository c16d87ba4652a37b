"""One term, one meaning: what the glossary names is there, a class name stands in one module, retired words stay
away.
"""

from __future__ import annotations

import ast
import re
import tokenize
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "notifier"
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TERMS = re.findall(r"^\| ([^|]+) \| `([\w.]+)` in `([\w/.]+)` \| [^|]+ \|$", GLOSSARY, re.MULTILINE)
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "versions" not in path.parts)

# What each gave way to stands in the glossary. Parts of identifiers: `wake_desk` has one, `desktop` has none.
RETIRED = frozenset(
    [
        "because",
        "chore",
        "chores",
        "courier",
        "couriers",
        "crew",
        "desk",
        "desks",
        "habit",
        "habits",
        "heed",
        "heeds",
        "house",
        "kin",
        "kindred",
        "kinship",
        "moment",
        "moments",
        "newsroom",
        "sluggish",
        "survey",
        "teller",
        "tellers",
        "touching",
        "trial",
        "trials",
        "wire",
        "wires",
    ]
)
# The signal between near-equal texts is the field's “wire copy” (docs/glossary.md).
ALLOWED = {("stories/explain.py", "_wire")}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def classes(path: Path) -> set[str]:
    return {node.name for node in ast.walk(parsed(path)) if isinstance(node, ast.ClassDef)}


def defined(path: Path) -> set[str]:
    """`function`, `Class`, `Class.method` and `NAME` of a module."""
    names = set()
    for node in parsed(path).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)}
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def parts(identifier: str) -> set[str]:
    return {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", identifier)}


def test_no_row_of_the_glossary_is_left_out() -> None:
    rows = [row for row in GLOSSARY.splitlines() if row.startswith("| ") and not row.startswith("| term ")]
    assert len(rows) == len(TERMS) > 60


@pytest.mark.parametrize(("term", "name", "file"), [one for one in TERMS if one[0] != "room"])
def test_what_carries_a_term_is_there(term: str, name: str, file: str) -> None:
    assert name in defined(PACKAGE / file), term


def test_a_term_stands_once() -> None:
    terms = [term for term, _, _ in TERMS]
    assert sorted(terms) == sorted(set(terms))


def test_a_class_name_stands_in_one_module() -> None:
    modules = defaultdict(set)
    for path in MODULES:
        for name in classes(path):
            modules[name].add(str(path.relative_to(PACKAGE)))
    assert {name: found for name, found in modules.items() if len(found) > 1} == {}


def test_retired_words_are_no_identifiers_and_no_modules() -> None:
    found = []
    for path in MODULES:
        place = str(path.relative_to(PACKAGE))
        if parts(path.stem) & RETIRED:
            found.append((place, path.stem))
        with path.open(encoding="utf-8") as lines:
            names = {token.string for token in tokenize.generate_tokens(lines.readline) if token.type == tokenize.NAME}
        found += [(place, name) for name in sorted(names) if parts(name) & RETIRED and (place, name) not in ALLOWED]
    assert found == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_the_glossary_is_found(page: str) -> None:
    assert "glossary.md" in (ROOT / page).read_text(encoding="utf-8")
