from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.markup import plain


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


@given(st.text(), st.booleans(), st.integers(min_value=1, max_value=300))
def test_whatever_comes_in_a_short_clean_line_goes_out(markup: str, is_html: bool, limit: int) -> None:
    text = plain(markup, limit_chars=limit, is_html=is_html)
    assert len(text) <= limit
    assert text == " ".join(text.split())
    text.encode()
