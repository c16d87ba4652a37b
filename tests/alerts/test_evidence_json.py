"""Evidence as JSON: to the byte what has always been stored, and whatever was stored can be read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.alerts.evidence import Author, DropFigures, Evidence, OnHold
from notifier.alerts.evidence_json import evidence_from_json, evidence_to_json
from notifier.alerts.evidence_words import line, sentences
from notifier.stories.breaking import BreakingSignals, RelatedSupport
from notifier.topics.topic import Then

SIGNALS = BreakingSignals(
    sources={"Gazette": 1.0, "Mirror": 0.5},
    weight=2.5,
    special=0.5,
    trades=1,
    needed=2.5,
    within_s=21600.0,
    last_hour=1.0,
    busy=1.07,
    surge=0.9,
    markers={"Gazette": "live: 3 of 4 broke"},
    related=RelatedSupport(1.5, (4,), {"Herald": 1.0}),
)
SIGNALS_STORED = (
    '{"sources": {"Gazette": 1.0, "Mirror": 0.5}, "weight": 2.5, "special": 0.5, "trades": 1, "needed": 2.5, '
    '"within_s": 21600.0, "last_hour": 1.0, "busy": 1.07, "surge": 0.9, '
    '"markers": {"Gazette": "live: 3 of 4 broke"}, "own": 1.5, "related": {"stories": [4], "sources": {"Herald": 1.0}}}'
)
DECIDED = Evidence(breaking=True, signals=SIGNALS, items=(1, 2))
DECIDED_STORED = f'{{"breaking": true, "signals": {SIGNALS_STORED}, "items": [1, 2]'
SENT = Evidence(
    breaking=False,
    signals=BreakingSignals(),
    items=(3,),
    topics={"ships": ["ferry"], "all": []},
    over_budget=("ports",),
    hold=OnHold("It waits.", Then.SEND, let_go=True),
)
SENT_STORED = (
    '{"breaking": false, "signals": {"sources": {}, "weight": 0.0, "special": 0.0, "trades": 0, "needed": 0.0, '
    '"within_s": 0.0, "last_hour": 0.0, "busy": 0.0, "surge": 0.0}, "items": [3], '
    '"topics": {"ships": ["ferry"], "all": []}, "over_budget": ["ports"], '
    '"held": "It waits.", "then": "send", "let_go": true}'
)


@pytest.mark.parametrize(
    ("why", "stored"),
    [
        (Evidence(), "{}"),
        (DECIDED, f"{DECIDED_STORED}}}"),
        (SENT, SENT_STORED),
        (
            Evidence(items=(1,), before="Ferry aground", facts={"number": ["4"], "status": ["dead"]}),
            '{"items": [1], "before": "Ferry aground", "facts": {"number": ["4"], "status": ["dead"]}}',
        ),
        (
            Evidence(Author("Ada", "desk bot"), 7, before="Ferry aground"),
            '{"by hand": "Ada", "token": "desk bot", "replaces": 7, "before": "Ferry aground"}',
        ),
        (
            Evidence(hold=OnHold(then=Then.DROP, nobody_looked="Nobody looked.")),
            '{"then": "drop", "nobody_looked": "Nobody looked."}',
        ),
        (
            Evidence(figures=DropFigures(age_s=0.0, most_s=21600), topics={"ships": ["ferry"]}),
            '{"age_s": 0.0, "most_s": 21600, "topics": {"ships": ["ferry"]}}',
        ),
        (Evidence(figures=DropFigures(gap_s=61.5, least_s=600)), '{"gap_s": 61.5, "least_s": 600}'),
        (Evidence(figures=DropFigures(updates=0)), '{"updates": 0}'),
        (
            Evidence(figures=DropFigures(publisher="Gazette", over_share=["ports"])),
            '{"publisher": "Gazette", "over_share": ["ports"]}',
        ),
        (Evidence(error="ValueError: odd", items=(1,)), '{"error": "ValueError: odd", "items": [1]}'),
        (Evidence(merged_into=3), '{"into": 3}'),
    ],
)
def test_evidence_is_stored_as_it_always_was_and_read_back(why: Evidence, stored: str) -> None:
    assert json.dumps(evidence_to_json(why)) == stored
    assert evidence_from_json(json.loads(stored)) == why


@pytest.mark.parametrize(
    "stored",
    [
        {"breaking": True, "signals": {"sources": {"A": 1.0}, "weight": 1.0, "needed": 3.0, "within_s": 1.0}},
        {"breaking": True, "signals": {"needed": 3, "within_s": 21600.0, "publishers": ["A", "B"]}, "items": [1]},
        {"signals": None, "topics": ["ships"], "then": "wait", "items": 1, "a figure of old": 3.5},
        {"signals": {"sources": ["A"], "weight": None, "topics": {}}},
    ],
)
def test_what_an_earlier_version_stored_stays_as_it_is(stored: dict[str, Any]) -> None:
    why = evidence_from_json(stored)

    assert evidence_to_json(why) == stored
    assert line(why)
    assert sentences(why) or not why.breaking


def test_figures_that_an_earlier_version_did_not_have_are_not_told() -> None:
    known = {"sources": {"A": 1.0}, "weight": 1.0, "needed": 3.0, "publishers": 2}

    ((sentence, behind),) = sentences(evidence_from_json({"breaking": False, "signals": known}))

    assert sentence == "Told by 1 independent source: weight 1 of the 3 that make it breaking"
    assert behind == [("sources: A", "1"), ("weight", "1"), ("needed", "3"), ("publishers", "2")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=6,
)
NAMES = st.sampled_from([*evidence_to_json(DECIDED), *evidence_to_json(SENT), "by hand", "token", "error", "into"])


@given(st.dictionaries(NAMES | st.text(max_size=5), JSON, max_size=6))
def test_no_row_is_too_odd_to_be_read(stored: dict[str, Any]) -> None:
    why = evidence_from_json(stored)
    assert evidence_from_json(evidence_to_json(why)) == why
