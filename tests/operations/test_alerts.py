"""Alerts by whichever surface: checked alike, told once, and never said to be done where they are not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from notifier.alerts.alert import AlertKind, Message
from notifier.alerts.draft import Draft
from notifier.alerts.evidence import Author, Evidence
from notifier.errors import (
    AudienceGrew,
    Conflict,
    EntryInvalid,
    KeyReused,
    NotFound,
    NotifierError,
    RoleTooLow,
    UnknownTopic,
)
from notifier.operations.operations import Operations
from notifier.push.outcome import Delivered, Outcome
from notifier.subscribers.subscriber import Subscription
from tests.contracts.samples import NOON, a_subscription, an_alert, token
from tests.operations.conftest import ADA, VIC, Told
from tests.web.operator_api.harness import ApiHarness

DRAFT = Draft("Ferry aground", "All are safe.", "https://news.example/ferry", ("ships",))


def held(operations: Operations) -> int:
    """An alert that waits for an editor."""
    alert = replace(an_alert("ships"), hold_until=NOON + timedelta(minutes=15))
    return operations.alerts.book.accept(alert, NOON).id


def test_an_alert_is_told_once_however_often_it_is_asked_for(operations: Operations, told: Told) -> None:
    first, fresh = operations.alerts.write(ADA, DRAFT, key="ferry", at_most=1)
    again, anew = operations.alerts.write(ADA, DRAFT, key="ferry", at_most=1)

    assert (first.id, fresh, anew) == (again.id, True, False)
    assert first.why == Evidence(Author("Ada"))
    assert (told.changed, told.woken) == (1, 1)
    with pytest.raises(KeyReused):
        operations.alerts.write(ADA, replace(DRAFT, title="Another"), key="ferry", at_most=1)


def test_asked_again_it_is_the_same_alert_also_after_more_people_came(
    service: ApiHarness, operations: Operations
) -> None:
    first, _ = operations.alerts.write(ADA, DRAFT, key="ferry", at_most=1)
    service.service.subscriptions.subscribe(a_subscription("bea", "ships"), NOON)

    assert operations.alerts.write(ADA, DRAFT, key="ferry", at_most=1) == (first, False)
    with pytest.raises(AudienceGrew) as refused:
        operations.alerts.write(ADA, DRAFT, key="another", at_most=1)
    assert refused.value.audience == 2


@pytest.mark.parametrize(
    ("draft", "kind"),
    [
        (replace(DRAFT, title="\u2800 …"), EntryInvalid),
        (replace(DRAFT, url="javascript:alert(1)"), EntryInvalid),
        (replace(DRAFT, topics=()), EntryInvalid),
        (replace(DRAFT, topics=("ships", "nothing")), UnknownTopic),
        (replace(DRAFT, story=99), NotFound),
        (replace(DRAFT, replaces=99), NotFound),
    ],
)
def test_what_cannot_be_sent_is_refused_alike_when_looked_at_and_sent(
    operations: Operations, draft: Draft, kind: type[NotifierError]
) -> None:
    with pytest.raises(kind):
        operations.alerts.preview(ADA, draft)
    with pytest.raises(kind):
        operations.alerts.write(ADA, draft)
    assert operations.alerts.book.recent(10) == []


def test_a_correction_and_an_update_take_the_place_of_the_first(operations: Operations) -> None:
    first, _ = operations.alerts.write(ADA, replace(DRAFT, story=1))

    program = replace(ADA, token="desk bot")
    corrected, _ = operations.alerts.write(program, replace(DRAFT, title="Ferry afloat", replaces=first.id))
    updated, _ = operations.alerts.write(ADA, replace(DRAFT, replaces=first.id, kind=AlertKind.UPDATE))

    assert [alert.kind for alert in (corrected, updated)] == [AlertKind.CORRECTION, AlertKind.UPDATE]
    assert {alert.message.tag for alert in (first, corrected, updated)} == {"story-1"}
    assert corrected.why == Evidence(Author("Ada", "desk bot"), first.id, before=DRAFT.title)


def test_an_alert_that_went_already_is_said_to_have_gone(operations: Operations, told: Told) -> None:
    waiting = held(operations)

    operations.alerts.approve(ADA, waiting)
    with pytest.raises(Conflict):
        operations.alerts.approve(ADA, waiting)
    with pytest.raises(NotFound):
        operations.alerts.approve(ADA, 99)

    assert told.woken == 1


def test_an_alert_is_withdrawn_once(operations: Operations) -> None:
    waiting = held(operations)

    assert operations.alerts.withdraw(ADA, waiting).withdrawn_at is not None
    for late in (operations.alerts.withdraw, operations.alerts.approve):
        with pytest.raises(Conflict):
            late(ADA, waiting)


def test_words_are_tried_on_the_browser_of_the_token_and_on_no_other(
    service: ApiHarness, operations: Operations
) -> None:
    service.service.subscriptions.subscribe(a_subscription("bea", "ships"), NOON)
    sent: list[tuple[Subscription, Message]] = []

    async def send(subscription: Subscription, message: Message) -> Outcome:
        sent.append((subscription, message))
        return Delivered()

    alerts = replace(operations.alerts, send_test=send)
    assert asyncio.run(alerts.attempt(ADA, DRAFT, token("bea"))) == Delivered()

    ((subscription, message),) = sent
    assert (subscription.keys.endpoint, message.title) == ("https://push.example/bea", "Ferry aground")
    with pytest.raises(NotFound):
        asyncio.run(alerts.attempt(ADA, DRAFT, token("nobody")))
    with pytest.raises(EntryInvalid):
        asyncio.run(alerts.attempt(ADA, replace(DRAFT, title=" "), token("bea")))
    assert len(sent) == 1


def test_a_viewer_sends_nothing_and_stops_nothing(operations: Operations, told: Told) -> None:
    waiting = held(operations)
    asked: list[Callable[[], object]] = [
        lambda: operations.alerts.write(VIC, DRAFT),
        lambda: operations.alerts.approve(VIC, waiting),
        lambda: operations.alerts.withdraw(VIC, waiting),
        lambda: asyncio.run(operations.alerts.attempt(VIC, DRAFT, token("ada"))),
    ]

    for ask in asked:
        with pytest.raises(RoleTooLow):
            ask()

    assert operations.alerts.book.alert(waiting).waits(NOON)
    assert (told.changed, told.woken) == (0, 0)


def test_the_console_says_in_words_that_an_alert_went_already(service: ApiHarness, operations: Operations) -> None:
    waiting = held(operations)
    operations.alerts.approve(ADA, waiting)
    cookie, form = service.session("Ada")
    kind = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}

    for verb, words in (("approve", "It does not wait any more."), ("withdraw", "")):
        path = f"/console/alerts/{waiting}/{verb}"
        answer = service.ask("POST", path, body=f"form_token={form}".encode(), headers=cookie | kind)
        assert (answer.status, words in answer.text) == (409 if words else 303, True)
