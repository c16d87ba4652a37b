"""Evidence in words: a sentence for each signal, or all in one line."""

from __future__ import annotations

from notifier.alerts.evidence import Author, DropFigures, Evidence
from notifier.alerts.evidence_words import figures, line, sentences
from notifier.stories.breaking import BreakingSignals, RelatedSupport


def test_evidence_gives_times_in_units_that_people_use() -> None:
    found = {
        "within_s": 21600,
        "breaking": False,
        "signals": {"least_s": 90.0, "sources": ["BBC", "Post"]},
        "items": [1],
    }

    assert figures(found) == [
        ("within", "6 h"),
        ("breaking", "no"),
        ("signals: least", "90 s"),
        ("signals: sources", "BBC, Post"),
    ]


def test_signals_are_sentences_with_figures_behind_them() -> None:
    evidence = Evidence(
        breaking=False,
        signals=BreakingSignals({"BBC": 1.0, "The Verge": 0.5}, weight=1.5, needed=3.0),
        topics={"ships": ["ferry"]},
        figures=DropFigures(age_s=7200),
    )

    (sources, figures), topics, rest = sentences(evidence)

    assert sources == "Told by 2 independent sources: weight 1.5 of the 3 that make it breaking"
    assert ("sources: The Verge", "0.5") in figures
    assert topics == ("Touches ships", [("ships", "by ferry")])
    assert rest[1] == [("age", "2 h")]


def test_what_makes_an_alert_is_told_in_sentences() -> None:
    markers, related = {"A": "live: 3 of 4 broke"}, RelatedSupport(2.0, (3,), {"C": 1.0})
    sources = {"A": 1.0, "B": 1.0}
    why = Evidence(
        breaking=True,
        signals=BreakingSignals(sources, weight=3.0, needed=2.5, surge=2.4, markers=markers, related=related),
        facts={"number": ["4"]},
        before="Ferry aground",
        over_budget=("ships",),
        replaces=7,
    )

    changed, budget, told = sentences(why)

    assert changed == ("Its facts changed: number 4", [("the headline before", "Ferry aground")])
    assert budget == ("Not sent to followers of ships: the daily budget is spent", [])
    assert told[0] == (
        "Told by 2 independent sources: weight 3 of the 2.5 that make it breaking, called so by A (live: 3 of 4 broke)"
        "; 2.4 times as fast as is usual for the hour, with C of the possibly related #3"
    )
    assert line(why).startswith("changed: number 4; told by A, B (weight 3 of 2.5); called so by A (live: 3 of 4")


def test_an_alert_written_by_hand_says_by_whom() -> None:
    assert sentences(Evidence(Author("Ada", "wire bot"))) == [
        ("Written by hand, by Ada", [("through the token", "wire bot")])
    ]


def test_evidence_that_says_nothing_is_told_as_that() -> None:
    assert line(Evidence()) == "no evidence was kept"
    assert sentences(Evidence()) == []


def test_a_headline_before_without_facts_that_changed_is_a_figure() -> None:
    why = Evidence(Author("Ada"), 7, before="Ferry aground", topics={"ships": []})

    assert sentences(why)[1:] == [
        ("Touches ships", [("ships", "takes everything")]),
        ("The decision’s other figures", [("before", "Ferry aground")]),
    ]
