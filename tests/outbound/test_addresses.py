"""The address guard: nothing that is not public gets a socket, however its address is written."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.errors import ConfigError
from notifier.outbound.addresses import AddressGuard, is_address, is_public

PUBLIC = (
    "8.8.8.8",
    "151.101.0.81",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
)
PRIVATE = (
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "2001::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:c0a8:101::",
)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_talked_to(address: str) -> None:
    assert AddressGuard().refusal(address, 443) is None


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert str(AddressGuard().refusal(address, 443)).endswith("is not a public address")


@pytest.mark.parametrize("spelling", ["2130706433", "0177.0.0.1", "0x7f.1", "127.1", "0", "localhost", "[::1]"])
def test_whatever_the_system_makes_of_a_spelling_is_what_is_judged(spelling: str) -> None:
    for found in socket.getaddrinfo(spelling.strip("[]"), 80, type=socket.SOCK_STREAM):
        assert AddressGuard().refusal(*found[4][:2])


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_however_ipv6_wraps_it(address: object) -> None:
    number = int(address)  # type: ignore[call-overload]
    plain = is_public(ip_address(number))
    assert is_public(ip_address((0xFFFF << 32) | number)) is plain
    assert is_public(ip_address((0x64_FF9B << 96) | number)) is plain
    # 6to4: Python 3.13 calls all of it private, and where its relays are nobody knows (RFC 7526).
    assert not is_public(ip_address((0x2002 << 112) | (number << 80)))


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(address: object) -> None:
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:  # type: ignore[attr-defined]
        assert not is_public(address)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entry", "address", "port"),
    [
        ("10.0.0.0/8", "10.2.3.4", 80),
        ("10.0.0.5", "10.0.0.5", 8080),
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("::1", "::1", 80),
        ("[::1]:8080", "::1", 8080),
        ("127.0.0.1", "::ffff:127.0.0.1", 80),
    ],
)
def test_an_operator_can_allow_a_private_address(entry: str, address: str, port: int) -> None:
    assert AddressGuard.allowing([entry]).refusal(address, port) is None


@pytest.mark.parametrize(
    ("entry", "address", "port"),
    [
        ("10.0.0.0/8", "192.168.0.1", 80),
        ("10.0.0.5", "10.0.0.6", 80),
        ("127.0.0.1:8080", "127.0.0.1", 5432),
        ("[::1]:80", "::1", 81),
    ],
)
def test_allowing_one_address_allows_no_other(entry: str, address: str, port: int) -> None:
    assert AddressGuard.allowing([entry]).refusal(address, port)


def test_an_allowed_name_opens_private_addresses_for_itself_only() -> None:
    guard = AddressGuard.allowing(["feeds.example.lan"])
    assert guard.for_host("Feeds.Example.LAN.").refusal("10.0.0.1") is None
    assert guard.for_host("evil.example").refusal("10.0.0.1")
    assert guard.refusal("10.0.0.1")


@pytest.mark.parametrize("entry", ["10.0.0.0/99", "127.0.0.1:http", "http://10.0.0.1/", "-- --", "10.0.0.1:99:1.2"])
def test_an_entry_that_is_neither_address_nor_name_is_refused_with_what_to_write(entry: str) -> None:
    with pytest.raises(ConfigError, match=r"Write 10\.0\.0\.5"):
        AddressGuard.allowing([entry])


def test_empty_entries_allow_nothing() -> None:
    assert AddressGuard.allowing(["", "  "]) == AddressGuard()


def test_a_host_is_an_address_or_a_name() -> None:
    hosts = ("127.0.0.1", "2001:db8::1", "fe80::1%eth0", "paper.example", "", "1.2.3", "2130706433")
    assert [is_address(host) for host in hosts] == [True, True, True, False, False, False, False]
