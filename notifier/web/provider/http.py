"""Asks an OpenID provider, within limits: an address that the guard allows, some seconds, some kilobytes, no redirect.

Enters: an address that the provider's metadata names. Leaves: the JSON object that it answered, or ProviderFailed. The
words of a failure name what was asked, never what was sent or answered. Synchronous: routes call it in worker threads.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import certifi
import pycurl

from notifier.addresses import AddressGuard
from notifier.errors import ProviderFailed

LARGEST_ANSWER = 256 * 1024


@dataclass(frozen=True, slots=True)
class ProviderHttp:
    """One question at a time, each over a connection of its own. `deadline_s` covers all of an exchange."""

    guard: AddressGuard
    deadline_s: float = 8.0

    def get(self, what: str, url: str, *, bearer: str | None = None) -> dict[str, Any]:
        """GET a JSON object. `what` says for people what it is."""
        return self._ask(what, url, [f"Authorization: Bearer {bearer}"] if bearer else [], None)

    def post(
        self, what: str, url: str, fields: Mapping[str, str], *, basic: tuple[str, str] | None = None
    ) -> dict[str, Any]:
        """POST a form, with HTTP Basic credentials where given, and take a JSON object."""
        return self._ask(what, url, [], urlencode(fields), basic)

    def _ask(
        self, what: str, url: str, headers: list[str], form: str | None, basic: tuple[str, str] | None = None
    ) -> dict[str, Any]:
        body, opened = bytearray(), list[socket.socket]()
        handle = self._handle(url, headers, body, opened)
        try:
            if form is not None:
                handle.setopt(pycurl.POSTFIELDS, form)
            if basic is not None:
                handle.setopt(pycurl.USERNAME, basic[0])
                handle.setopt(pycurl.PASSWORD, basic[1])
                handle.setopt(pycurl.HTTPAUTH, pycurl.HTTPAUTH_BASIC)
            handle.perform()
            status = handle.getinfo(pycurl.RESPONSE_CODE)
        except pycurl.error as failed:
            raise ProviderFailed(f"{what}: {_in_words(failed.args[0], self.deadline_s)}") from None
        finally:
            handle.close()
            for ours in opened:  # libcurl has a copy of its own
                ours.close()
        if status != 200:
            raise ProviderFailed(f"{what}: answered with HTTP {status}")
        return _object(what, bytes(body))

    def _handle(self, url: str, headers: list[str], body: bytearray, opened: list[socket.socket]) -> pycurl.Curl:
        def take(part: bytes) -> int | None:
            if len(body) + len(part) > LARGEST_ANSWER:
                return 0  # anything but the length ends the transfer
            body.extend(part)
            return None

        handle = pycurl.Curl()
        handle.setopt(pycurl.URL, url)
        handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        handle.setopt(pycurl.HTTPHEADER, ["Accept: application/json", *headers])
        handle.setopt(pycurl.TIMEOUT_MS, int(1000 * self.deadline_s))
        handle.setopt(pycurl.CAINFO, certifi.where())
        handle.setopt(pycurl.FOLLOWLOCATION, 0)
        # A proxy of the environment would connect to addresses that the guard never sees.
        handle.setopt(pycurl.PROXY, "")
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.USERAGENT, "notifier")
        handle.setopt(pycurl.WRITEFUNCTION, take)
        guard = self.guard.for_host(urlsplit(url).hostname or "")
        handle.setopt(pycurl.OPENSOCKETFUNCTION, _sockets_of(guard, opened))
        return handle


def _sockets_of(guard: AddressGuard, opened: list[socket.socket]) -> Callable[..., socket.socket | int]:
    def open_socket(_purpose: int, address: tuple[int, int, int, tuple[str, int]]) -> socket.socket | int:
        family, kind, protocol, (host, port, *_) = address
        if guard.refusal(host, port):
            return int(pycurl.SOCKET_BAD)
        opened.append(socket.socket(family, kind, protocol))
        return opened[-1]

    return open_socket


def _object(what: str, body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise ProviderFailed(f"{what}: the answer is no JSON") from None
    if not isinstance(found, dict):
        raise ProviderFailed(f"{what}: the answer is no JSON object")
    return found


def _in_words(code: int, deadline_s: float) -> str:
    words = {
        pycurl.E_OPERATION_TIMEDOUT: f"no whole answer within {deadline_s:g} s",
        pycurl.E_COULDNT_RESOLVE_HOST: "its name cannot be looked up",
        pycurl.E_COULDNT_CONNECT: "cannot be reached, or has an address that NOTIFIER_OIDC_ALLOW does not allow",
        pycurl.E_WRITE_ERROR: "the answer is too large",
        pycurl.E_PEER_FAILED_VERIFICATION: "its certificate is not good",
    }
    return words.get(code, f"cannot be asked (libcurl {code})")
