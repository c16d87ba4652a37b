"""The words that an alert begins with on a screen: what it is, and what changed since the last one of its story.

Enters: an alert's kind and its evidence. Leaves: "Breaking", "Updated"; "14 members now, 8 before." They are in one
place, here: the service worker and the pages only put a time and a publisher beside them. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from notifier.alerts.alert import AlertKind
from notifier.alerts.evidence import Evidence
from notifier.alerts.facts import STATUS_OF, changed_facts
from notifier.text.content import COUNTED_UNSPACED, STOP, numbers, plain_digits, stems
from notifier.text.line import shorten
from notifier.text.tokens import SPELLED, is_spaceless, tokens, words

# Firefox shows some 200 characters of a body: these and the first line are within them, with room to spare.
CHANGE_CHARACTERS = 100
_TITLES = {AlertKind.NEW: "News", AlertKind.UPDATE: "Updated", AlertKind.CORRECTION: "Correction"}
_UNITS = words("million billion trillion bn mn m percent pc km kg mph degrees")
_EDGES = "\"'“”‘’«»„()[]{}.,;:!?…—–-"
_ends_with_mark = re.compile(r"[.,;:!?…][\"'”’»)]*$").search
_RATIO = "one in "
_APPROXIMATELY = stems("at least nearly almost around over about roughly than")
LONGEST_LEAD = 4
_PEOPLE = "人名位"


@dataclass(frozen=True, slots=True)
class _Counted:
    """Something that a headline counts: "14" "members". `lead` are the words before: "kills at least".

    Where no space tells words apart, the counter is the amount's last letter ("14人"), and `unspaced` what follows it.
    """

    amount: str
    noun: str = ""
    lead: str = ""
    unspaced: str | None = None

    @property
    def values(self) -> frozenset[str]:
        return numbers(self.amount)

    def __str__(self) -> str:
        return f"{self.amount} {self.noun}" if self.noun else f"{self.lead} {self.amount}".lstrip()


def label(kind: AlertKind, *, breaking: bool) -> str:
    """What an alert is, in a word; "" for one that is no news."""
    return "Breaking" if breaking and kind is AlertKind.NEW else _TITLES.get(kind, "")


def change(kind: AlertKind, title: str, why: Evidence) -> str:
    """What `title` states and the last alert of its story did not, as a short sentence; "" where nothing is known.

    `why` is the alert's evidence, whose `facts` are the new ones where they decided that it was sent.
    """
    if not why.before:
        return ""
    facts = why.facts or changed_facts(why.before, title)
    grown, single = _amounts(kind, why.before, title, facts.get("number", ()))
    fresh = single + _named(title, facts.get("name", ()))
    fresh += [
        word for word in _became(title, facts.get("status", ())) if word not in " ".join(grown + single).casefold()
    ]
    text = "; ".join([*grown, *([f"new: {', '.join(dict.fromkeys(fresh))}"] if fresh else [])])
    return shorten(f"{text[:1].upper()}{text[1:]}", CHANGE_CHARACTERS - 1) + "." if text else ""


def _amounts(kind: AlertKind, before: str, title: str, new: Sequence[str]) -> tuple[list[str], list[str]]:
    """The counts that took the place of others, with those; and the counts that took none's."""
    form = "{}, not {}" if kind is AlertKind.CORRECTION else "{} now, {} before"
    gone = [old for old in _counted(before) if not old.values <= numbers(title)]
    fresh = [one for one in _counted(title) if one.values & set(new)]
    grown, single = [], []
    for one in fresh:
        peer = next((old for old in gone if _alike(one, old, alone=len(gone) == len(fresh) == 1)), None)
        if peer is None:
            single.append(str(one))
        else:
            gone.remove(peer)
            grown.append(form.format(f"{one.amount} {one.noun}".rstrip(), peer.amount))
    return grown, single


def _alike(one: _Counted, other: _Counted, *, alone: bool) -> bool:
    """Whether both count the same, by the word behind ("dead" is "killed") or the one before."""
    if one.amount.startswith(_RATIO) != other.amount.startswith(_RATIO):
        return False
    if one.unspaced is not None or other.unspaced is not None:
        same = one.amount[-1] == other.amount[-1] or (one.amount[-1] in _PEOPLE and other.amount[-1] in _PEOPLE)
        return same and one.unspaced == other.unspaced
    if one.noun and other.noun:
        return _is_one(one.noun, other.noun)
    return bool(one.lead and _is_one(one.lead, other.lead)) or (alone and not one.noun and not other.noun)


def _is_one(a: str, b: str) -> bool:
    statuses = {STATUS_OF[token] for token in tokens(a) if token in STATUS_OF}
    return bool(stems(a) & stems(b)) or any(STATUS_OF.get(token) in statuses for token in tokens(b))


def _counted(title: str) -> list[_Counted]:
    """Everything that a headline counts, in its order."""
    spelled = plain_digits(title).split()
    found = []
    for i, word in enumerate(spelled):
        if not numbers(word):
            continue
        if any(map(is_spaceless, word)):
            found += [
                _Counted(one.group(), unspaced=word[one.end() : one.end() + 2])
                for one in COUNTED_UNSPACED.finditer(word)
            ]
            continue
        after = [_bare(other) for other in spelled[i + 1 : i + 4]]
        amount = _bare(word) if not _bare(word).isalpha() else min(numbers(word))
        if after and after[0].casefold() in _UNITS:
            amount = f"{amount} {after.pop(0)}"
        if " ".join(spelled[max(0, i - 2) : i]).casefold() == _RATIO.strip():
            amount = f"{_RATIO}{amount}"
        noun = "" if _ends_with_mark(word) else _noun(after)
        found.append(_Counted(amount, noun, _lead(spelled[:i])))
    return found


def _noun(after: Sequence[str]) -> str:
    """What is counted, by the words behind: "people killed"; "" where they do not say."""
    if not after or not after[0].isalpha() or after[0].casefold() in STOP:
        return ""
    told = len(after) > 1 and STATUS_OF.get(after[1].casefold())
    return f"{after[0]} {after[1]}" if told else after[0]


def _lead(before: Sequence[str]) -> str:
    """From the last word that says something: "rises to more than"."""
    said = [i for i, word in enumerate(before) if stems(word) - _APPROXIMATELY]
    return " ".join(before[said[-1] :]) if said and len(before) - said[-1] <= LONGEST_LEAD else ""


def _bare(word: str) -> str:
    return word.strip(_EDGES)


def _named(title: str, names: Sequence[str]) -> list[str]:
    """Names as the headline spells them, those that stand beside each other as one."""
    found: list[str] = []
    end = -1
    for match in SPELLED.finditer(title):
        if not set(tokens(match.group())) & set(names):
            continue
        if found and title[end : match.start()] == " ":
            found[-1] += f" {match.group()}"
        else:
            found.append(match.group())
        end = match.end()
    return found


def _became(title: str, statuses: Sequence[str]) -> list[str]:
    """What became of somebody, in the headline's own word for it."""
    told = {STATUS_OF[token]: token for token in reversed(tokens(title)) if token in STATUS_OF}
    return [told[status] for status in statuses if status in told]
