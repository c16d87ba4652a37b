"""What an OpenID provider is asked over HTTP: the address that was meant, and no other that it leads to."""

from __future__ import annotations

import asyncio

import pytest

from notifier.errors import ProviderFailed
from notifier.outbound.addresses import AddressGuard
from notifier.outbound.route import Route
from notifier.web.provider.http import ProviderHttp
from tests.outbound.web import always, response, site


def test_a_redirect_is_not_followed() -> None:
    """A secret goes along, and the address was allowed, not the one that it leads to."""

    async def ask() -> list[str]:
        async with site(always(response("302 Found", Location="/elsewhere"))) as running:
            http = ProviderHttp(Route(AddressGuard.allowing(["127.0.0.1"])))
            with pytest.raises(ProviderFailed, match="HTTP 302"):
                await asyncio.to_thread(http.post, "The tokens", running.url("/token"), {"code": "1"})
            return [asked.path for asked in running.asked]

    assert asyncio.run(ask()) == ["/token"]
