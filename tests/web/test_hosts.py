"""Under which names the site answers, and that no answer repeats another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.web.hosts import as_path, host_name, is_ours
from notifier.web.services import SiteSettings
from tests.web.site import TOKEN, Site

PUBLIC = SiteSettings(base_url="https://news.example", is_public=True, hosts=frozenset({"backend.example"}))
FIRST_RUN = SiteSettings(base_url="http://127.0.0.1:8000")
EVIL = "evil.example"


@pytest.mark.parametrize(
    "host",
    ["news.example", "NEWS.example:443", "news.example.", "backend.example:8000", "127.0.0.1:8000", "localhost",
     "[::1]:80", "notifier:8000"],
)  # fmt: skip
def test_the_public_address_what_is_set_beside_it_and_this_machine_are_ours(host: str) -> None:
    assert is_ours(host, PUBLIC)


@pytest.mark.parametrize(
    "host",
    [EVIL, "news.example.evil.example", "evil.example#news.example", "news.example@evil.example", "", "203.0.113.9",
     "a b", "[::1", "news.example:x", "10.0.0.1.evil.example", "printer.local", "[2001:db8::1]"],
)  # fmt: skip
def test_near_misses_are_not(host: str) -> None:
    assert not is_ours(host, PUBLIC)


@pytest.mark.parametrize(("host", "ours"), [("192.168.0.7:8000", True), ("pi.local:8000", True), (EVIL, False)])
def test_without_a_public_address_a_private_network_may_look(host: str, ours: bool) -> None:
    assert is_ours(host, FIRST_RUN) is ours


@pytest.mark.parametrize("settings", [PUBLIC, FIRST_RUN])
@pytest.mark.parametrize("path", ["/", "/console/sign-in", "/api/application-server-key", "/static/page.js"])
def test_another_name_is_answered_by_nothing_of_ours(settings: SiteSettings, path: str) -> None:
    answer = Site(settings=settings).ask("GET", path, headers={"host": EVIL, "accept": "text/html"})
    assert answer.status == 421
    assert EVIL not in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_health_is_asked_by_any_name(path: str) -> None:
    assert Site(settings=PUBLIC).ask("GET", path, headers={"host": "10.1.2.3:8000"}).status == 200


def test_a_name_that_points_here_changes_nothing_though_its_page_is_its_own() -> None:
    site = Site(settings=PUBLIC)
    for origin in (f"https://{EVIL}", f"http://{EVIL}"):
        answer = site.ask("DELETE", "/api/subscriptions/mine", token=TOKEN, headers={"host": EVIL, "origin": origin})
        assert answer.status == 421
    headers = {"host": "notifier:8000", "origin": "http://notifier:8000"}
    assert site.ask("DELETE", "/api/subscriptions/mine", token=TOKEN, headers=headers).status == 403


@pytest.mark.parametrize("origin", ["https://[", "http://news.example", "https://news.example:8443", "null", ""])
def test_the_origin_is_the_public_addresss_in_full(origin: str) -> None:
    site = Site(settings=PUBLIC)
    headers = {"host": "news.example", "origin": origin}
    assert site.ask("DELETE", "/api/subscriptions/mine", token=TOKEN, headers=headers).status == 403


@pytest.mark.parametrize(
    "path", ["/console/", "//evil.example/console/", "/api/subscriptions/", "/console/stories/?q=1"]
)
def test_redirects_leave_as_paths(path: str) -> None:
    for host in ("127.0.0.1:8000", "news.example"):
        answer = Site(settings=PUBLIC).ask("GET", path, headers={"host": host})
        location = answer.headers.get("location", "/")
        assert location.startswith("/")
        assert not location.startswith("//")


@given(st.text(max_size=40))
def test_any_host_is_read_or_refused(host: str) -> None:
    name = host_name(host)
    assert name is None or name == name.lower()
    is_ours(host, PUBLIC)


@given(st.text(alphabet="/\\ab.?#", max_size=12))
def test_no_path_becomes_another_sites_address(path: str) -> None:
    assert not as_path(f"http://here{path if path.startswith('/') else ''}", "here").startswith(("//", "/\\"))
