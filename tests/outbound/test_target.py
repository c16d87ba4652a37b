"""URLs become what libcurl may see: names in IDNA form, plain addresses, no credentials."""

from __future__ import annotations

import pytest

from notifier.outbound.target import target_of


@pytest.mark.parametrize(
    ("url", "host", "asked"),
    [
        ("http://a.example", "a.example", "http://a.example/"),
        ("HTTPS://A.example:443/x y?q=ü#part", "a.example", "https://a.example/x%20y?q=%C3%BC"),
        ("http://bücher.example:8080/", "xn--bcher-kva.example", "http://xn--bcher-kva.example:8080/"),
        ("http://[::1]:80/a", "::1", "http://[::1]/a"),
        ("http://me:p%40ss@a.example./", "a.example", "http://a.example/"),
    ],
)
def test_a_url_becomes_a_host_and_what_is_asked(url: str, host: str, asked: str) -> None:
    target = target_of(url)
    assert (target.host, target.url) == (host, asked)


def test_credentials_become_a_header_and_are_not_shown() -> None:
    target = target_of("http://me:p%40ss@a.example/")
    assert target.authorization == "Basic bWU6cEBzcw=="
    assert "bWU6" not in repr(target)


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.1", "0x7f000001"])
def test_each_spelling_of_an_address_is_that_address(host: str) -> None:
    assert target_of(f"http://{host}/").address == "127.0.0.1"


@pytest.mark.parametrize("url", ["ftp://a.example/", "http://", "nonsense", "http://."])
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not a web address"):
        target_of(url)
