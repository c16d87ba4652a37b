"""What stands around the code: one version, pinned workflows, and an image that no secret can get into."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from ruamel.yaml import YAML

from notifier import __version__
from tools.release import notes

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LOCKS = sorted(ROOT.glob("requirements*.lock"))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_version_stands_in_one_place() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "notifier/__init__.py"
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    assert __version__ not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_this_version_can_be_released() -> None:
    assert notes(f"v{__version__}", __version__, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))


CHANGES = "# Changes\n\n## Unreleased\n\n- b\n\n## 1.2.0 (2026-11-30)\n\n- a\n"


def test_a_release_has_the_notes_of_its_version() -> None:
    assert notes("v1.2.0", "1.2.0", CHANGES) == "- a\n"


@pytest.mark.parametrize(("tag", "version"), [("v1.2.1", "1.2.0"), ("1.2.0", "1.2.0"), ("v1.3.0", "1.3.0")])
def test_a_tag_that_code_or_changelog_does_not_know_is_refused(tag: str, version: str) -> None:
    with pytest.raises(ValueError, match=r"says|has no section"):
        notes(tag, version, CHANGES)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_digest_with_its_release_beside_it(workflow: Path) -> None:
    used = re.findall(r"uses: (.*)", workflow.read_text(encoding="utf-8"))
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", action)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_what_the_makefile_has(workflow: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    jobs = YAML(typ="safe").load(workflow.read_text(encoding="utf-8"))["jobs"].values()
    asked = {
        word for job in jobs for step in job["steps"] for word in re.findall(r"make ([\w-]+)", step.get("run", ""))
    }
    assert asked
    assert asked <= targets


def test_every_promised_python_is_tested() -> None:
    matrix = YAML(typ="safe").load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    named = {c.rpartition(" ")[2] for c in PROJECT["project"]["classifiers"] if re.search(r"Python :: 3\.\d", c)}
    assert set(matrix["jobs"]["fast"]["strategy"]["matrix"]["python"]) == named


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_has_hashes_and_names_no_index(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert not re.search(r"https?://|--index|--find-links", text)
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps a file from the build daemon: the last pattern that fits decides."""
    keeps = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        names = [str(parent) for parent in (PurePosixPath(path), *PurePosixPath(path).parents)][:-1]
        if any(fnmatch(name, pattern) or fnmatch(name, pattern.removeprefix("**/")) for name in names):
            keeps = not line.startswith("!")
    return keeps


@pytest.mark.parametrize(
    "secret",
    [".env", ".env.local", "data/keys/vapid.pem", "data/notifier.db", ".git/config", "vapid.pem", "notifier/.env",
     "config/key.pem", "backup.db", "config/notifier.db", ".venv/bin/python", "tests/data/README.md"],
)  # fmt: skip
def test_no_secret_and_nothing_needless_reaches_the_build_daemon(secret: str) -> None:
    assert ignored(secret)


def test_what_the_image_is_made_of_reaches_the_build_daemon() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    wanted = [name for names in copied for name in names.split()]
    assert {"notifier", "pyproject.toml", "requirements.lock"} <= set(wanted)
    assert [name for name in [*wanted, "notifier/web/static/icon.svg", "config/feeds.yaml"] if ignored(name)] == []
