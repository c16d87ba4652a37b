"""Folding: what is one word and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.topics.fold import LEXEME, fold, read, spellings


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("NATO", "nato"),
        ("Élysée", "elysee"),
        ("Ærøskøbing", "aeroskobing"),
        ("Łódź", "lodz"),
        ("\uff2e\uff21\uff34\uff2f", "nato"),  # full width
        ("Straße", "strasse"),
        ("ИСТОРИЙ", "историй"),
        ("ещё", "еще"),
        ("İstanbul", "istanbul"),
        ("co\u00adop", "coop"),
    ],
)
def test_case_accents_and_invisible_characters_do_not_count(written: str, folded: str) -> None:
    assert fold(written) == folded


@settings(deadline=None)
@given(st.text(max_size=12))
def test_any_text_is_cut_and_folded_without_harm(text: str) -> None:
    for match in LEXEME.finditer(text):
        for piece in read(match.group(), "en", True):
            assert 0 <= piece.start < piece.end <= len(match.group())
            assert piece.first <= piece.last


@pytest.mark.parametrize(
    ("written", "runs"),
    [
        ("Nato", (("nato",),)),
        ("anti-war", (("anti", "war"), ("antiwar",))),
        ("U.S.", (("u.s.",),)),
        ("北京", (("北", "京"),)),
        ("rock’n’roll", (("rocknroll",),)),
        ("—", ()),
    ],
)
def test_a_rule_s_word_has_these_spellings(written: str, runs: tuple[tuple[str, ...], ...]) -> None:
    assert spellings(written) == runs


def test_a_text_s_word_is_found_under_each_of_its_forms() -> None:
    assert {piece.form for piece in read("Trump’s", "en", True)} == {"trump", "trumps"}
    assert {piece.form for piece in read("l’Ukraine", "fr", True)} == {"lukraine", "ukraine"}
    assert {piece.form for piece in read("US-led", "en", True)} == {"us", "u.s.", "led", "usled"}
    assert {piece.form for piece in read("US-led", "en", False)} == {"us", "led", "usled"}
