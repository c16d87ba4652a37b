from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.text.line import direction, has_words, one_line, shorten


@pytest.mark.parametrize("text", ["Fire", "7", "火", "①", "🔥 Fire", "\u2800a", "ة", "क", "Ⅳ"])
def test_one_letter_or_digit_that_is_drawn_is_a_word(text: str) -> None:
    assert has_words(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "\xa0\u3000\u2003", "\u200b\u200d\u2060\ufeff", "\u2800\u2800", "\u3164", "\uffa0\u115f\u1160"),
        *("\u0301\u0308", "\ufe0f\ufe0e", "\U000e0100", "\u202e\u2066", "\ue000\U000f0000", "\u17b4", "\u034f"),
        *("…", "— ?!", "🔥🔥", "👨\u200d👩", "\ufffd", "\u00ad", "$", "\x00", "\ud800", "\u2028"),
    ],
)
def test_what_shows_nothing_to_read_has_no_words(text: str) -> None:
    assert not has_words(text)


@given(st.text(st.characters(categories=["M", "P", "S", "Z", "C"])))
def test_marks_signs_spaces_and_controls_alone_are_never_words(text: str) -> None:
    assert not has_words(text)


@given(st.text())
def test_nothing_is_left_that_turns_text_round(text: str) -> None:
    assert not set(one_line(f"a{text}\u202e\u2067b")) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_a_long_text_ends_at_a_word() -> None:
    assert shorten("the council votes tonight", 15) == "the council…"


def test_a_long_word_is_cut_inside() -> None:
    assert shorten("x" * 30, 10) == "x" * 9 + "…"


def test_text_is_cut_at_a_word() -> None:
    assert shorten("one two three", 9) == "one two…"
    assert shorten("one two three", 13) == "one two three"
    assert shorten("one, two", 5) == "one…"


def test_text_without_spaces_is_cut_where_it_must_be() -> None:
    assert shorten("東京で大きな地震が発生", 6) == "東京で大き…"


@given(st.text(), st.integers(0, 50))
def test_shortened_text_is_never_longer_than_asked(text: str, characters: int) -> None:
    assert len(shorten(text, characters)) <= characters


def test_a_word_that_just_fits_is_kept() -> None:
    assert shorten("the council votes tonight", 18) == "the council votes…"


@pytest.mark.parametrize(
    "drawn_as_one",
    [
        *("e\u0301\u0323", "👩\u200d👩\u200d👧", "👍🏽", "❤\ufe0f", "🇺🇦", "क्षि", "กำ", "ﾊﾞ", "\u1112\u1161\u11ab"),
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ],
)
def test_nothing_is_cut_within_what_is_drawn_as_one(drawn_as_one: str) -> None:
    text = drawn_as_one * 20
    whole = [drawn_as_one * n + "…" for n in range(20)]
    for limit in range(1, len(text)):
        assert shorten(text, limit) in whole
        assert len(shorten(text, limit)) > limit - len(drawn_as_one)


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("Bridge", "ltr"),
        ("“وقف", "rtl"),
        ("52 מתים", "rtl"),
        ("水灾", "ltr"),
        ("¡123!", "ltr"),
        ("", "ltr"),
        ("Nato وقف", "ltr"),
    ],
)
def test_the_first_letter_says_which_way_a_text_runs(text: str, runs: str) -> None:
    assert direction(text) == runs
