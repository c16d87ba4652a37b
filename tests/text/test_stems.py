"""One stem for a word's inflections, by language, whoever asks."""

from __future__ import annotations

import pytest

from notifier.text.content import names, numbers, stems
from notifier.text.languages import language_tag, primary_language
from notifier.text.stems import stem
from notifier.topics.reading import Text


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "elections", "election"),
        ("cs", "volby", "volba"),
        ("cs-CZ", "prezidenta", "prezident"),
        ("nb", "valgene", "valget"),
        ("ru", "российского", "российский"),
    ],
)
def test_stories_and_topics_stem_a_word_in_its_own_language(language: str, one: str, other: str) -> None:
    assert stems(one, language) == stems(other, language)
    assert Text(one, language=language).body.stems.keys() == Text(other, language=language).body.stems.keys()
    assert stems(one, language) == set(Text(one, language=language).body.stems)


def test_a_language_without_a_stemmer_keeps_its_words() -> None:
    assert stem("elections", "uk") == "elections"
    assert stems("вибори президента", "uk") == {"вибори", "президента"}


def test_a_language_is_told_by_its_tag_and_english_where_there_is_none() -> None:
    assert [primary_language(tag) for tag in ("pt-BR", "cs", None, "")] == ["pt", "cs", "en", "en"]
    assert [language_tag(said) for said in (" EN_gb ", "x", 7, "english!")] == ["en-gb", None, None, None]


def test_a_text_is_about_its_words_but_those_that_every_text_has() -> None:
    assert stems("The votes: a new vote, and 3 voters") == {"vote", "voter", "3"}


def test_a_text_counts_in_digits_and_in_words_and_dates_nothing() -> None:
    assert numbers("Twelve dead and 1,300 hurt in 2026") == {"12", "1300"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("强震造成１４人死亡，１，２００人受伤", {"14", "1200"}),
        ("三百二十人获救", {"320"}),
        ("一万二千人撤离", {"12000"}),
        ("二十多人失踪", {"20"}),
        ("一〇五名乘客", {"105"}),
        ("2026年4月14日15时8分 第3届 第三名", set()),
        ("一人 数十人 几百人 九寨沟 三星", set()),
    ],
)
def test_numbers_are_read_where_no_space_tells_words_apart(text: str, found: set[str]) -> None:
    assert numbers(text) == found


def test_names_have_a_capital_inside_a_sentence() -> None:
    assert names("Mayor of Łódź meets Zoë’s NATO envoy") == {"lodz", "zoe", "nato"}
    assert names("Mayor Meets Envoy Amid Growing Tension") == frozenset()
