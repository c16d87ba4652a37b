"""What an alert is and what changed are its first words, and are within what a screen shows."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.alerts.alert import AlertKind
from notifier.alerts.evidence import Evidence
from notifier.alerts.facts import changed_facts
from notifier.alerts.wording import CHANGE_CHARACTERS, change, label

UPDATE, CORRECTION = AlertKind.UPDATE, AlertKind.CORRECTION


def changed(before: str, title: str, kind: AlertKind = UPDATE, facts: Mapping[str, list[str]] | None = None) -> str:
    return change(kind, title, Evidence(before=before, facts=facts or changed_facts(before, title)))


@pytest.mark.parametrize(
    ("kind", "breaking", "said"),
    [
        (AlertKind.NEW, True, "Breaking"),
        (AlertKind.NEW, False, "News"),
        (UPDATE, True, "Updated"),
        (CORRECTION, False, "Correction"),
        (AlertKind.TEST, False, ""),
    ],
)
def test_an_alert_says_what_it_is(kind: AlertKind, breaking: bool, said: str) -> None:
    assert label(kind, breaking=breaking) == said


@pytest.mark.parametrize(
    ("before", "title", "said"),
    [
        ("Nato command with 8 members opens", "Nato command with 14 members opens", "14 members now, 8 before."),
        ("Eight members join the command", "Fourteen members join the command", "14 members now, 8 before."),
        ("Flood kills 12 in Ilm", "Flood kills 1,014 in Ilm", "1,014 now, 12 before."),
        ("Quake: 8 people killed", "Quake leaves 14 dead", "14 dead now, 8 before."),
        (
            "Ferry aground with 40 aboard",
            "Ferry aground with 52 aboard, all rescued",
            "52 aboard now, 40 before; new: rescued.",
        ),
        ("Quake shakes coast", "Quake shakes coast: 14 people killed", "New: 14 people killed."),
        ("Colombian plane crashes", "Colombian plane crash kills at least 66", "New: kills at least 66."),
        ("169 killed in attack on Ilm", "Toll in attack on Ilm rises to 178", "New: rises to 178."),
        ("Flood kills 12 in Ilm", "Flood kills at least 14 in Ilm", "14 now, 12 before."),
        ("Aid of $5 million for Ilm", "Aid of $12 million for Ilm", "$12 million now, $5 million before."),
        ("Turnout at 41%", "Turnout at 56%", "56% now, 41% before."),
        ("水灾 8人死亡", "水灾 14人死亡", "14人 now, 8人 before."),
        ("水灾 ８人死亡", "水灾 １４人死亡", "14人 now, 8人 before."),
        ("强震造成8人死亡", "强震造成十四人死亡", "十四人 now, 8人 before."),
        ("强震造成八名矿工遇难", "强震造成十四名矿工遇难", "十四名 now, 八名 before."),
        ("山洪致1200人受灾", "山洪致1.4万人受灾", "1.4万人 now, 1200人 before."),
        ("사고로 8명 사망", "사고로 14명 사망", "14명 now, 8명 before."),
        ("مقتل 8 أشخاص", "مقتل 14 أشخاص", "14 أشخاص now, 8 before."),
        ("Minister under fire over the bridge", "Minister resigns over the bridge", "New: resigns."),
        ("Talks in Ilm go on", "Talks in Ilm go on, says Emma Stone", "New: Emma Stone."),
    ],
)
def test_what_changed_is_said_in_the_headlines_own_words(before: str, title: str, said: str) -> None:
    assert changed(before, title) == said


def test_a_correction_says_what_was_wrong() -> None:
    before, after = "Fire kills 12 miners", "Correction: fire kills 10 miners"
    assert changed(before, after, CORRECTION) == "10 miners, not 12."


def test_counts_of_different_things_are_not_held_against_each_other() -> None:
    assert changed("Storm: 30 houses damaged", "Storm: 4 people hurt") == "New: 4 people."


@pytest.mark.parametrize(
    ("before", "title", "said"),
    [
        ("强震造成8人死亡", "强震造成14人受伤", "New: 14人."),
        ("强震致8人死亡20人受伤", "强震致30人受伤14人死亡", "30人 now, 20人 before; 14人 now, 8人 before."),
        ("强震造成14人死亡", "强震造成十四人死亡", ""),
        ("强震造成１４人死亡", "强震造成14人死亡", ""),
        ("4月14日强震8人死亡", "4月15日强震8人死亡", ""),
        ("强震 震级6.1", "强震 数十人死亡", ""),
        ("第14届亚运会开幕", "第15届亚运会开幕", ""),
        ("三星发布新手机", "一带一路三年十大成果", ""),
    ],
)
def test_where_nothing_stands_between_words_no_count_is_made_up(before: str, title: str, said: str) -> None:
    assert changed(before, title) == said


def test_a_ratio_is_not_held_against_a_count() -> None:
    assert changed("Mill to cut 8,000 jobs", "Mill to cut one in 10 jobs") == "New: one in 10 jobs."


def test_what_an_operator_replaced_is_compared_without_being_told_the_facts() -> None:
    assert change(CORRECTION, "Fire kills 10 miners", Evidence(before="Fire kills 12 miners")) == "10 miners, not 12."


def test_a_first_alert_has_changed_nothing() -> None:
    assert change(AlertKind.NEW, "Fire kills 10 miners", Evidence()) == ""


HEADLINES = st.text(
    st.one_of(st.sampled_from("0123456789 ,.%人死亡killed dead"), st.characters(codec="utf-8")), max_size=200
)
FACTS = st.dictionaries(st.sampled_from(["number", "name", "status"]), st.lists(st.text(max_size=40), max_size=9))


@given(HEADLINES, HEADLINES, FACTS, st.sampled_from([UPDATE, CORRECTION]))
def test_whatever_changed_it_is_short(before: str, title: str, facts: Mapping[str, list[str]], kind: AlertKind) -> None:
    for stated in (facts, {}):
        said = changed(before, title, kind, stated)
        assert len(said) <= CHANGE_CHARACTERS
        assert "\n" not in said
