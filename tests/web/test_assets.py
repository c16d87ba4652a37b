"""The files of static/ as they are sent: under addresses of their release, scripts whole, and kept for good."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest

from notifier.web.assets import STATIC, asset, sent
from tests.web.site import Site

SCRIPTS = sorted(str(path.relative_to(STATIC)) for path in STATIC.rglob("*.js"))
GONE = "/static/v-000000000000/page.js"


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_sent_whole_and_can_be_run(require: Callable[[str], str], name: str) -> None:
    command = [require("node"), "--check", "--input-type=module", "-"]
    checked = subprocess.run(command, input=sent(name), capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stderr
    assert "import " not in sent(name).replace("importScripts", "")
    assert "export " not in sent(name)


def test_what_is_imported_twice_is_sent_once_and_before_what_needs_it() -> None:
    text = sent("page.js")

    assert text.count("globalThis.keep =") == 1
    assert text.index("function situation(") < text.index("async function look(") < text.index("function turnOn(")


def test_no_comment_is_sent() -> None:
    assert not [line for name in SCRIPTS for line in sent(name).split("\n") if line.startswith(("//", "/*", "*"))]
    assert "; // " not in "".join(map(sent, SCRIPTS))
    assert "/* ---" not in sent("page.css")


@pytest.mark.parametrize("name", ["page.js", "page.css", "icon.svg", "icon-192.png"])
def test_a_file_of_this_release_is_kept_for_good(name: str) -> None:
    assert "immutable" in Site().ask("GET", asset(name)).headers["cache-control"]


def test_a_script_is_small_on_the_way_for_whoever_takes_it_so() -> None:
    answer = Site().ask("GET", asset("page.js"), headers={"accept-encoding": "gzip, br", "cookie": "a=b"})

    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("br", "Accept-Encoding")
    assert brotli.decompress(answer.body).decode() == sent("page.js")
    assert len(answer.body) < len(sent("page.js")) / 3


def test_a_page_of_another_release_gets_the_present_files_and_does_not_keep_them() -> None:
    site = Site()

    answer = site.ask("GET", GONE)

    assert answer.text == sent("page.js")
    assert answer.headers["cache-control"] == "no-cache"


def test_whoever_names_no_release_gets_a_file_as_it_is() -> None:
    answer = Site().ask("GET", "/static/keep.js")

    assert answer.text == (STATIC / "keep.js").read_text(encoding="utf-8")
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["no-such.js", "../pages.py", "%2e%2e/pages.py", "console", ""])
def test_what_is_no_file_is_not_there(path: str) -> None:
    site = Site()
    for address in (asset(path), f"/static/{path}"):
        assert site.ask("GET", address).status == 404
