"""Fixtures: a network of one's own, a publisher, a push service, a browser, and the service between them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import Chromium
from tests.browser.desktop import Desktop
from tests.browser.firefox import Firefox
from tests.browser.namespace import own_network
from tests.browser.newsroom import Newsroom
from tests.browser.page import FORGET_EVERYTHING
from tests.browser.push_for_chromium import ChromiumPush
from tests.browser.push_for_firefox import FirefoxPush
from tests.browser.service import Service
from tests.conftest import lacking


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is in a real browser."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker("browser")


@pytest.fixture(scope="module")
def network(require: Callable[[str], str]) -> Iterator[None]:
    """Everything a module starts can reach only what the module starts."""
    require("unshare")
    if os.geteuid() != 0:
        lacking("a network namespace needs root: run the browser tests as root")
    with own_network():
        yield


@pytest.fixture(scope="module")
def newsroom(network: None) -> Iterator[Newsroom]:
    newsroom = Newsroom()
    yield newsroom
    newsroom.stop()


@pytest.fixture(scope="module")
def firefox_push(network: None) -> Iterator[FirefoxPush]:
    push = FirefoxPush()
    yield push
    push.stop()


@pytest.fixture(scope="module")
def firefox(require: Callable[[str], str], firefox_push: FirefoxPush) -> Iterator[Firefox]:
    firefox = Firefox(require("firefox"), firefox_push.websocket_url)
    yield firefox
    firefox.quit()


@pytest.fixture(scope="module")
def chromium_push(network: None) -> Iterator[ChromiumPush]:
    push = ChromiumPush()
    yield push
    push.stop()


@pytest.fixture(scope="module")
def desktop(require: Callable[[str], str]) -> Iterator[Desktop]:
    desktop = Desktop(require("dbus"))
    yield desktop
    desktop.stop()


@pytest.fixture(scope="module")
def chromium(require: Callable[[str], str], chromium_push: ChromiumPush, desktop: Desktop) -> Iterator[Chromium]:
    chromium = Chromium(require("chromium"), chromium_push, desktop)
    yield chromium
    chromium.quit()


@pytest.fixture(scope="module")
def service_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


def run_service(folder: Path, newsroom: Newsroom, push_origin: str, **settings: str) -> Iterator[Service]:
    """The service until the module ends; its log must then hold no error and no secret. `settings` are NOTIFIER_…"""
    service = Service(folder, newsroom, push_origin, **settings)
    try:
        yield service
        assert "Traceback" not in service.log, service.log
        assert push_origin + "/" not in service.log, "an endpoint is in the log"
    finally:
        service.stop()


@pytest.fixture
def site(chromium: Chromium, service: Service) -> Iterator[Chromium]:
    """The page of the module's `service`, in a browser whose owner will say yes."""
    chromium.set_notifications(service.origin, "allow")
    chromium.open(service.origin)
    yield chromium
    chromium.set_notifications(service.origin, "allow")
    chromium.open(service.origin)
    chromium.page.evaluate(FORGET_EVERYTHING)


@pytest.fixture
def subscribed(site: Chromium, chromium_push: ChromiumPush) -> Chromium:
    site.page.get_by_role("button", name="Get alerts").click()
    expect(site.page.get_by_role("heading", name="Alerts are on")).to_be_visible()
    site.until(lambda: chromium_push.connected, "Chromium to connect to its push service")
    return site
