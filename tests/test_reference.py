"""The pages of docs/reference/ say what the code says, of everything that there is."""

from __future__ import annotations

import re

import pytest
import typer

from notifier.cli import app
from notifier.config.settings import PREFIX, Settings
from notifier.telemetry import Metrics
from notifier.web.errors import WORDS
from tests.test_docs import commands
from tools import reference


@pytest.mark.parametrize("page", reference.PAGES)
def test_the_page_is_as_the_code_says(page: str) -> None:
    written = (reference.FOLDER / f"{page}.md").read_text(encoding="utf-8")
    assert written == reference.page(page), "run `make reference`"


def test_there_is_no_other_page() -> None:
    assert {page.stem for page in reference.FOLDER.iterdir()} == set(reference.PAGES)


def test_every_setting_is_there_with_its_meaning() -> None:
    told = dict(re.findall(r"^\| `(NOTIFIER_\w+)` \|.*\| (.+?) \|$", reference.settings(), re.MULTILINE))
    assert set(told) == {PREFIX + name.upper() for name in Settings.model_fields}


def test_every_metric_is_there_with_its_meaning() -> None:
    told = {
        name.removesuffix("_total")
        for name in re.findall(r"^\| `(notifier_\w+)[`{].* \| \w.+ \|$", reference.metrics(), re.MULTILINE)
    }
    assert told == {metric.name for metric in Metrics().registry.collect()}


def test_every_command_is_there() -> None:
    told = reference.commands()
    assert [path for path in commands(typer.main.get_command(app)) if f"\n## `{path}" not in told] == []


def test_every_code_that_leaves_is_there() -> None:
    told = reference.error_codes()
    assert [code for code in WORDS if f"`{code}`" not in told] == []
