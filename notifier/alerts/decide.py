"""Send, update, correct, hold or drop: the one place that says why a story was alerted, or was not.

Enters: a `Case` (a story, its topics, its breaking judgement, what was sent of it before). Leaves: a `Verdict` with its
evidence; next: the pipeline, which makes the alert's audience. Pure: data and `now` in, decision out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from notifier.alerts.alert import AlertKind, Message, NewAlert, Urgency
from notifier.alerts.case import Case, PastAlert, only_publisher
from notifier.alerts.development import confirmed, development
from notifier.alerts.evidence import NO_FIGURES, DropFigures, Evidence
from notifier.alerts.facts import alike, changed_facts, corrects, overlap, same_subject, states
from notifier.alerts.on_hold import by_mode
from notifier.stories.breaking import RELATED_OVERLAP, BreakingSignals
from notifier.stories.gate import gate
from notifier.stories.story import StoryItem
from notifier.text.line import has_words
from notifier.text.spans import span
from notifier.topics.query import names_sources
from notifier.topics.topic import Topic, TopicMode

DAY = timedelta(days=1)
SHARE_SPENT = "share-spent"
# A breaking topic is meant where so many publishers' items match it: one outlet files much under "world".
LEAST_SUPPORT = 2
# Of a topic's daily budget one publisher may use this share by what nobody else tells: the rest is for others' news.
MOST_OF_ONE = 0.8
# So long another story's alert that said the same keeps a story from being told as new.
REPEAT = timedelta(hours=8)
# So long what was alerted of a story that may tell the same event was told of this one as well.
RELATED_REPEAT = timedelta(hours=16)


@dataclass(frozen=True, slots=True)
class AlertRules:
    """The operator's numbers. Seconds, except where the name says otherwise."""

    max_age_s: float = 6 * 3600
    update_gap_s: float = 600
    max_updates: int = 3
    breaking_ttl_s: int = 3600
    normal_ttl_s: int = 43_200


@dataclass(frozen=True, slots=True)
class Send:
    """To be sent now; `alert.kind` says whether it is new, an update or a correction.

    `waiting` are the same words for held topics, which do not go before an editor lets them.
    """

    alert: NewAlert
    waiting: tuple[NewAlert, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """To be shown to an editor. What becomes of it at `alert.hold_until` its `why` says (alerts/on_hold.py).

    `waiting` are the same words for held topics whose alerts wait in another way.
    """

    alert: NewAlert
    waiting: tuple[NewAlert, ...] = ()


@dataclass(frozen=True, slots=True)
class Drop:
    """Not sent. `code` is stable, `words` are for a person."""

    story_id: int
    code: str
    words: str
    evidence: Evidence


Verdict = Send | Hold | Drop


def decide(case: Case, topics: Mapping[str, Topic], rules: AlertRules, now: datetime) -> Verdict:
    """What becomes of a changed story. `topics` are all there are, by slug.

    Whatever is to be sent, first or as an update, waits for an editor where its topics are held.
    """
    verdict = _decide(case, topics, rules, now)
    if isinstance(verdict, Send | Hold) and not has_words(verdict.alert.message.title):
        return _drop(case, "no-words", "Its headline has no words: a screen would show nothing that can be read.")
    if not isinstance(verdict, Send):
        return verdict
    at_once, waiting = by_mode(verdict.alert, topics, now)
    return Hold(waiting[0], waiting[1:]) if at_once is None else Send(at_once, waiting)


def apart(verdict: Verdict) -> tuple[Verdict, ...]:
    """One verdict for each alert: what waits beside it, then the verdict itself."""
    if isinstance(verdict, Drop):
        return (verdict,)
    return (*map(Hold, verdict.waiting), replace(verdict, waiting=()))


def _decide(case: Case, topics: Mapping[str, Topic], rules: AlertRules, now: datetime) -> Verdict:
    if case.silenced:
        return _drop(case, "never", "An operator said never.")
    if case.gated is not None:
        return _drop(case, "gated", f"Recurring, not news: rule {case.gated.rule} found {case.gated.found!r}.")
    told = frozenset[str]().union(*(p.topics for p in case.past))
    wanted = {slug for slug in case.matches if slug in topics and _mode_lets(topics[slug], case)} - told
    if wanted:
        return _alert(case, wanted, told, topics, rules, now)
    if case.past:
        return _follow_up(case, rules, now)
    if not case.matches:
        return _drop(case, "no-topic", "No topic matches it.")
    return _drop(case, "not-breaking", "Its topics want breaking stories only, and this one is not.")


def _mode_lets(topic: Topic, case: Case) -> bool:
    """Breaking is a matter of several: that it breaks, and that it is of this topic.

    What breaks only because one trade's desks tell it (films, sport, gadgets) is for the topics that their items are
    of; what two trades tell is not one trade's own affair.
    """
    if topic.mode is not TopicMode.BREAKING:
        return True
    support = case.support.get(topic.slug)
    if support is None or not case.judgement.breaking:
        return case.judgement.breaking
    return support.publishers >= LEAST_SUPPORT and (case.judgement.signals.is_general or support.special)


def _alert(
    case: Case, wanted: set[str], told: frozenset[str], topics: Mapping[str, Topic], rules: AlertRules, now: datetime
) -> Verdict:
    """The first alert of a story for the topics that are wanted."""
    lead = case.reporter
    if not any(item.may_alert for item in case.items):
        return _drop(case, "backlog", "All of it was there before its feed was followed, or resurfaced.")
    age_s = (now - min(lead.published_at or lead.first_seen, lead.first_seen)).total_seconds()
    if age_s > rules.max_age_s:
        return _drop(case, "too-old", f"It is {span(age_s)} old.", DropFigures(age_s=age_s, most_s=rules.max_age_s))
    said = {s: p.title for p in _told_hours_ago(case, lead, now) for s in wanted & p.topics}
    wanted = wanted - set(said)
    if not wanted:
        return _drop(case, "repeat", "Another story's alert said the same hours ago.", before=next(iter(said.values())))
    over = {s for s in wanted if (most := topics[s].daily_budget) is not None and case.spent.get(s, 0) >= most}
    if over == wanted:
        slugs = tuple(sorted(over))
        return _drop(case, "budget", f"The daily budget of {', '.join(slugs)} is spent.", over_budget=slugs)
    crowding = {s for s in wanted - over if _is_share_spent(case, topics[s], lead)}
    if over | crowding == wanted:
        words = f"{lead.publisher} alone has used its share of the daily budget of {', '.join(sorted(crowding))}."
        return _drop(case, SHARE_SPENT, words, DropFigures(publisher=lead.publisher, over_share=sorted(crowding)))
    over |= crowding
    sent = frozenset(wanted - over)
    words_of = {s: [w.text for w in case.matches[s].words] for s in sorted(sent)}
    why = replace(_why(case), topics=words_of, over_budget=tuple(sorted(over)))
    return Send(_new_alert(case, AlertKind.NEW, lead, sent, why, rules, now, told))


def _is_share_spent(case: Case, topic: Topic, lead: StoryItem) -> bool:
    """Whether a story that one publisher alone tells would take more of a topic's budget than is one publisher's.

    What several tell is nobody's doing. A topic whose rule names its sources is meant to be theirs.
    """
    if topic.daily_budget is None or not (who := only_publisher(case.judgement.signals, lead.publisher)):
        return False
    most = max(1, math.floor(topic.daily_budget * MOST_OF_ONE))
    return case.spent_alone.get((topic.slug, who), 0) >= most and not names_sources(topic.match)


def _told_hours_ago(case: Case, lead: StoryItem, now: datetime) -> list[PastAlert]:
    """Other stories' alerts that told this one: in like words, or of an event that is possibly the same.

    A story that helped another one to break was told with it. One that breaks by help itself has nothing to add to what
    its related stories told hours ago, nor on the same day to what they told in part in the same words.
    """
    found = [p for p in case.recent(lead.title) if now - p.decided_at <= REPEAT and alike(p.title, lead.title)]
    for past in case.related_past:
        age = now - past.decided_at
        echo = overlap(past.title, lead.title) >= RELATED_OVERLAP
        with_it = case.story.id in past.helped_by or (case.judgement.helped and echo)
        if age <= (DAY if with_it else RELATED_REPEAT) and (with_it or echo or case.judgement.helped):
            found.append(past)
    return found


def _follow_up(case: Case, rules: AlertRules, now: datetime) -> Verdict:
    """A story that was alerted has changed: do its facts?"""
    last = case.past[-1]
    current = case.story.lead
    told = frozenset[str]().union(*(p.topics for p in case.past))
    if corrects(last.title, current.title):
        why = replace(_why(case), before=last.title)
        return Send(_new_alert(case, AlertKind.CORRECTION, current, told, why, rules, now))
    came = development(case.items, [p.title for p in case.past], last.decided_at, now)
    if came is not None:
        facts: Mapping[str, list[str]] = {"status": [came.status]}
        return _update(case, came.item, told, facts, came.judgement.signals, rules, now)
    if not same_subject(last.title, current.title):
        return _drop(case, "moved-on", "The page that was alerted tells something else now.", before=last.title)
    changed = {} if gate(current) else dict(changed_facts(last.title, current.title))
    if "name" in changed or "status" in changed:
        changed = confirmed(changed, case.items, current, last.decided_at)
    if not changed:
        return _drop(case, "no-new-facts", "It was alerted, and its headline states nothing new.")
    return _update(case, current, told, changed, case.judgement.signals, rules, now)


def _update(
    case: Case,
    item: StoryItem,
    told: frozenset[str],
    facts: Mapping[str, list[str]],
    signals: BreakingSignals,
    rules: AlertRules,
    now: datetime,
) -> Verdict:
    """The update in this item's words, unless it comes too soon or once too often."""
    last = case.past[-1]
    gap_s = (now - last.decided_at).total_seconds()
    if gap_s < rules.update_gap_s:
        figures = DropFigures(gap_s=gap_s, least_s=rules.update_gap_s)
        return _drop(case, "too-soon", "An update so soon would only annoy.", figures)
    said = next((p.title for p in _elsewhere(case, item, told, now) if _tells(p.title, item.title, facts)), None)
    if said is not None:
        return _drop(case, "repeat", "Another story's alert said the same hours ago.", before=said)
    updates = _most_updates(case.past)
    if updates >= rules.max_updates:
        return _drop(case, "updates-spent", f"It was updated {updates} times already.", DropFigures(updates=updates))
    why = replace(_why(case), signals=signals, before=last.title, facts=facts)
    return Send(_new_alert(case, AlertKind.UPDATE, item, told, why, rules, now))


def _most_updates(past: Sequence[PastAlert]) -> int:
    """How many updates the followers of one topic had: one that went in parts is one to each of them."""
    had = Counter(slug for alert in past if alert.kind is AlertKind.UPDATE for slug in alert.topics)
    return max(had.values(), default=0)


def _elsewhere(case: Case, item: StoryItem, topics: frozenset[str], now: datetime) -> list[PastAlert]:
    """What was told of other stories in the last hours in words like the item's, to all who follow these topics."""
    recent = [past for past in case.recent(item.title) if now - past.decided_at <= REPEAT]
    recent += [past for past in case.related_past if now - past.decided_at <= RELATED_REPEAT]
    return [past for past in recent if topics <= past.topics]


def _tells(told: str, title: str, facts: Mapping[str, Sequence[str]]) -> bool:
    """A headline that was sent states these facts, and of the same matter."""
    return states(told, facts) and same_subject(told, title)


def _new_alert(
    case: Case,
    kind: AlertKind,
    lead: StoryItem,
    topics: frozenset[str],
    why: Evidence,
    rules: AlertRules,
    now: datetime,
    except_topics: frozenset[str] = frozenset(),
) -> NewAlert:
    message = Message(
        title=lead.title,
        body=lead.summary,
        url=lead.url,
        publisher=lead.publisher,
        published_at=lead.published_at or lead.first_seen,
        tag=f"story-{case.story.id}",
        image_url=lead.image_url,
    )
    breaking = case.judgement.breaking
    return NewAlert(
        story_id=case.story.id,
        kind=kind,
        message=message,
        topics=topics,
        breaking=breaking,
        urgency=Urgency.HIGH if breaking else Urgency.NORMAL,
        ttl_s=rules.breaking_ttl_s if breaking else rules.normal_ttl_s,
        why=why,
        decided_at=now,
        except_topics=except_topics,
        published_at=_published_at(case) if kind is AlertKind.NEW else None,
        fetched_at=case.story.first_seen_at if kind is AlertKind.NEW else lead.seen_at,
    )


def _published_at(case: Case) -> datetime | None:
    """When the first outlet had it; a time after we fetched it is a wrong clock's."""
    earliest = min((item.published_at for item in case.items if item.published_at is not None), default=None)
    return None if earliest is None else min(earliest, case.story.first_seen_at)


def _why(case: Case) -> Evidence:
    return Evidence(breaking=case.judgement.breaking, signals=case.judgement.signals, items=case.story.item_ids)


def _drop(
    case: Case,
    code: str,
    words: str,
    figures: DropFigures = NO_FIGURES,
    *,
    before: str = "",
    over_budget: tuple[str, ...] = (),
) -> Drop:
    why = replace(_why(case), figures=figures, before=before, over_budget=over_budget)
    return Drop(case.story.id, code, words, why)
