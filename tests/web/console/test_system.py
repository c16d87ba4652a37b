"""The System page: what is wrong with what to do, then each push service, chore and key."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from notifier.operations.service_reports import service_reports
from notifier.operations.system import JobReport, SystemState
from notifier.push.pacing import ServicePace
from notifier.troubles import Code, Trouble
from tests.web.console.newsroom import Console
from tests.web.site import NOW

WELL = SystemState("This process", contact="mailto:desk@news.example.com")


def test_services_that_are_not_well_are_listed_first() -> None:
    paces = {
        "https://a.example": ServicePace(usual_s=0.02),
        "https://b.example": ServicePace(failures=3),
        "https://c.example": ServicePace(),
    }

    assert [(r.name, r.well) for r in service_reports(replace(WELL, paces=paces), NOW)] == [
        ("b.example", False),
        ("a.example", True),
        ("c.example", True),
    ]


def test_the_page_shows_troubles_jobs_and_keys(console: Console) -> None:
    console.sign_in()
    later: datetime = NOW + timedelta(seconds=30)
    console.state = replace(
        WELL,
        jobs=[JobReport("audience", 3600, NOW, 0.21, "OperationalError", 1)],
        paused={"apple": later},
        versions={"Notifier": "1.2"},
    )

    console.site.troubles = (
        Trouble(Code.RULE_FAILING, "The rule of Sport fails", "Mend it", "sport", since=NOW, count=12),
    )

    page = console.get("/console/system").text

    assert "The rule of Sport fails" in page
    assert "met 12 times" in page
    assert "It refuses our key" in page
    assert "keep how many follow what today" in page
    assert "failed: OperationalError" in page
    assert "<dt>Notifier</dt><dd>1.2</dd>" in page
