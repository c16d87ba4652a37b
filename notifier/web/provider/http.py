"""Asks an OpenID provider, within limits: an address that the guard allows, some seconds, some kilobytes, no redirect.

Enters: an address that the provider's metadata names. Leaves: the JSON object that it answered, or ProviderFailed. The
words of a failure name what was asked, never what was sent or answered. Synchronous: routes call it in worker threads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from notifier.errors import ProviderFailed
from notifier.outbound import blocking
from notifier.outbound.exchange import BadResponse, CannotConnect, NameUnknown, Request, TlsFailed, TooMuch
from notifier.outbound.route import Route
from notifier.outbound.target import basic as basic_header

LARGEST_ANSWER = 256 * 1024


@dataclass(frozen=True, slots=True)
class ProviderHttp:
    """One question at a time, each over a connection of its own. `deadline_s` covers all of an exchange."""

    route: Route
    deadline_s: float = 8.0

    def get(self, what: str, url: str, *, bearer: str | None = None) -> dict[str, Any]:
        """GET a JSON object. `what` says for people what it is."""
        return self._ask(what, url, {"Authorization": f"Bearer {bearer}"} if bearer else {}, None)

    def post(
        self, what: str, url: str, fields: Mapping[str, str], *, basic: tuple[str, str] | None = None
    ) -> dict[str, Any]:
        """POST a form, with HTTP Basic credentials where given, and take a JSON object."""
        headers = {"Authorization": basic_header(*basic)} if basic else {}
        return self._ask(what, url, headers, urlencode(fields).encode())

    def _ask(self, what: str, url: str, headers: Mapping[str, str], form: bytes | None) -> dict[str, Any]:
        request = Request(url, {"Accept": "application/json", **headers}, form, LARGEST_ANSWER)
        try:
            response = blocking.ask(self.route, request, self.deadline_s)
        except (OSError, BadResponse, TooMuch, ValueError) as failed:
            raise ProviderFailed(f"{what}: {_in_words(failed, self.deadline_s)}") from None
        if response.status != 200:
            raise ProviderFailed(f"{what}: answered with HTTP {response.status}")
        return _object(what, response.body or b"")


def _object(what: str, body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise ProviderFailed(f"{what}: the answer is no JSON") from None
    if not isinstance(found, dict):
        raise ProviderFailed(f"{what}: the answer is no JSON object")
    return found


def _in_words(failed: Exception, deadline_s: float) -> str:
    words = {
        TimeoutError: f"no whole answer within {deadline_s:g} s",
        NameUnknown: "its name cannot be looked up",
        CannotConnect: "cannot be reached, or has an address that NOTIFIER_OIDC_ALLOW does not allow",
        TlsFailed: "its certificate is not good",
        TooMuch: "the answer is too large",
        BadResponse: f"does not speak proper HTTP: {failed}",
    }
    return words.get(type(failed), f"cannot be asked ({type(failed).__name__})")
