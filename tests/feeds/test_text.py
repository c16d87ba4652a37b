from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.text import has_words, one_line, plain, shorten


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("Fish &amp; chips", "Fish & chips"),
        ("Fish &amp;amp; chips", "Fish &amp; chips"),
        ("<b>Storm</b> hits <i>coast</i>", "Storm hits coast"),
        ("<p>One.</p><p>Two.</p>", "One. Two."),
        ("One<br>Two<br/>Three", "One Two Three"),
        ("<ul><li>a</li><li>b</li></ul>", "a b"),
        ("&lt;p&gt;escaped twice&lt;/p&gt;", "escaped twice"),
        ("It&#8217;s caf&eacute; time", "It’s café time"),
        ("two\n\t lines\xa0 here", "two lines here"),
        ("<script>alert(1)</script>News", "News"),
        ("<style>p{}</style>News<iframe src=x>y</iframe>", "News"),
        ("nul\x00bell\x07del\x7fzero\u200bwidth\ufeff", "nulbelldelzerowidth"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("spoof\u202egnp.exe", "spoofgnp.exe"),
        ("left \u2067open\u2066 isolates\u2069", "left open isolates"),
        ("soft\u00adhyphen and word\u2060joiner", "softhyphen and wordjoiner"),
        ("tags\U000e0041\U000e0001", "tags"),
        ("cafe\u0301", "café"),
        ("<img src='a.jpg' alt='x'>Text", "Text"),
        ("unclosed <b>tag", "unclosed tag"),
        ("", ""),
    ],
)
def test_markup_becomes_one_line_that_a_person_can_read(markup: str, text: str) -> None:
    assert plain(markup, limit_chars=500) == text


@pytest.mark.parametrize("text", ["x<y and y>z", "a < b", "<3 for the team", "C++ vector<int> wins"])
def test_text_that_is_declared_plain_keeps_what_only_looks_like_a_tag(text: str) -> None:
    assert plain(text, limit_chars=500, is_html=False) == text


def test_well_known_tags_are_stripped_even_where_plain_text_is_declared() -> None:
    assert plain("<em>Live</em>: the vote", limit_chars=500, is_html=False) == "Live: the vote"


def test_joiners_that_persian_and_emoji_need_are_kept() -> None:
    assert plain("می\u200cخواهم 👨\u200d👩", limit_chars=500) == "می\u200cخواهم 👨\u200d👩"


def test_the_tags_of_a_flag_and_the_marks_of_direction_are_kept() -> None:
    england = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
    assert plain(f"{england} win, \u200fשלום", limit_chars=500) == f"{england} win, \u200fשלום"


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


@given(st.text(), st.booleans(), st.integers(min_value=1, max_value=300))
def test_whatever_comes_in_a_short_clean_line_goes_out(markup: str, is_html: bool, limit: int) -> None:
    text = plain(markup, limit_chars=limit, is_html=is_html)
    assert len(text) <= limit
    assert text == " ".join(text.split())
    text.encode()
