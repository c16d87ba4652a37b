"""What becomes of a story that was alerted: the one result that several outlets state, and nothing that one rewords."""

from __future__ import annotations

from datetime import timedelta

from notifier.alerts.development import development
from notifier.alerts.facts import alike, changed_facts
from notifier.stories.story import StoryItem
from tests.stories.items import NOON, item

TOLD = "Ruling party leads in vote for the parliament of Selvik"
HOUR = timedelta(hours=1)
RESULTS = ["Premier Dorn concedes in Selvik", "Dorn concedes defeat after Selvik vote", "Selvik's Dorn loses power"]


def results(*publishers: str, hours: float = 3) -> list[StoryItem]:
    return [item(10 + i, RESULTS[i % 3], name, hours=hours) for i, name in enumerate(publishers)]


def test_a_result_that_three_outlets_state_is_a_development_in_the_words_of_one() -> None:
    found = development([item(1, TOLD), *results("A", "B", "C")], [TOLD], NOON, NOON + 3 * HOUR)
    assert found is not None
    assert found.status == "defeat"
    assert found.item.title in RESULTS


def test_two_outlets_are_not_enough() -> None:
    assert development([item(1, TOLD), *results("A", "B")], [TOLD], NOON, NOON + 3 * HOUR) is None


def test_what_was_told_or_known_before_is_no_development() -> None:
    later = results("A", "B", "C")
    assert development(later, ["Dorn concedes"], NOON, NOON + 3 * HOUR) is None
    before = item(1, "Dorn loses the vote, early counts say", "Z", hours=-1)
    assert development([before, *later], [TOLD], NOON, NOON + 3 * HOUR) is None


def test_a_name_in_the_place_of_another_is_a_wording_and_one_more_is_a_fact() -> None:
    assert not changed_facts(
        "oil falls on hopes of an end to war in Iran", "oil falls on hopes of an end to war in Asia"
    )
    assert changed_facts("two held after fire in Selvik", "two held after fire in Selvik, among them Dorn") == {
        "name": ["dorn"]
    }


def test_another_form_of_one_status_is_no_new_fact() -> None:
    assert not changed_facts("miner dead in Selvik", "miner killed in Selvik")


def test_a_count_within_what_was_said_is_no_new_fact() -> None:
    assert not changed_facts("hundreds dead in Selvik", "at least 100 dead in Selvik")
    assert changed_facts("hundreds dead in Selvik", "at least 400 dead in Selvik") == {"number": ["400"]}
    assert changed_facts("dozens dead in Selvik", "47 dead in Selvik") == {"number": ["47"]}


def test_of_two_results_the_one_that_most_state_is_told() -> None:
    told = [f"{title}, commission confirms" if n else title for n, title in enumerate(RESULTS)]
    said = [item(10 + n, title, f"Outlet {n}", hours=3) for n, title in enumerate([*told, RESULTS[0] + ", confirmed"])]
    found = development([item(1, TOLD), *said], [TOLD], NOON, NOON + 3 * HOUR)
    assert found is not None
    assert found.status == "defeat"


def test_headlines_that_repeat_each_other_are_alike_and_others_are_not() -> None:
    assert alike("Selvik and Orsk agree 10-day truce", "Orsk says it agrees to a 10-day truce with Selvik")
    assert not alike("Selvik and Orsk agree 10-day truce", "Bridge at Orsk collapses into river")
