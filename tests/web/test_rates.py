"""One client cannot keep the service busy; others do not notice."""

from __future__ import annotations

import pytest

from notifier.errors import TooOften
from notifier.web.rates import Rates
from notifier.web.services import SiteSettings
from tests.web.site import TOKEN, Site

FEW = SiteSettings(changes_per_minute=2, tests_per_minute=1)


def test_more_changes_than_allowed_are_told_when_to_come_back() -> None:
    site = Site(settings=FEW)

    answers = [site.ask("DELETE", "/api/subscriptions/mine", token=TOKEN) for _ in range(3)]

    assert [answer.status for answer in answers] == [204, 204, 429]
    assert answers[2].json["code"] == "too-often"
    assert int(answers[2].headers["retry-after"]) > 0


def test_reading_is_not_counted() -> None:
    site = Site(settings=FEW)

    assert {site.ask("GET", "/api/application-server-key").status for _ in range(5)} == {200}


def test_test_alerts_have_a_limit_of_their_own() -> None:
    site = Site(settings=FEW)
    site.subscribe("world")

    answers = [site.ask("POST", "/api/subscriptions/mine/test", token=TOKEN).status for _ in range(2)]

    assert answers == [200, 429]


def test_one_clients_haste_is_not_anothers_wait() -> None:
    rates = Rates(FEW)
    rates.count("test", "198.51.100.1")

    rates.count("test", "198.51.100.2")
    with pytest.raises(TooOften):
        rates.count("test", "198.51.100.1")
