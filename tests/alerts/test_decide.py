"""Why a story is sent, held or dropped: one rule a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.alerts.alert import AlertKind, Urgency, goes_by_itself
from notifier.alerts.case import Case, PastAlert, Support
from notifier.alerts.decide import AlertRules, Drop, Hold, Send, Verdict, apart, decide
from notifier.alerts.evidence import Evidence
from notifier.alerts.evidence_words import line
from notifier.stories.breaking import NOT_JUDGED, BreakingSignals, Judgement, RelatedSupport
from notifier.stories.gate import Gated
from notifier.stories.story import Story, StoryItem
from notifier.topics.topic import Fallback, MatchedWord, Then, Topic, TopicMatch, TopicMode
from tests.stories.items import NOON, item

TOPICS = {
    "floods": Topic("floods", "Floods", "", "flood"),
    "breaking": Topic("breaking", "Breaking", "", "", TopicMode.BREAKING, daily_budget=2),
    "courts": Topic("courts", "Courts", "", "court", TopicMode.HELD),
}
RULES = AlertRules(update_gap_s=600, max_updates=2)


def case(*slugs: str, lead: StoryItem | None = None, breaking: bool = False, **given: Any) -> Case:
    lead = lead or item(1, "Flood reaches the town of Ilm")
    story = Story(7, lead, lead.seen_at, lead.seen_at, (lead.publisher,), (lead.id,))
    matches = {slug: TopicMatch(slug, (MatchedWord("title", 0, 5, "Flood"),)) for slug in slugs}
    made = Case(story, (lead,), matches, Judgement(breaking, BreakingSignals(weight=3.0)))
    return replace(made, **given)


def told(title: str = "Flood reaches the town of Ilm", *, minutes_ago: float = 60, **given: Any) -> PastAlert:
    at = NOON - timedelta(minutes=minutes_ago)
    return replace(PastAlert(7, AlertKind.NEW, title, "u", frozenset({"floods"}), False, at), **given)


def judged(made: Case, after: timedelta = timedelta()) -> Verdict:
    return decide(made, TOPICS, RULES, NOON + after)


def finding(*told: PastAlert) -> Callable[[str], Sequence[PastAlert]]:
    """Other stories' alerts that any headline is held against."""
    return lambda _title: told


def code(verdict: Verdict) -> str:
    assert isinstance(verdict, Drop)
    assert verdict.words
    assert verdict.evidence.signals != NOT_JUDGED
    return verdict.code


def test_a_story_of_a_topic_that_wants_every_one_is_sent_with_the_words_that_matched() -> None:
    verdict = judged(case("floods"))
    assert isinstance(verdict, Send)
    assert verdict.alert.kind is AlertKind.NEW
    assert verdict.alert.why.topics == {"floods": ["Flood"]}
    assert (verdict.alert.urgency, verdict.alert.ttl_s) == (Urgency.NORMAL, 43_200)


def test_a_breaking_alert_is_urgent_and_worth_an_hour() -> None:
    verdict = judged(case("breaking", breaking=True))
    assert isinstance(verdict, Send)
    assert (verdict.alert.urgency, verdict.alert.ttl_s) == (Urgency.HIGH, 3600)


def test_a_breaking_topic_waits_until_the_story_breaks() -> None:
    assert code(judged(case("breaking"))) == "not-breaking"


def test_who_follows_the_topic_that_had_it_is_left_out_when_it_breaks() -> None:
    verdict = judged(case("floods", "breaking", breaking=True, past=(told(),)))
    assert isinstance(verdict, Send)
    assert verdict.alert.topics == {"breaking"}
    assert verdict.alert.except_topics == {"floods"}


def test_a_held_topic_waits_for_an_editor_until_it_is_too_old_and_is_never_sent_by_itself() -> None:
    verdict = judged(case("courts"))
    assert isinstance(verdict, Hold)
    assert verdict.alert.hold_until == NOON + timedelta(seconds=RULES.normal_ttl_s)
    assert not goes_by_itself(verdict.alert.hold_until, verdict.alert.why)
    assert verdict.alert.why.hold.words


@pytest.mark.parametrize("then", Then)
def test_what_becomes_of_a_held_alert_that_nobody_looks_at_is_spelled_out_by_its_topic(then: Then) -> None:
    topics = {"courts": replace(TOPICS["courts"], held=Fallback(900, then))}
    verdict = decide(case("courts"), topics, RULES, NOON)
    assert isinstance(verdict, Hold)
    assert verdict.alert.hold_until == NOON + timedelta(minutes=15)
    assert goes_by_itself(verdict.alert.hold_until, verdict.alert.why) == (then is Then.SEND)
    worth_s = RULES.normal_ttl_s + (900 if then is Then.SEND else 0)
    assert verdict.alert.ttl_s == worth_s, "waiting by choice does not make it too old"


def test_followers_of_a_held_topic_wait_though_another_topic_has_the_story_at_once() -> None:
    verdict = judged(case("courts", "floods"))
    assert isinstance(verdict, Send)
    assert verdict.alert.topics == {"floods"}
    assert verdict.alert.why.topics == {"floods": ["Flood"]}
    (held,) = verdict.waiting
    assert (held.topics, held.except_topics) == (frozenset({"courts"}), frozenset({"floods"}))
    assert held.hold_until is not None
    assert [type(part) for part in apart(verdict)] == [Hold, Send]


@pytest.mark.parametrize(("topics", "sent"), [({"courts"}, None), ({"courts", "floods"}, {"floods"})])
def test_updates_and_corrections_of_held_topics_wait_as_well(topics: set[str], sent: set[str] | None) -> None:
    for lead in (
        item(1, "Flood reaches the town of Ilm, 12 dead", version=2),
        item(1, "CORRECTION: Flood reaches the town of Elm", version=2),
    ):
        past = told("Flood reaches the town of Ilm, 3 dead", topics=frozenset(topics))
        verdict = judged(case(*topics, lead=lead, past=(past,)))
        assert isinstance(verdict, Send | Hold)
        assert verdict.alert.kind is not AlertKind.NEW
        everything = [verdict.alert, *verdict.waiting] if isinstance(verdict, Send) else []
        waiting = [verdict.alert, *verdict.waiting] if isinstance(verdict, Hold) else list(verdict.waiting)
        assert all(alert.hold_until for alert in waiting)
        assert "courts" in {slug for alert in waiting for slug in alert.topics}
        assert (everything[0].topics if everything else None) == sent


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["every", "held", "send", "drop"]), min_size=1))
def test_no_held_topic_is_ever_among_those_that_are_sent_at_once(modes: dict[str, str]) -> None:
    fallback = {"send": Fallback(60, Then.SEND), "drop": Fallback(60, Then.DROP)}
    mode = {"every": TopicMode.EVERY}
    topics = {
        slug: Topic(slug, slug, "", "a", mode.get(said, TopicMode.HELD), held=fallback.get(said))
        for slug, said in modes.items()
    }
    verdict = decide(case(*modes), topics, RULES, NOON)
    assert isinstance(verdict, Send | Hold)
    parts = apart(verdict)
    assert sorted(slug for part in parts if not isinstance(part, Drop) for slug in part.alert.topics) == sorted(modes)
    for part in parts:
        assert isinstance(part, Send | Hold)
        by_itself = goes_by_itself(part.alert.hold_until, part.alert.why)
        wanted = {"every"} if isinstance(part, Send) else {"send"} if by_itself else {"held", "drop"}
        assert {modes[slug] for slug in part.alert.topics} <= wanted


def test_nothing_is_sent_without_a_topic() -> None:
    assert code(judged(case())) == "no-topic"


@pytest.mark.parametrize("title", ["", "\u2800", "\u3164\u3164", "…", "🔥", "\ufe0f"])
def test_an_alert_without_words_is_never_sent_nor_held(title: str) -> None:
    blank = item(1, title)
    for made in (case("floods", lead=blank), case("courts", lead=blank), case("breaking", lead=blank, breaking=True)):
        assert code(judged(made)) == "no-words"
    gone = case("floods", lead=blank, past=(told(),))
    assert isinstance(judged(gone), Drop)


def test_what_recurs_is_dropped_by_a_rule_that_is_named() -> None:
    verdict = judged(case("floods", gated=Gated("deals", "best deals")))
    assert code(verdict) == "gated"
    assert isinstance(verdict, Drop)
    assert "deals" in verdict.words


def test_an_operators_never_is_the_last_word() -> None:
    assert code(judged(case("breaking", breaking=True, silenced=True))) == "never"


def test_backlog_alone_never_alerts() -> None:
    lead = item(1, "Flood", may_alert=False)
    assert code(judged(case("floods", lead=lead))) == "backlog"


def test_what_is_older_than_the_rules_allow_is_dropped() -> None:
    assert code(judged(case("floods"), after=timedelta(hours=7))) == "too-old"


def test_a_page_that_says_a_new_date_is_as_old_as_when_it_was_first_seen() -> None:
    dated_anew = item(1, "Flood reaches the town of Ilm", version=2, first_seen_at=NOON - timedelta(hours=7))
    assert code(judged(case("floods", lead=dated_anew))) == "too-old"


def test_a_spent_budget_drops_and_says_so() -> None:
    assert code(judged(case("breaking", breaking=True, spent={"breaking": 2}))) == "budget"


def test_a_spent_budget_of_one_topic_leaves_the_others() -> None:
    verdict = judged(case("breaking", "floods", breaking=True, spent={"breaking": 2}))
    assert isinstance(verdict, Send)
    assert verdict.alert.topics == {"floods"}
    assert verdict.alert.why.over_budget == ("breaking",)


def test_new_words_for_the_same_facts_send_nothing() -> None:
    lead = item(1, "Flood now in the town of Ilm")
    assert code(judged(case("floods", lead=lead, past=(told(),)))) == "no-new-facts"


def test_a_number_that_changed_is_an_update_that_replaces_the_notification() -> None:
    lead = item(1, "Flood reaches the town of Ilm, 4 missing")
    verdict = judged(case("floods", lead=lead, past=(told(),)))
    assert isinstance(verdict, Send)
    assert verdict.alert.kind is AlertKind.UPDATE
    assert verdict.alert.message.tag == "story-7"
    assert verdict.alert.why.facts["number"] == ["4"]


def test_an_update_keeps_a_gap() -> None:
    lead = item(1, "Flood reaches the town of Ilm, 4 missing")
    assert code(judged(case("floods", lead=lead, past=(told(minutes_ago=5),)))) == "too-soon"
    assert isinstance(judged(case("floods", lead=lead, past=(told(minutes_ago=10),))), Send)


def test_updates_of_a_story_come_to_an_end() -> None:
    lead = item(1, "Flood reaches the town of Ilm, 9 missing")
    past = (told(), told(kind=AlertKind.UPDATE), told(kind=AlertKind.UPDATE))
    assert code(judged(case("floods", lead=lead, past=past))) == "updates-spent"


def test_a_live_page_that_moved_on_to_other_news_updates_nothing() -> None:
    lead = item(1, "Markets in Varna fall 3 percent")
    assert code(judged(case("floods", lead=lead, past=(told(),)))) == "moved-on"


def test_a_correction_waits_for_no_gap() -> None:
    lead = item(1, "Correction: flood did not reach the town of Ilm")
    verdict = judged(case("floods", lead=lead, past=(told(minutes_ago=1),)))
    assert isinstance(verdict, Send)
    assert verdict.alert.kind is AlertKind.CORRECTION


def test_a_breaking_topic_is_meant_where_two_publishers_items_match_it() -> None:
    topics = TOPICS | {"world": Topic("world", "World", "", "section:world", TopicMode.BREAKING)}
    made = case("world", breaking=True)
    one, two = (replace(made, support={"world": Support(n)}) for n in (1, 2))
    judgement = Judgement(True, BreakingSignals(weight=3.0, special=0.0, needed=3.0))
    assert code(decide(replace(one, judgement=judgement), topics, RULES, NOON)) == "not-breaking"
    assert isinstance(decide(replace(two, judgement=judgement), topics, RULES, NOON), Send)


def test_what_breaks_by_one_trades_desks_is_for_the_topics_of_their_items() -> None:
    topics = TOPICS | {"films": Topic("films", "Films", "", "film", TopicMode.BREAKING)}
    figures = BreakingSignals(weight=3.0, special=1.0, needed=3.0)
    for trades, special, sent in [(1, False, False), (1, True, True), (2, False, True)]:
        judgement = Judgement(True, replace(figures, trades=trades))
        made = case("films", breaking=True, judgement=judgement, support={"films": Support(2, special=special)})
        assert isinstance(decide(made, topics, RULES, NOON), Send) is sent


def test_what_another_story_said_hours_ago_is_not_said_again() -> None:
    other = told("Flood has reached the town of Ilm", story_id=8)
    assert code(judged(case("floods", recent=finding(other)))) == "repeat"
    by_then, later = (replace(other, decided_at=NOON - timedelta(hours=hours)) for hours in (8, 9))
    assert code(judged(case("floods", recent=finding(by_then)))) == "repeat"
    assert isinstance(judged(case("floods", recent=finding(later))), Send)
    elsewhere = replace(other, topics=frozenset({"courts"}))
    assert isinstance(judged(case("floods", recent=finding(elsewhere))), Send)


def test_who_has_not_heard_of_it_is_told_in_the_words_of_now() -> None:
    old = item(1, "Flood reaches the town of Ilm", hours=-20)
    fresh = item(2, "Dam above Ilm breaks", "Inland Times")
    made = case("floods", "breaking", lead=old, breaking=True, past=(told(),), items=(old, fresh), representative=fresh)
    verdict = judged(made)
    assert isinstance(verdict, Send)
    assert verdict.alert.message.title == "Dam above Ilm breaks"


def helped(**given: Any) -> Case:
    signals = BreakingSignals(weight=3.0, related=RelatedSupport(2.0, (8,), {"C": 1.0}))
    made = Judgement(True, signals, own=2.0, helped=True)
    return case("breaking", breaking=True, judgement=made, **given)


def of_kin(title: str = "Thousands leave their homes", *, hours_ago: float = 3, **given: Any) -> PastAlert:
    return told(title, minutes_ago=60 * hours_ago, story_id=8, topics=frozenset({"breaking"}), **given)


def test_a_story_that_breaks_by_help_says_by_whose() -> None:
    verdict = judged(helped())
    assert isinstance(verdict, Send)
    assert PastAlert.of(verdict.alert).helped_by == {8}
    assert verdict.alert.why.signals.related.sources == {"C": 1.0}
    signals = replace(verdict.alert.why.signals, sources={"A": 1.0, "B": 1.0})
    assert "with possibly related #8: C" in line(Evidence(signals=signals))


def test_a_story_that_breaks_by_help_is_a_repeat_where_its_related_was_told() -> None:
    assert code(judged(helped(related_past=(of_kin(),)))) == "repeat"
    assert code(judged(helped(related_past=(of_kin(hours_ago=16),)))) == "repeat"
    assert isinstance(judged(helped(related_past=(of_kin(hours_ago=20),))), Send)
    assert isinstance(judged(helped(related_past=(replace(of_kin(), topics=frozenset({"floods"})),))), Send)


def test_a_story_that_helped_another_was_told_with_it() -> None:
    with_it = of_kin(hours_ago=20, helped_by=frozenset({7}))
    assert code(judged(case("breaking", breaking=True, related_past=(with_it,)))) == "repeat"


def test_a_story_that_breaks_alone_goes_out_beside_its_related_unless_it_says_the_same() -> None:
    assert isinstance(judged(case("breaking", breaking=True, related_past=(of_kin(),))), Send)
    same = of_kin("Flood reaches Ilm, town hall says")
    assert code(judged(case("breaking", breaking=True, related_past=(same,)))) == "repeat"


def test_an_update_that_another_story_told_is_not_told_again() -> None:
    lead = item(1, "Flood reaches the town of Ilm, 4 missing")
    elsewhere = told("Four missing as flood reaches Ilm", story_id=8)
    assert code(judged(case("floods", lead=lead, past=(told(),), recent=finding(elsewhere)))) == "repeat"
    by_then, related = (replace(elsewhere, decided_at=NOON - timedelta(hours=hours)) for hours in (8, 16))
    assert code(judged(case("floods", lead=lead, past=(told(),), recent=finding(by_then)))) == "repeat"
    assert code(judged(case("floods", lead=lead, past=(told(),), related_past=(related,)))) == "repeat"
    for other in (
        replace(elsewhere, topics=frozenset({"courts"})),
        replace(elsewhere, title="Flood reaches Ilm, two missing"),
        replace(elsewhere, decided_at=NOON - timedelta(hours=10)),
    ):
        assert isinstance(judged(case("floods", lead=lead, past=(told(),), recent=finding(other))), Send)


def test_a_name_that_one_outlet_adds_is_news_once_another_has_it_and_none_had_it_before() -> None:
    lead = item(1, "Flood reaches the town of Ilm on the river Orsk")
    also = item(2, "Town on the Orsk under water", "Inland Times")
    before = item(3, "Rain for days", "Coast Post", hours=-4, summary="The river Orsk has not been so high for years.")
    past = (told(),)
    assert code(judged(case("floods", lead=lead, past=past, items=(lead,)))) == "no-new-facts"
    assert isinstance(judged(case("floods", lead=lead, past=past, items=(lead, also))), Send)
    assert code(judged(case("floods", lead=lead, past=past, items=(lead, also, before)))) == "no-new-facts"


def alone(budget: int, spent: int, match: str = "flood", sources: tuple[str, ...] = ("Harbour Post",)) -> Verdict:
    topics = {"floods": Topic("floods", "Floods", "", match, daily_budget=budget)}
    used = {("floods", "harbour post"): spent}
    signals = Judgement(False, BreakingSignals(dict.fromkeys(sources, 1.0), weight=1.0))
    return decide(case("floods", judgement=signals, spent={"floods": spent}, spent_alone=used), topics, RULES, NOON)


@pytest.mark.parametrize(("budget", "most"), [(1, 1), (2, 1), (3, 2), (5, 4), (8, 6)])
def test_one_publisher_alone_uses_four_fifths_of_a_topics_budget_at_most(budget: int, most: int) -> None:
    assert isinstance(alone(budget, most - 1), Send)
    refused = alone(budget, most)
    assert code(refused) == ("share-spent" if most < budget else "budget")
    if most < budget:
        assert isinstance(alone(budget, most, sources=("Harbour Post", "Gazette")), Send), "others' news still goes"
        assert isinstance(alone(budget, most, match="flood source:harbour"), Send), "the rule is meant for it"
        assert isinstance(refused, Drop)
        assert refused.evidence.figures.publisher == "Harbour Post"
