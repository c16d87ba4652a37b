"""Headers on every answer, and changes that only the site's own page may ask for."""

from __future__ import annotations

import pytest

from notifier.web.services import SiteSettings
from tests.web.site import TOKEN, Site

PATHS = ["/", "/sw.js", "/static/page.js", "/healthz", "/readyz", "/metrics", "/nothing", "/api/subscriptions/mine"]
# A hub is no browser and proves itself by a signature.


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_headers(path: str) -> None:
    headers = Site().ask("GET", path).headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert "set-cookie" not in headers
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(("base_url", "present"), [("https://news.example", True), ("http://127.0.0.1:8000", False)])
def test_hsts_only_where_the_site_is_served_over_https(base_url: str, present: bool) -> None:
    headers = Site(settings=SiteSettings(base_url=base_url)).ask("GET", "/").headers

    assert ("strict-transport-security" in headers) is present


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "same-origin", "origin": "https://behind.a.proxy.example"},
        {"origin": "http://127.0.0.1:8000"},
        {"origin": "https://news.example", "host": "backend:8000"},
    ],
)
def test_the_sites_own_page_and_programs_pass(headers: dict[str, str]) -> None:
    site = Site(settings=SiteSettings(base_url="https://news.example"))

    assert site.ask("DELETE", "/api/subscriptions/mine", token=TOKEN, headers=headers).status == 204


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-site"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9000"},
        {"origin": "https://news.example.evil.example"},
    ],
)
@pytest.mark.parametrize("base_url", ["https://news.example", ""])
def test_near_misses_are_foreign(headers: dict[str, str], base_url: str) -> None:
    site = Site(settings=SiteSettings(base_url=base_url))

    assert site.ask("DELETE", "/api/subscriptions/mine", token=TOKEN, headers=headers).status == 403
