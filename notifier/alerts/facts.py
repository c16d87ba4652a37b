"""What a headline states, so that an edit can be told from a change of facts.

Enters: two headlines. Leaves: the numbers, names and statuses that the newer one has and the older one lacks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from notifier.text.content import names, numbers, stems
from notifier.text.content import overlap as shared
from notifier.text.tokens import tokens, words

# The share of the shorter headline's stems that both must have.
SAME_SUBJECT = 0.4
# The share of stems, of the mean length of both, at which a headline repeats another.
ALIKE = 0.6
# What can become of somebody or something, with the forms in which headlines say it. Two forms of one status are one
# fact: "dead" for "killed" is no news.
STATUSES = {
    "death": "dead death deaths dies died killed killing kills toll",
    "injury": "wounded wounds injured injures",
    "arrest": "arrested arrests detained detains",
    "charge": "charged charges indicted indicts",
    "conviction": "convicted convicts",
    "acquittal": "acquitted acquits",
    "sentence": "sentenced jailed jails",
    "resignation": "resigns resigned quits ousted ousts sacked sacks fired",
    "victory": "elected wins won victory landslide",
    "defeat": "loses lost concedes conceded defeated defeat",
    "truce": "ceasefire truce",
    "evacuation": "evacuated evacuates evacuation",
    "missing": "missing",
    "rescue": "rescued rescues rescue found",
    "confirmation": "confirmed confirms",
    "denial": "denies denied",
    "ban": "suspended suspends banned bans",
    "release": "released freed frees",
}
STATUS_OF = {form: status for status, forms in STATUSES.items() for form in words(forms)}
# Counts that say less than any other, and the least that they say.
VAGUE = {"dozens": 24, "hundreds": 200}
CORRECTION = re.compile(r"\b(?:correction|corrected|corrects|clarification|retracts?|retracted)\b", re.IGNORECASE)


def changed_facts(before: str, after: str) -> Mapping[str, list[str]]:
    """What `after` states and `before` does not, by kind (`number`, `name`, `status`); empty if only words changed.

    A name is a new fact where it is added to those that were there; put in the place of one, it is another wording
    ("Middle East war" for "Iran war") or other news.
    """
    old, new = _facts(before), _facts(after)
    new["name"] -= frozenset(tokens(before))  # a capital at a headline's start is no sign of a name
    vague = VAGUE.keys() & frozenset(tokens(before))
    if old["number"] | vague:
        new["number"] -= VAGUE.keys()
    if vague:  # "at least 100" after "hundreds" says less, not more
        least = min(VAGUE[word] for word in vague)
        new["number"] = frozenset(number for number in new["number"] if _value(number) >= least)
    found = {kind: sorted(new[kind] - old[kind]) for kind in new}
    if not old["name"] <= new["name"] | frozenset(tokens(after)):
        found["name"] = []
    return {kind: values for kind, values in found.items() if values}


def corrects(before: str, after: str) -> bool:
    """The outlet says itself that it was wrong."""
    return bool(CORRECTION.search(after)) and not CORRECTION.search(before)


def same_subject(before: str, after: str) -> bool:
    """The newer headline still speaks of what the older one did: a live page at one address moves on to other news."""
    old, new = stems(before), stems(after)
    return len(old & new) >= SAME_SUBJECT * min(len(old), len(new))


def alike(before: str, after: str) -> bool:
    """The two headlines say the same in other words, whatever stories they are filed under."""
    return overlap(before, after) >= ALIKE


def overlap(before: str, after: str) -> float:
    """The share of stems that two headlines have in common, 0 to 1."""
    return shared(stems(before), stems(after))


def states(title: str, facts: Mapping[str, Sequence[str]]) -> bool:
    """The headline states all of these facts (by kind, as `changed_facts` gives them)."""
    found = _facts(title)
    return all(found[kind].issuperset(values) for kind, values in facts.items())


def statuses(title: str) -> frozenset[str]:
    """What a headline says has become of somebody or something: keys of `STATUSES`."""
    return frozenset(STATUS_OF[token] for token in tokens(title) if token in STATUS_OF)


def _facts(title: str) -> dict[str, frozenset[str]]:
    return {"number": numbers(title), "name": names(title), "status": statuses(title)}


def _value(number: str) -> float:
    try:
        return float(number)
    except ValueError:  # a date or a version
        return 0.0
