"""Contacts that push services refuse are found before the first push."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.push.contact import contact_problem


@pytest.mark.parametrize(
    "contact",
    ["mailto:desk@news.org", "mailto:a.b+c@sub.news.co.uk", "https://news.org/contact", "https://news.org"],
)
def test_a_public_address_is_well(contact: str) -> None:
    assert contact_problem(contact) is None


@pytest.mark.parametrize(
    "contact",
    [
        "mailto: desk@news.org",
        "mailto:<desk@news.org>",
        "mailto:x",
        "mailto:",
        "mailto:desk@localhost",
        "mailto:operator@LOCALHOST",
        "mailto:desk@mac.local",
        "mailto:desk@news.test",
        "https://localhost",
        "https://localhost:8000/",
        "https://news.local/contact",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://news/",
        "https:",
        "https://news.org/a page",
        "https://[bad/",
    ],
)
def test_what_apple_refuses_is_told_in_words(contact: str) -> None:
    assert contact_problem(contact)


@given(st.text())
def test_no_text_makes_it_fail(text: str) -> None:
    for scheme in ("mailto:", "https://", ""):
        contact_problem(scheme + text)
