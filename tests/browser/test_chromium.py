"""The main job in stock Chromium, up to the screen; what a desktop gets, and clicks, are in test_desktop.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import Chromium
from tests.browser.conftest import run_service
from tests.browser.desktop import Desktop
from tests.browser.newsroom import PUBLISHER, Newsroom
from tests.browser.page import CLEAR, REFUSALS, STORIES
from tests.browser.push_for_chromium import ChromiumPush
from tests.browser.service import Service

# One browser is shared by the module, so one worker runs it all.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def service(service_folder: Path, newsroom: Newsroom, chromium_push: ChromiumPush) -> Iterator[Service]:
    yield from run_service(service_folder, newsroom, chromium_push.origin)


def test_a_click_on_get_alerts_subscribes(service: Service, subscribed: Chromium) -> None:
    expect(subscribed.page.get_by_role("status")).to_contain_text("Alerts are on.")
    assert service.subscriptions() == 1
    assert service.topics() == {"ships"}


def test_a_new_story_is_on_the_screen_and_leads_to_it(
    newsroom: Newsroom, subscribed: Chromium, desktop: Desktop
) -> None:
    story = newsroom.publish("A ferry came in with a whale", "The harbour master says grüße ✓ to both.")

    notice = subscribed.notice("A ferry came in with a whale")
    desktop.click(notice)

    said = f"News · {PUBLISHER}\nThe harbour master says grüße ✓ to both."
    assert notice.body.split("\n\n", 1)[1] == said, "after the site's address, which is Chromium's"
    subscribed.until(lambda: subscribed.tab(story), "the story to open")


def test_that_an_alert_was_shown_is_counted(service: Service, newsroom: Newsroom, subscribed: Chromium) -> None:
    newsroom.publish("A harbour light is lit again", "Boats are glad.")
    subscribed.notice("A harbour light is lit again")

    told = ("A harbour light is lit again", "shown")
    subscribed.until(lambda: service.receipts().get(told) == 1, "the worker to tell", 45)


def test_an_edit_replaces_the_notification_instead_of_adding_one(
    newsroom: Newsroom, subscribed: Chromium, desktop: Desktop
) -> None:
    story = newsroom.publish("Ferry aground with 40 aboard", "Tugs are on their way.")
    before = subscribed.notice("Ferry aground with 40 aboard")

    newsroom.edit(story, "Ferry aground with 52 aboard, all rescued", "Tugs have arrived.")

    after = subscribed.notice("Ferry aground with 52 aboard, all rescued")
    assert after in desktop.on_screen()
    assert before not in desktop.on_screen()


@pytest.mark.parametrize("refusal", REFUSALS)
def test_every_alert_is_shown_though_the_browsers_storage_refuses(
    service: Service, newsroom: Newsroom, subscribed: Chromium, refusal: str
) -> None:
    subscribed.page.evaluate(REFUSALS[refusal])

    for story in STORIES[refusal]:
        newsroom.publish(story, "It is on the screen.")
        subscribed.notice(story)

    subscribed.page.reload()
    subscribed.page.evaluate(CLEAR)
    service.forget_everybody()  # the browser no longer knows by which name it was subscribed


def test_a_test_alert_arrives(subscribed: Chromium) -> None:
    subscribed.page.get_by_role("button", name="Send me a test alert").click()

    subscribed.notice("This is a test alert")
    expect(subscribed.page.get_by_role("status")).to_contain_text("Test alert sent.")


def test_a_topic_change_is_saved_at_once(service: Service, subscribed: Chromium) -> None:
    subscribed.page.get_by_label("Storms").check()

    expect(subscribed.page.get_by_role("status")).to_have_text("Saved: Ships and Storms.")
    assert service.topics() == {"ships", "storms"}


def test_a_change_that_the_server_could_not_save_is_undone(service: Service, subscribed: Chromium) -> None:
    subscribed.page.route("**/mine/topics", lambda route: route.abort())

    subscribed.page.get_by_label("Storms").click()

    expect(subscribed.page.get_by_role("alert")).to_contain_text("The server can’t be reached.")
    expect(subscribed.page.get_by_label("Storms")).not_to_be_checked()
    subscribed.page.unroute("**/mine/topics")


def test_a_new_key_loses_nobody_and_a_visit_moves_the_browser_to_it(
    service: Service, newsroom: Newsroom, subscribed: Chromium
) -> None:
    (old,) = service.key_ids()

    service.rotate_key()
    newsroom.publish("A ship under the old key", "It is as good as ever.")
    subscribed.notice("A ship under the old key")
    assert service.key_ids() == [old]

    subscribed.open(service.origin)
    subscribed.until(lambda: service.key_ids() not in ([old], []), "the visit to move the browser to the new key")
    newsroom.publish("A ship under the new key", "It is better still.")
    subscribed.notice("A ship under the new key")
    assert service.topics() == {"ships"}


def test_a_move_to_a_new_key_that_is_cut_off_is_ended_by_the_next_visit(
    service: Service, newsroom: Newsroom, subscribed: Chromium
) -> None:
    (old,) = service.key_ids()
    subscribed.page.get_by_label("Storms").check()
    expect(subscribed.page.get_by_role("status")).to_have_text("Saved: Ships and Storms.")

    service.rotate_key()
    subscribed.page.route("**/mine/keys", lambda route: route.abort())
    subscribed.open(service.origin)
    expect(subscribed.page.get_by_role("alert")).to_contain_text("The server can’t be reached.")
    newsroom.publish("A ship seen by the old address alone", "The old address has ended.")
    subscribed.until(lambda: service.key_ids() == [], "the push service to say that it is gone")
    subscribed.page.unroute("**/mine/keys")

    subscribed.open(service.origin)
    subscribed.until(lambda: service.key_ids() not in ([old], []), "the next visit to go on")
    assert service.topics() == {"ships", "storms"}
    newsroom.publish("A ship that comes back", "With a storm behind it.")
    subscribed.notice("A ship that comes back")


def test_stop_ends_everything_on_both_sides(
    service: Service, chromium_push: ChromiumPush, subscribed: Chromium
) -> None:
    subscribed.page.get_by_role("button", name="Stop all alerts and delete my data").click()

    expect(subscribed.page.get_by_role("status")).to_have_text("All alerts have stopped and your data is deleted.")
    assert service.subscriptions() == 0
    subscribed.until(lambda: chromium_push.subscriptions == 0, "Chromium to end its registration")


def test_stop_ends_the_browsers_half_even_where_the_server_is_away(
    service: Service, chromium_push: ChromiumPush, subscribed: Chromium
) -> None:
    subscribed.page.route("**/api/subscriptions/mine", lambda route: route.abort())
    stop = subscribed.page.get_by_role("button", name="Stop all alerts and delete my data")

    stop.click()

    expect(subscribed.page.get_by_role("alert")).to_contain_text("your data could not be deleted yet")
    subscribed.until(lambda: chromium_push.subscriptions == 0, "Chromium to end its registration")
    subscribed.page.unroute("**/api/subscriptions/mine")
    subscribed.page.get_by_role("button", name="Delete my data now").click()
    expect(subscribed.page.get_by_role("status")).to_have_text("All alerts have stopped and your data is deleted.")
    assert service.subscriptions() == 0


def test_permission_taken_back_ends_the_subscription_at_the_next_push(
    service: Service, newsroom: Newsroom, chromium_push: ChromiumPush, subscribed: Chromium
) -> None:
    subscribed.set_notifications(service.origin, "block")
    expect(subscribed.page.get_by_role("heading", name="Notifications are blocked")).to_be_visible()
    subscribed.until(lambda: chromium_push.subscriptions == 0, "Chromium to end its registration")

    newsroom.publish("A ship that nobody here will see", "It sails on.")

    subscribed.until(lambda: service.subscriptions() == 0, "the service to forget the subscription")
    assert service.ends()[-1] == "gone-410"


def test_a_server_that_is_away_is_said_so_and_costs_nothing(site: Chromium, service: Service) -> None:
    site.page.route("**/api/subscriptions", lambda route: route.abort())
    site.page.get_by_role("button", name="Get alerts").click()

    expect(site.page.get_by_role("alert")).to_contain_text("The server can’t be reached. Check your connection")
    site.page.unroute("**/api/subscriptions")
    site.page.get_by_role("button", name="Get alerts").click()
    expect(site.page.get_by_role("heading", name="Alerts are on")).to_be_visible()


def test_every_state_fits_a_phone_of_360_pixels(site: Chromium) -> None:
    site.page.set_viewport_size({"width": 360, "height": 780})
    states = site.page.evaluate("[...document.querySelectorAll('[data-situation]')].map((p) => p.dataset.situation)")

    for state in states:
        width = site.page.evaluate(
            """(state) => {
                for (const part of document.querySelectorAll('[data-situation]'))
                    part.hidden = part.dataset.situation !== state;
                return document.documentElement.scrollWidth;
            }""",
            state,
        )
        assert width <= 360, f"“{state}” is {width} pixels wide"


def test_a_private_window_is_told_that_it_never_gets_alerts(site: Chromium, service: Service) -> None:
    window = site.private_window()
    window.goto(service.origin)
    window.get_by_role("button", name="Get alerts").click()

    expect(window.get_by_role("heading", name="Notifications are blocked")).to_be_visible(timeout=30_000)
    expect(window.locator("#panel")).to_contain_text("A private (Incognito) window never allows them")
    window.context.close()
