"""Under which forms a word is found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.text.tokens import LEXEME
from notifier.topics.forms import read, spellings


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
