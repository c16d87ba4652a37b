"""What a rule finds in real spelling: inflection, accents, apostrophes, hyphens, acronyms, scripts without spaces."""

from __future__ import annotations

import unicodedata

import pytest

from notifier.topics.evaluate import evaluate
from notifier.topics.query import parse
from notifier.topics.reading import Text


def found(rule: str, text: Text | str) -> list[str] | None:
    """The words that make the rule true, as they stand in the text."""
    words = evaluate(parse(rule).tree, Text(text) if isinstance(text, str) else text)
    return None if words is None else [word.text for word in words]


@pytest.mark.parametrize(
    ("rule", "title", "words"),
    [
        ("election", "Elections near", ["Elections"]),
        ("=election", "Elections near", None),
        ("=election", "The ELECTION nears", ["ELECTION"]),
        ("=Trump", "Trump’s card trumps", ["Trump’s"]),
        ("kyiv", "Kyïv holds", ["Kyïv"]),
        ("Kyïv", "Kyiv holds", ["Kyiv"]),
        ("dont", "Don't go", ["Don't"]),
        ("don’t", "Dont go", ["Dont"]),
        ("obrien", "O’Brien wins", ["O’Brien"]),
        ("anti-war", "An anti war march", ["anti war"]),
        ("antiwar", "An anti-war march", ["anti-war"]),
        ("anti-war", "An antiwar march", ["antiwar"]),
        ("war", "An anti-war march", ["war"]),
        ('"anti-war march"', "An antiwar march", ["antiwar march"]),
        ("AT&T", "AT&T cuts", ["AT&T"]),
        ("U.S.", "US troops tell us", ["US"]),
        ("U.S.", "The U.S.-led force", ["U.S."]),
        ("U.S.", "They told us", None),
        ("U.S.", "THEY TOLD US", None),
        ("us", "US troops", ["US"]),
        ("strasse", "Die Straße ist frei", ["Straße"]),
        ("elect*", "Electoral reform and electricity", ["Electoral", "electricity"]),
        ('"climat* change"', "Climatic changes", ["Climatic changes"]),
        ('"climate change"', "Change the climate", None),
        ('="climate change"', "Climate changes", None),
        ("nato NEAR/2 russia", "Nato warns Russia", ["Nato", "Russia"]),
        ("russia NEAR/2 nato", "Nato warns Russia", ["Nato", "Russia"]),
        ("nato NEAR/1 russia", "Nato warns Russia", None),
        ("(nato OR eu) NEAR/2 (russia OR china)", "The EU and China", ["EU", "China"]),
    ],
)
def test_words_are_found_however_they_are_spelt(rule: str, title: str, words: list[str] | None) -> None:
    assert found(rule, title) == words


@pytest.mark.parametrize(
    ("rule", "title", "words"),
    [
        ("首相", "日本の首相が訪米", ["首相"]),
        ("北京", "我在北京市", ["北京"]),
        ("京市", "我在北京市", ["京市"]),
        ("国会", "中国。会议", None),
        ("ไทย", "ประเทศไทยวันนี้", ["ไทย"]),
        ("나토", "나토가 회의를", ["나토"]),
        ('"북한 미사일"', "북한 미사일 발사", ["북한 미사일"]),
        ("NATO首脳", "今日NATO首脳会議", ["NATO首脳"]),
    ],
)
def test_scripts_without_spaces_are_matched_by_substring(rule: str, title: str, words: list[str] | None) -> None:
    assert found(rule, Text(title, language="ja")) == words


@pytest.mark.parametrize(
    ("rule", "title", "language", "words"),
    [
        ("élection", "Les elections", "fr", ["elections"]),
        ("elections", "L’élection", "fr", ["L’élection"]),
        ("ukraine", "La guerre d'Ukraine", "fr", ["d'Ukraine"]),
        ("wahlen", "Die Wahl", "de", ["Wahl"]),
        ("wahlen", "Die Wahl", "en", None),
        ("выборы", "На выборах", "ru", ["выборах"]),
        ("elections", "An election", None, ["election"]),
        ("elections", "An election", "xx", None),
        ("elections", "An election", "en-GB", ["election"]),
        ("हिन्दी", "आज हिन्दी दिवस", "hi", ["हिन्दी"]),
    ],
)
def test_the_item_s_language_says_what_an_inflection_is(
    rule: str, title: str, language: str | None, words: list[str] | None
) -> None:
    assert found(rule, Text(title, language=language)) == words


def test_composed_and_decomposed_accents_are_one() -> None:
    title = unicodedata.normalize("NFD", "Élysée déménage")
    assert found("elysee", title) == [unicodedata.normalize("NFD", "Élysée")]


STORY = Text("Storm hits coast", "Nato sends ships", source="The Morning Post", section="world", language="en-GB")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("title:storm", ["Storm"]),
        ("title:nato", None),
        ("title:(storm OR nato)", ["Storm"]),
        ("nato section:world", ["Nato", "world"]),
        ("section:sport", None),
        ('source:"morning post"', ["Morning Post"]),
        ("source:morning", ["Morning"]),
        ("source:storm", None),
        ("lang:en", []),
        ("lang:en-gb", []),
        ("lang:(fr OR de)", None),
        ("storm -source:post", None),
        ("storm -source:guardian", ["Storm"]),
        ('"coast nato"', None),
        ("coast NEAR/5 nato", None),
        ('storm OR "storm hits"', ["Storm hits"]),
    ],
)
def test_fields_ask_their_own_words_only(rule: str, words: list[str] | None) -> None:
    assert found(rule, STORY) == words


def test_a_story_without_a_language_is_taken_for_english() -> None:
    assert found("storm lang:en", Text("Storms")) == ["Storms"]
