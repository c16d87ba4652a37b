"""The main job in stock Firefox: from a feed that changes to a notification on the screen, and all the way back.

One browser and one service for the whole module; each test begins on the page, subscribed or not as it says, with no
notification on the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.background import until
from tests.browser.conftest import run_service
from tests.browser.firefox import Firefox, Popup
from tests.browser.newsroom import PUBLISHER, Newsroom
from tests.browser.page import CLEAR, REFUSALS, STORIES, Page
from tests.browser.push_for_firefox import DECRYPTED, FirefoxPush
from tests.browser.service import Service

# One browser is shared by the module, so one worker runs it all.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def service(service_folder: Path, newsroom: Newsroom, firefox_push: FirefoxPush) -> Iterator[Service]:
    yield from run_service(service_folder, newsroom, firefox_push.origin)


@pytest.fixture
def page(firefox: Firefox, service: Service) -> Iterator[Page]:
    """The page in a browser that has not been asked yet."""
    firefox.set_permission(service.origin, "prompt")
    firefox.goto(service.origin)
    page = Page(firefox)
    page.wait_for("off")
    yield page
    firefox.close_popups()
    firefox.close_other_tabs()
    firefox.goto(service.origin)
    page.forget_everything()


@pytest.fixture
def subscribed(firefox: Firefox, page: Page) -> Page:
    page.press("start")
    firefox.answer_question(allow=True)
    page.wait_for("on")
    return page


def popup(firefox: Firefox, title: str) -> Popup:
    """The notification with this title, as soon as it is on the screen."""

    def look() -> Popup | None:
        return next((shown for shown in firefox.popups() if shown.title == title), None)

    found = until(look, f"a notification “{title}”")
    assert found is not None
    return found


def silent(firefox: Firefox) -> list[bool]:
    """Of each notification of the page's site, whether it came without a sound."""
    asked = "navigator.serviceWorker.ready.then((r) => r.getNotifications()).then((all) => all.map((n) => !!n.silent))"
    return list(firefox.evaluate(asked))


def test_a_click_on_get_alerts_asks_and_a_click_on_allow_subscribes(
    firefox: Firefox, service: Service, page: Page
) -> None:
    assert not firefox.question_is_open()

    page.press("start")
    until(firefox.question_is_open, "Firefox to ask")
    assert page.situation == "asking"
    firefox.answer_question(allow=True)

    page.wait_for("on")
    assert page.said.startswith("Alerts are on.")
    assert service.subscriptions() == 1
    assert service.topics() == {"ships"}


def test_a_new_story_is_on_the_screen_with_its_words_and_its_origin(
    firefox: Firefox, service: Service, newsroom: Newsroom, firefox_push: FirefoxPush, subscribed: Page
) -> None:
    newsroom.publish("A ferry came in with a whale", "The harbour master says grüße ✓ to both.")

    shown = popup(firefox, "A ferry came in with a whale")
    assert shown.body == f"News · {PUBLISHER}\nThe harbour master says grüße ✓ to both."
    assert service.origin.removeprefix("http://") in shown.source
    assert firefox_push.statuses[-1] == 201
    assert firefox_push.acks[-1] == DECRYPTED


def test_a_story_outside_the_topics_stays_silent(firefox: Firefox, newsroom: Newsroom, subscribed: Page) -> None:
    newsroom.publish("A storm is on its way", "Wind from the west.")
    newsroom.publish("A ship waits for the wind", "It has time.")

    popup(firefox, "A ship waits for the wind")
    assert [shown.title for shown in firefox.popups()] == ["A ship waits for the wind"]


def test_a_click_on_the_notification_opens_the_story(firefox: Firefox, newsroom: Newsroom, subscribed: Page) -> None:
    story = newsroom.publish("A ship is named", "Its name is long.")

    firefox.click_popup(popup(firefox, "A ship is named"))

    until(lambda: story in firefox.tabs(), f"a tab with {story}")
    assert firefox.popups() == []


def test_that_an_alert_was_shown_and_clicked_is_counted_and_nothing_more(
    firefox: Firefox, service: Service, newsroom: Newsroom, subscribed: Page
) -> None:
    newsroom.publish("A harbour light is lit again", "Boats are glad.")
    firefox.click_popup(popup(firefox, "A harbour light is lit again"))

    told = {("A harbour light is lit again", "shown"): 1, ("A harbour light is lit again", "clicked"): 1}
    # The worker waits for up to half a minute before each.
    until(lambda: told.items() <= service.receipts().items(), "the worker to tell", 45)


def test_a_click_on_the_test_alert_focuses_the_page_that_is_there(
    firefox: Firefox, service: Service, subscribed: Page
) -> None:
    subscribed.press("test")
    firefox.click_popup(popup(firefox, "This is a test alert"))

    until(lambda: firefox.popups() == [], "the notification to close")
    assert [tab.rstrip("/") for tab in firefox.tabs()] == [service.origin]


def test_an_edit_replaces_the_notification_instead_of_adding_one(
    firefox: Firefox, newsroom: Newsroom, subscribed: Page
) -> None:
    story = newsroom.publish("Ferry aground with 40 aboard", "Tugs are on their way.")
    popup(firefox, "Ferry aground with 40 aboard")

    newsroom.edit(story, "Ferry aground with 52 aboard, all rescued", "Tugs have arrived.")

    popup(firefox, "Ferry aground with 52 aboard, all rescued")
    until(lambda: len(firefox.popups()) == 1, "the first notification to be replaced")


def test_a_message_that_comes_twice_is_on_the_screen_once_and_in_silence_the_second_time(
    firefox: Firefox, newsroom: Newsroom, firefox_push: FirefoxPush, subscribed: Page
) -> None:
    newsroom.publish("A harbour seal is back", "It never left.")
    popup(firefox, "A harbour seal is back")
    assert silent(firefox) == [False]

    firefox_push.push_again()

    until(lambda: silent(firefox) == [True], "the repeat to take the first one's place")
    until(lambda: [p.title for p in firefox.popups()] == ["A harbour seal is back"], "it to be there once")


def test_a_message_that_comes_again_after_it_was_closed_is_shown_again_in_silence(
    firefox: Firefox, newsroom: Newsroom, firefox_push: FirefoxPush, subscribed: Page
) -> None:
    # A push that shows nothing counts against the site: browsers end its subscriptions.
    newsroom.publish("A harbour seal has pups", "They are loud.")
    popup(firefox, "A harbour seal has pups")
    firefox.close_popups()

    firefox_push.push_again()

    popup(firefox, "A harbour seal has pups")
    assert silent(firefox) == [True]


def test_an_outdated_state_shows_the_newest_one_again_in_silence(
    firefox: Firefox, newsroom: Newsroom, firefox_push: FirefoxPush, subscribed: Page
) -> None:
    story = newsroom.publish("Harbour lift stuck with 12 inside", "Its rope has slipped.")
    popup(firefox, "Harbour lift stuck with 12 inside")
    first = firefox_push.last
    newsroom.edit(story, "Harbour lift stuck with 30 inside, all rescued", "A ladder was long enough.")
    popup(firefox, "Harbour lift stuck with 30 inside, all rescued")
    firefox.close_popups()

    firefox_push.push_again(first)

    popup(firefox, "Harbour lift stuck with 30 inside, all rescued")
    assert silent(firefox) == [True]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_every_alert_is_shown_though_the_browsers_storage_refuses(
    firefox: Firefox, service: Service, newsroom: Newsroom, subscribed: Page, refusal: str
) -> None:
    firefox.evaluate(REFUSALS[refusal])

    for story in STORIES[refusal]:
        newsroom.publish(story, "It is on the screen.")
        popup(firefox, story)
        firefox.close_popups()

    firefox.goto(firefox.evaluate("location.href"))
    firefox.evaluate(CLEAR)
    service.forget_everybody()  # the browser no longer knows by which name it was subscribed


def test_what_a_killed_service_sends_again_is_shown_once(
    firefox: Firefox, service: Service, newsroom: Newsroom, firefox_push: FirefoxPush, subscribed: Page
) -> None:
    newsroom.publish("A harbour gate is jammed", "Barges wait.")
    popup(firefox, "A harbour gate is jammed")
    opened = len(firefox_push.acks)

    service.kill_before_settling()
    service.start()

    # Sealed anew, so another message to Firefox; the worker knows the alert by its id.
    until(lambda: len(firefox_push.acks) > opened, "Firefox to take the repeat", 60)
    assert firefox_push.acks[-1] == DECRYPTED
    until(lambda: silent(firefox) == [True], "the repeat to take the first one's place")
    until(lambda: [p.title for p in firefox.popups()] == ["A harbour gate is jammed"], "it to be there once")


def test_a_test_alert_arrives(firefox: Firefox, subscribed: Page) -> None:
    subscribed.press("test")

    popup(firefox, "This is a test alert")
    until(lambda: subscribed.said.startswith("Test alert sent."), "the page to say so")


def test_a_topic_change_is_saved_at_once_and_decides_what_comes(
    firefox: Firefox, service: Service, newsroom: Newsroom, subscribed: Page
) -> None:
    subscribed.tick("storms")
    until(lambda: subscribed.said == "Saved: Ships and Storms.", "the page to confirm")
    assert service.topics() == {"ships", "storms"}

    subscribed.tick("ships")
    until(lambda: subscribed.said == "Saved: Storms.", "the page to confirm")
    newsroom.publish("A ship passes by", "Nobody looks up.")
    newsroom.publish("A flood at the weekend", "Bring boots.")

    popup(firefox, "A flood at the weekend")
    assert [shown.title for shown in firefox.popups()] == ["A flood at the weekend"]


def test_two_tabs_choose_without_undoing_each_other_and_each_shows_what_the_other_chose(
    firefox: Firefox, service: Service, subscribed: Page
) -> None:
    other = Page(firefox.other_tab(service.origin))
    other.wait_for("on")

    other.tick("storms")
    until(lambda: subscribed.ticked == ["ships", "storms"], "this tab to follow", 1)
    subscribed.tick("ships")

    until(lambda: other.ticked == ["storms"], "the other tab to follow")
    until(lambda: subscribed.said == "Saved: Storms.", "the page to confirm")
    assert service.topics() == {"storms"}
    assert subscribed.kept()["topics"] == ["storms"]


def test_a_tab_that_has_heard_nothing_undoes_nothing(firefox: Firefox, service: Service, subscribed: Page) -> None:
    other = firefox.other_tab(service.origin)
    deaf = Page(other)
    deaf.wait_for("on")
    other.evaluate("void (keep.others.onmessage = null)")

    subscribed.tick("storms")
    until(lambda: service.topics() == {"ships", "storms"}, "the change to be saved")
    assert deaf.ticked == ["ships"]
    deaf.tick("ships")

    until(lambda: service.topics() == {"storms"}, "the other tab's change to be saved beside it")
    until(lambda: deaf.ticked == ["storms"], "the other tab to show what was chosen here")


def test_stop_in_one_tab_turns_the_others_off_and_a_tick_there_explains_itself(
    firefox: Firefox, service: Service, subscribed: Page
) -> None:
    other = Page(firefox.other_tab(service.origin))
    other.wait_for("on")

    subscribed.press("stop")

    other.wait_for("off")
    assert other.said == "Alerts were stopped in another tab, and your data is deleted."
    other.tick("storms")
    until(lambda: other.said.startswith("Alerts are off on this browser"), "the tab to explain itself")
    assert service.subscriptions() == 0


def test_a_tick_in_a_tab_that_missed_the_stop_keeps_the_tick_and_explains_itself(
    firefox: Firefox, service: Service, subscribed: Page
) -> None:
    other = firefox.other_tab(service.origin)
    deaf = Page(other)
    deaf.wait_for("on")
    other.evaluate("void (keep.others.onmessage = null)")
    subscribed.press("stop")
    subscribed.wait_for("off")

    deaf.tick("storms")

    deaf.wait_for("off")
    until(lambda: deaf.said.endswith("to get alerts for Ships and Storms."), "the tab to explain itself")
    assert deaf.ticked == ["ships", "storms"]
    assert service.subscriptions() == 0


def test_stop_works_though_another_tab_never_ends_what_it_is_at(
    firefox: Firefox, service: Service, subscribed: Page
) -> None:
    other = firefox.other_tab(service.origin)
    other.evaluate("void keep.alone(() => new Promise(() => {}))")

    subscribed.press("stop")

    subscribed.wait_for("off")
    assert service.subscriptions() == 0


def test_the_page_remembers_after_a_reload(firefox: Firefox, service: Service, subscribed: Page) -> None:
    subscribed.tick("storms")
    until(lambda: subscribed.said.startswith("Saved"), "the page to confirm")

    firefox.goto(service.origin)

    subscribed.wait_for("on")
    assert subscribed.ticked == ["ships", "storms"]


def test_stop_ends_everything_on_both_sides(service: Service, firefox_push: FirefoxPush, subscribed: Page) -> None:
    subscribed.press("stop")

    subscribed.wait_for("off")
    assert subscribed.said == "All alerts have stopped and your data is deleted."
    assert service.subscriptions() == 0
    assert firefox_push.subscriptions == 0
    assert subscribed.kept() is None


def test_permission_taken_back_in_the_browser_ends_the_subscription_at_the_next_push(
    firefox: Firefox, service: Service, newsroom: Newsroom, firefox_push: FirefoxPush, subscribed: Page
) -> None:
    firefox.set_permission(service.origin, "denied")
    subscribed.wait_for("blocked")
    until(lambda: firefox_push.subscriptions == 0, "Firefox to drop the subscription")

    newsroom.publish("A ship that nobody here will see", "It sails on.")

    until(lambda: firefox_push.statuses[-1] == 410, "the push service to say that it is gone")
    until(lambda: service.subscriptions() == 0, "the service to forget the subscription")
    assert service.ends()[-1] == "gone-410"


def test_a_blocked_browser_is_told_how_to_allow_again_and_notices_when_it_is(
    firefox: Firefox, service: Service, page: Page
) -> None:
    page.press("start")
    firefox.answer_question(allow=False)

    page.wait_for("blocked")
    assert firefox.evaluate("document.querySelector('details[open] summary').textContent").startswith("Firefox")
    assert "managed in your browser’s preferences" in page.text

    firefox.set_permission(service.origin, "granted")
    page.wait_for("off")


def test_a_subscription_that_the_browser_changes_by_itself_goes_on(
    firefox: Firefox, service: Service, newsroom: Newsroom, subscribed: Page
) -> None:
    before = service.endpoints()

    firefox.forget_push_identity()

    until(lambda: service.endpoints() not in (before, []), "the worker to tell the server of the new endpoint", 30)
    newsroom.publish("A ship under a new flag", "The crew is the same.")
    popup(firefox, "A ship under a new flag")
    assert service.topics() == {"ships"}


def test_a_new_key_loses_nobody_and_a_visit_moves_the_browser_to_it(
    firefox: Firefox, service: Service, newsroom: Newsroom, subscribed: Page
) -> None:
    (old,) = service.key_ids()
    endpoint = service.endpoints()

    service.rotate_key()
    newsroom.publish("A ship under the old key", "It is as good as ever.")
    popup(firefox, "A ship under the old key")
    assert service.key_ids() == [old]

    firefox.goto(service.origin)
    until(lambda: service.key_ids() not in ([old], []), "the visit to move the browser to the new key")
    subscribed.wait_for("on")
    assert service.endpoints() != endpoint
    assert service.topics() == {"ships"}
    newsroom.publish("A ship under the new key", "It is better still.")
    popup(firefox, "A ship under the new key")


def test_a_subscription_that_the_server_lost_can_be_turned_on_again(
    firefox: Firefox, service: Service, subscribed: Page
) -> None:
    service.forget_everybody()

    firefox.goto(service.origin)
    subscribed.wait_for("lapsed")
    subscribed.press("start")

    subscribed.wait_for("on")
    assert service.topics() == {"ships"}


def test_without_a_topic_nobody_is_asked(firefox: Firefox, page: Page) -> None:
    page.tick("ships")
    page.press("start")

    until(lambda: page.complained == "Choose at least one topic first.", "the page to ask for a topic")
    assert not firefox.question_is_open()


def test_the_keyboard_alone_gets_alerts(firefox: Firefox, page: Page) -> None:
    page.focus("start")
    firefox.press_key("Enter")
    firefox.answer_question(allow=True)

    page.wait_for("on")
    assert firefox.evaluate("document.activeElement.id") == "panel"


def test_a_private_window_gets_alerts_and_says_that_they_end_with_it(
    require: Callable[[str], str], service: Service, newsroom: Newsroom, firefox_push: FirefoxPush
) -> None:
    private = Firefox(require("firefox"), firefox_push.websocket_url, private=True)
    try:
        private.goto(service.origin)
        inside = Page(private)
        inside.wait_for("off")
        inside.press("start")
        private.answer_question(allow=True)
        inside.wait_for("on")
        until(lambda: "This looks like a private window: alerts end when you close it." in inside.text, "it to say so")

        newsroom.publish("A harbour clock runs backwards", "Nobody is late.")
        popup(private, "A harbour clock runs backwards")
        inside.forget_everything()
    finally:
        private.quit()


def test_an_ordinary_window_is_not_called_private(subscribed: Page) -> None:
    assert "private window" not in subscribed.text
