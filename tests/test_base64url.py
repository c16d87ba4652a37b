"""Bytes as text and back, strictly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.base64url import decode, encode


@given(st.binary())
def test_what_is_encoded_comes_back(data: bytes) -> None:
    assert decode(encode(data)) == data
    assert set(encode(data)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize("text", ["-_-_", "+/+/", "-_-_==", "-/+_"])
def test_both_alphabets_are_read_with_and_without_padding(text: str) -> None:
    assert decode(text) == b"\xfb\xff\xbf"


@pytest.mark.parametrize("text", ["AA=A", "A", "A A", "AAA\n", "é", "AA.A", "AAAA*"])
def test_what_is_no_base64url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)
