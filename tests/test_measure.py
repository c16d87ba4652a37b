"""The figures of a tree are those that a person would count."""

from __future__ import annotations

from pathlib import Path

from tools.measure import measure

MODULE = '''"""A module."""


class Gate:
    """A gate."""

    def is_open(self, hour: int, day: str) -> bool:
        # Nobody comes on Sunday.
        if day == "Sunday" or hour < 8:
            return False
        return hour < 18

    def _close(self) -> None: ...
'''


def test_a_tree_is_measured(tmp_path: Path) -> None:
    package, tests = tmp_path / "gate", tmp_path / "tests"
    package.mkdir()
    tests.mkdir()
    (package / "__init__.py").write_text(MODULE)
    (tests / "test_gate.py").write_text("import gate\n" * 5)
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["one", "two"]\n')

    assert measure(package, tests) == {
        "lines": 13,
        "files": {"count": 1, "median": 13, "p90": 13, "max": 13},
        "functions": {"count": 2, "median": 3.0, "p90": 5, "max": 5},
        "complexity": {"count": 2, "median": 2.0, "p90": 3, "max": 3},
        "comments_in_100_lines": 11.1,
        "public_docstrings_percent": 50,
        "test_lines_to_code": 0.56,
        "dependencies": 2,
    }
