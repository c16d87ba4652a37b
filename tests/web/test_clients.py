"""Who counts as one client."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.alerts.receipts import CLICKED, SHOWN, Receipt
from notifier.clock import ManualClock
from notifier.errors import TooOften
from notifier.telemetry import Metrics
from notifier.troubles import Code, Troubles
from notifier.web import rates
from notifier.web.clients import PEER, UNKNOWN, client_name, from_this_machine
from notifier.web.peers import SURE_AFTER, Peers
from notifier.web.rates import Rates
from notifier.web.receipt_counter import MOST_OF_ADDRESS, MOST_OF_NETWORK, ReceiptCounter
from notifier.web.services import SiteSettings
from tests.web.site import NOW, Site
from tests.web.test_receipts import NAME, MemoryReceipts


@pytest.mark.parametrize(
    ("host", "client"),
    [("198.51.100.7", "198.51.100.7"), ("::ffff:198.51.100.7", "198.51.100.7"), ("2001:db8::1:2", "2001:db8::/64"),
     ("fe80::1%eth0", "fe80::/64"), ("", UNKNOWN), ("x" * 5000, UNKNOWN), ("unix:", UNKNOWN)],
)  # fmt: skip
def test_a_client_is_an_address_or_a_network(host: str, client: str) -> None:
    assert client_name(host) == client


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_two_addresses_of_one_network_are_one_client(one: int, other: int) -> None:
    network = int(IPv6Address("2001:db8:5:6::"))
    assert client_name(str(IPv6Address(network + one))) == client_name(str(IPv6Address(network + other)))


def test_a_network_has_no_more_turns_than_an_address() -> None:
    counting = Rates(SiteSettings(tests_per_minute=2))
    counting.count("test", "2001:db8::1")
    counting.count("test", "2001:db8::2")
    with pytest.raises(TooOften):
        counting.count("test", "2001:db8::ffff")
    counting.count("test", "2001:db8:0:1::1")


def test_the_memory_for_clients_is_bounded() -> None:
    counting = Rates(SiteSettings())
    for number in range(rates.REMEMBERED + 10):
        counting.count("change", str(IPv6Address(number << 64)))
    assert len(counting) == rates.REMEMBERED


@pytest.mark.parametrize(("host", "most"), [("2001:db8::%x", MOST_OF_NETWORK), ("198.51.100.7", MOST_OF_ADDRESS)])
def test_one_client_is_counted_a_few_times_a_day(host: str, most: int) -> None:
    store, clock = MemoryReceipts(), ManualClock(NOW)
    desk = ReceiptCounter(store, clock, Metrics())
    for number in range(1500):
        desk.hear(Receipt(NAME, CLICKED, number % 20), client_name(host.replace("%x", f"{number:x}")))
    desk.hear(Receipt(NAME, SHOWN, 0), client_name("2001:db8::1"))
    desk.hear(Receipt(NAME, CLICKED, 0), client_name("2001:db8:0:1::1"))
    desk.hand_over()
    assert sum(count for told, count in store.told.items() if told.kind == CLICKED) == most + 1
    clock.advance(86_400)
    desk.hear(Receipt(NAME, CLICKED, 0), client_name(host.replace("%x", "1")))
    desk.hand_over()
    assert sum(count for told, count in store.told.items() if told.kind == CLICKED) == most + 2


@pytest.mark.parametrize(
    ("peer", "headers", "is_here"),
    [("127.0.0.1", [], True), ("::1", [], True), ("::ffff:127.0.0.1", [], True), ("198.51.100.7", [], False),
     ("127.0.0.1", [(b"x-forwarded-for", b"127.0.0.1")], False), ("127.0.0.1", [(b"forwarded", b"for=x")], False)],
)  # fmt: skip
def test_this_machine_is_the_real_peer_and_no_proxy(
    peer: str, headers: list[tuple[bytes, bytes]], is_here: bool
) -> None:
    assert from_this_machine({"client": ("127.0.0.1", 1), PEER: (peer, 1), "headers": headers}) is is_here


class Seconds:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


async def nothing(scope: object, receive: object, send: object) -> None:
    pass


def peers_asked(peer: str, times: int, headers: list[tuple[bytes, bytes]]) -> tuple[Peers, Troubles, Seconds]:
    troubles, now = Troubles(), Seconds()
    peers = Peers(nothing, ["10.9.9.9"], troubles, now)
    for _ in range(times):
        scope = {"type": "http", "client": (peer, 1), "headers": headers}
        coroutine = peers(scope, nothing, nothing)  # type: ignore[arg-type]
        with pytest.raises(StopIteration):
            coroutine.send(None)
    return peers, troubles, now


FORWARDED = [(b"x-forwarded-for", b"198.51.100.1")]


@pytest.mark.parametrize(
    ("peer", "times", "told"),
    [("172.18.0.1", 1, True), ("10.9.9.9", 100, False), ("9.9.9.9", 1, False), ("9.9.9.9", SURE_AFTER, True)],
)
def test_a_proxy_that_is_not_trusted_is_told_of_and_what_to_set(peer: str, times: int, told: bool) -> None:
    peers, troubles, now = peers_asked(peer, times, FORWARDED)
    assert [(one.code, one.subject) for one in troubles.all()] == ([(Code.PROXY_NOT_TRUSTED, peer)] if told else [])
    assert all(f"NOTIFIER_PROXIES={peer}" in one.do for one in troubles.all())
    now.s += 3601
    peers.tidy()
    assert troubles.all() == []


def test_metrics_and_what_checks_say_are_not_for_everybody() -> None:
    site = Site(settings=SiteSettings(metrics_token="open sesame"))
    through_a_proxy = {"x-forwarded-for": "198.51.100.1"}
    assert site.ask("GET", "/metrics", headers=through_a_proxy).status == 404
    assert site.ask("GET", "/readyz", headers=through_a_proxy).json == {"ready": True}
    wrong = site.ask("GET", "/metrics", headers=through_a_proxy | {"authorization": "Bearer close sesame"})
    assert wrong.status == 404
    right = through_a_proxy | {"authorization": "Bearer open sesame"}
    assert site.ask("GET", "/metrics", headers=right).text == "notifier_up 1\n"
    assert "checks" in site.ask("GET", "/readyz", headers=right).json
    assert Site().ask("GET", "/metrics", headers=through_a_proxy | {"authorization": "Bearer "}).status == 404
