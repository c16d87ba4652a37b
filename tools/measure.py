"""What a tree of Python is like in figures: lengths, complexity, comments and docstrings, tests to code, dependencies.

    python -m tools.measure [PACKAGE] [TESTS]

Enters: a folder with a package, and one with its tests. Leaves: one line of JSON. Generated migrations are left out.
"""

from __future__ import annotations

import ast
import io
import json
import statistics
import sys
import tokenize
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
BRANCHES = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.comprehension, ast.match_case)


def measure(package: Path, tests: Path) -> dict[str, object]:
    """The figures of a package and its tests; `dependencies` of the pyproject.toml beside it, None without one."""
    texts = {path: path.read_text(encoding="utf-8") for path in _files(package)}
    trees = [ast.parse(text) for text in texts.values()]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, Function)]
    public = [node for tree in trees for node in _public(tree)]
    lines = sum(len(text.splitlines()) for text in texts.values())
    code = sum(map(_code_lines, texts.values()))
    test_code = sum(_code_lines(path.read_text(encoding="utf-8")) for path in _files(tests))
    return {
        "lines": lines,
        "files": _spread([len(text.splitlines()) for text in texts.values() if text]),
        "functions": _spread([_length(node) for node in functions]),
        "complexity": _spread([_complexity(node) for node in functions]),
        "comments_in_100_lines": round(100 * sum(map(_comments, texts.values())) / code, 1),
        "public_docstrings_percent": round(
            100 * sum(ast.get_docstring(node) is not None for node in public) / len(public)
        ),
        "test_lines_to_code": round(test_code / code, 2),
        "dependencies": _dependencies(package.parent / "pyproject.toml"),
    }


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "versions" not in path.parts)


def _spread(values: Sequence[int]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "count": len(ordered),
        "median": statistics.median(ordered),
        "p90": ordered[len(ordered) * 9 // 10],
        "max": ordered[-1],
    }


def _length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _complexity(node: Function) -> int:
    """Ways through it: one, and one more for each branch (McCabe 1976)."""
    inside = list(ast.walk(node))
    return (
        1
        + sum(isinstance(n, BRANCHES) for n in inside)
        + sum(len(n.values) - 1 for n in inside if isinstance(n, ast.BoolOp))
    )


def _public(tree: ast.Module) -> Iterator[Function | ast.ClassDef]:
    """Its classes and functions, and the methods of these classes, that are not named as private."""
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (n for n in node.body if isinstance(n, Function) and not n.name.startswith("_"))


def _comments(text: str) -> int:
    return sum(token.type == tokenize.COMMENT for token in tokenize.generate_tokens(io.StringIO(text).readline))


def _code_lines(text: str) -> int:
    return sum(bool(line.strip()) for line in text.splitlines())


def _dependencies(project: Path) -> int | None:
    if not project.exists():
        return None
    return len(tomllib.loads(project.read_text(encoding="utf-8"))["project"].get("dependencies", ()))


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    sys.stdout.write(json.dumps(measure(*(given + [Path("notifier"), Path("tests")][len(given) :]))) + "\n")
