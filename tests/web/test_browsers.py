"""A browser's family from its User-Agent."""

from __future__ import annotations

import pytest

from notifier.web.browsers import browser_family

WEBKIT = "Mozilla/5.0 (X) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        (f"{WEBKIT} Chrome/156.0.0.0 Safari/537.36", "chrome"),
        (f"{WEBKIT} Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0", "edge"),
        (f"{WEBKIT} Chrome/156.0.0.0 Safari/537.36 OPR/120.0", "opera"),
        (f"{WEBKIT} SamsungBrowser/28.0 Chrome/156.0.0.0 Mobile Safari/537.36", "samsung"),
        (f"{WEBKIT} Version/19.0 Mobile/15E148 Safari/604.1", "safari"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", "firefox"),
        ("curl/8.1", "other"),
        ("", "other"),
    ],
)
def test_the_last_word_of_a_user_agent_is_not_the_first_to_believe(agent: str, family: str) -> None:
    assert browser_family(agent) == family
